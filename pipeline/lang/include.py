"""A program with the statements of the files that it includes.

Files are found and read by a function that the caller gives, so this module touches no disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from pipeline.lang.ast import IncludeStatement, Name, Program, Statement
from pipeline.lang.diagnostics import Diagnostic, Label
from pipeline.lang.parse import Parsed, parse_program
from pipeline.lang.spans import Source, Span

Load = Callable[[str, Source], list[Source]]
"""The sources that a path or glob names, relative to the source that includes them, in the order to read them.

Two sources with the same `name` are the same file. A file that cannot be read raises OSError. The list is empty when
nothing has that name."""


def resolve(main: Source, load: Load) -> Parsed[Program]:
    """One program in place of many files.

    Statements stand where their `include` stood and keep spans of their own sources; no include is left. A file that is
    included more than once counts once, at the first place. The program's own span is that of `main`.
    """
    walk = _Walk(load)
    walk.run(main)
    if not walk.statements and not walk.diagnostics:
        help = "write at least a source and a sink: `source NAME = input(…)  sink NAME = SOURCE -> output(…)`"
        walk.diagnostics.append(Diagnostic("P042", "the program has no statements", Span(main, 0, 0), help=help))
    tree = Program(Span(main, 0, len(main.text)), tuple(walk.statements))
    return Parsed(tree, tuple(walk.diagnostics), tuple(walk.broken))


@dataclass(slots=True)
class _File:
    """A file that is being read: its statements to come, and the files to read before them."""

    source: Source
    rest: Iterator[Statement]
    include: IncludeStatement | None
    queue: list[tuple[Source, IncludeStatement]] = field(default_factory=list)


@dataclass(slots=True)
class _Walk:
    load: Load
    statements: list[Statement] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    broken: list[Name] = field(default_factory=list)
    path: list[_File] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def run(self, main: Source) -> None:
        self._enter(main, None)
        while self.path:
            file = self.path[-1]
            if file.queue:
                self._enter(*file.queue.pop(0))
                continue
            statement = next(file.rest, None)
            if statement is None:
                self.path.pop()
            elif isinstance(statement, IncludeStatement):
                file.queue = [(found, statement) for found in self._find(statement, file.source)]
            else:
                self.statements.append(statement)

    def _find(self, include: IncludeStatement, source: Source) -> list[Source]:
        pattern, span = include.path.value, include.path.span
        wild = any(character in pattern for character in "*?[")
        try:
            found = self.load(pattern, source)
        except OSError as error:
            reason = error.strerror or str(error) or type(error).__name__
            self.diagnostics.append(Diagnostic("P040", f"cannot read `{pattern}`: {reason}", span))
            return []
        if wild:
            return [file for file in found if file.name != source.name]
        if not found:
            help = f"the path is relative to {source.name}"
            self.diagnostics.append(Diagnostic("P040", f"there is no file `{pattern}`", span, help=help))
        return found

    def _enter(self, source: Source, include: IncludeStatement | None) -> None:
        if (include is not None and self._in_circle(source, include)) or source.name in self.seen:
            return
        self.seen.add(source.name)
        parsed = parse_program(source)
        self.diagnostics += parsed.diagnostics
        self.broken += parsed.broken
        statements = parsed.tree.statements if parsed.tree is not None else ()
        self.path.append(_File(source, iter(statements), include))

    def _in_circle(self, source: Source, include: IncludeStatement) -> bool:
        """Report an include of a file that is itself being read."""
        names = [file.source.name for file in self.path]
        if source.name not in names:
            return False
        at = names.index(source.name)
        circle = " → ".join([*names[at:], source.name])
        labels = tuple(
            Label(file.include.path.span, "included here") for file in self.path[at + 1 :] if file.include is not None
        )
        message = f"`{source.name}` includes itself: {circle}"
        self.diagnostics.append(Diagnostic("P041", message, include.path.span, labels=labels))
        return True
