"""The command `pipe`: arguments in, exit code out.

    group.py       the commands by name, each imported when it is called        failures.py   errors → stderr and exit codes
    hangup.py      SIGHUP while `run` starts
    streams.py     standard streams that are closed
    programs.py    program files → checked graphs                              parameters.py durations, sizes, times
    states.py      which state is asked: a running agent's, or by `snapshot.py` that of one that has stopped
    a module a command; `session.py` runs agents under signals and reloads, `watch.py` tells of
    changed files, `results.py` is where a query ends, `story.py` tells what `why` has found, `desk.py` changes dead letters

Only click and the version are imported here, so that `pipe --version` answers at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from pipeline.cli import hangup, streams
from pipeline.cli.failures import guarded
from pipeline.cli.group import CommandsByName
from pipeline.env import memory

COMMANDS = {
    "run": ("run", "Run a program."),
    "check": ("check", "Say everything that is wrong with a program."),
    "test": ("test", "Run the tests of programs on a virtual clock."),
    "fmt": ("fmt", "Put programs into the canonical layout."),
    "graph": ("graph", "Draw a program."),
    "explain": ("explain", "Say what a program will do, node by node."),
    "query": ("query", "Ask a question about a finite input."),
    "grok": ("grok", "Try a grok pattern on lines of text."),
    "generate": ("generate", "Write the access log of a busy web shop."),
    "top": ("top", "Show the rows per second of a running program."),
    "audit": ("audit", "Account for every row: in = out + filtered + rejected."),
    "why": ("why", "Show the lines that a fact is made of."),
    "checkpoint": ("checkpoint", "Show how far each input is committed."),
    "dlq": ("dlq", "Show rejected rows that no sink reads."),
    "new": ("new", "Make a package for a plugin of your own."),
    "plugins": ("plugins", "Show the plugins, or one plugin's page."),
}
"""Command → (module of `pipeline.cli` with the attribute `command`, what the list of commands says)."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `pipe` with these arguments (default: the process's). Gives the exit code; never raises."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["run"]:
        hangup.hold()
    streams.settle()
    memory.settle()
    return guarded(lambda: CommandsByName(COMMANDS).call(given))
