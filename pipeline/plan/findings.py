"""The list of what is wrong, as the checker fills it."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.lang.diagnostics import Diagnostic, Label
from pipeline.lang.spans import Span


class Findings:
    """Collects diagnostics. The same finding at the same place is kept once."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, int, str], Diagnostic] = {}

    def error(
        self, code: str, message: str, span: Span, label: str = "", *, labels: Sequence[Label] = (), help: str = ""
    ) -> None:
        self.add(Diagnostic(code, message, span, label, tuple(labels), help))

    def warning(
        self, code: str, message: str, span: Span, label: str = "", *, labels: Sequence[Label] = (), help: str = ""
    ) -> None:
        self.add(Diagnostic(code, message, span, label, tuple(labels), help, "warning"))

    def add(self, diagnostic: Diagnostic) -> None:
        span = diagnostic.span
        self._found.setdefault((span.source.name, diagnostic.code, span.start, diagnostic.message), diagnostic)

    def extend(self, other: Findings) -> None:
        for diagnostic in other.all:
            self.add(diagnostic)

    @property
    def all(self) -> tuple[Diagnostic, ...]:
        """In the order in which they were found."""
        return tuple(self._found.values())

    @property
    def failed(self) -> bool:
        """True when there is an error among them."""
        return any(diagnostic.severity == "error" for diagnostic in self._found.values())
