"""The error of a grok pattern that cannot be compiled."""

from pipeline.errors import PipeError


class GrokError(PipeError):
    """A pattern is wrong.

    `position` is the offset, in code points, into the pattern that the program wrote; an error inside a named pattern
    points at the reference that led to it, and the message names the pattern.
    """

    exit_code = 65

    def __init__(self, message: str, position: int = 0, help: str = "") -> None:
        super().__init__(message, help)
        self.position = position
