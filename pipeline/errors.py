"""The tree of errors, and the exit code that each one ends the process with.

    PipeError                 70  anything that we raise on purpose
    ├── UsageError            64  the command line is wrong
    ├── ProgramError          65  the program has errors (carries their diagnostics)
    ├── NoInputError          66  a named input does not exist or cannot be read
    ├── InternalError         70  a broken promise of the engine itself
    │   └── BrokenDiskError   70  a failed fsync: the page cache can no longer be believed, so never retried
    ├── StateError            73  the state directory is in use, unreadable, or belongs to another program
    ├── TemporaryError        75  not finished, nothing lost: run again
    │   └── DiskFullError     75  no space left for the state or a local output
    └── ConfigurationError    78  an option, a missing extra, a plugin that does not fit

A message says what was wrong and where; `help` says what to do next. The command line prints both, never a traceback.
Exit codes follow sysexits(3).
"""


class PipeError(Exception):
    """An error with a message for a person, advice, and an exit code."""

    exit_code = 70

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.help = help


class UsageError(PipeError):
    exit_code = 64


class ProgramError(PipeError):
    """The program has errors. `diagnostics` is a tuple of `pipeline.lang.Diagnostic`, typed loosely: errors know no language."""

    exit_code = 65

    def __init__(self, message: str, help: str = "", diagnostics: tuple[object, ...] = ()) -> None:
        super().__init__(message, help)
        self.diagnostics = diagnostics


class NoInputError(PipeError):
    exit_code = 66


class InternalError(PipeError):
    exit_code = 70


class BrokenDiskError(InternalError):
    pass


class StateError(PipeError):
    exit_code = 73


class TemporaryError(PipeError):
    exit_code = 75


class DiskFullError(TemporaryError):
    pass


class ConfigurationError(PipeError):
    exit_code = 78
