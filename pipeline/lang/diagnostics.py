"""What is wrong with a program, as a value: code, message, labels on spans, notes, help."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from pipeline.lang.spans import Span


@dataclass(frozen=True, slots=True)
class Label:
    """A caret under a span, with a few words beside it."""

    span: Span
    text: str = ""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding. `code` is stable and documented (`pipeline.lang.codes`); `span` is the place to jump to.

    `labels` point at further places (the first definition of a name, say)."""

    code: str
    message: str
    span: Span
    label: str = ""
    labels: tuple[Label, ...] = ()
    help: str = ""
    severity: Literal["error", "warning"] = "error"


def suggestion(wrong: str, known: Iterable[str]) -> str:
    """`did you mean `x`?`, or nothing when no known name is close."""
    close = get_close_matches(wrong, sorted(set(known)), n=1, cutoff=0.6)
    return f"did you mean `{close[0]}`?" if close else ""
