"""What pydantic says about an option, in the words of the language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args

from pydantic_core import ErrorDetails

from pipeline.api.options import Bytes, Microseconds
from pipeline.plan.spelling import duration, size

_LIMITS = {
    "greater_than": ("gt", "must be more than"),
    "greater_than_equal": ("ge", "must be at least"),
    "less_than": ("lt", "must be less than"),
    "less_than_equal": ("le", "must be at most"),
    "multiple_of": ("multiple_of", "must be a multiple of"),
}

_LENGTHS = {
    "string_too_short": ("min_length", "must have at least"),
    "string_too_long": ("max_length", "must have at most"),
    "too_short": ("min_length", "must have at least"),
    "too_long": ("max_length", "must have at most"),
}


def limit(problem: ErrorDetails, annotation: object) -> str:
    """`must be at least 1s`, said of an option with this annotation."""
    kind = problem["type"]
    bounds: Mapping[str, Any] = problem.get("ctx", {})
    if kind in _LIMITS:
        key, words = _LIMITS[kind]
        return f"{words} {_spell(annotation)(bounds[key])}"
    if kind in _LENGTHS:
        key, words = _LENGTHS[kind]
        unit = "character" if kind.startswith("string") else "element"
        return f"{words} {bounds[key]} {unit}{'' if bounds[key] == 1 else 's'}"
    if kind == "string_pattern_mismatch":
        return f"must match {bounds['pattern']}"
    if kind in ("value_error", "assertion_error"):
        return str(bounds.get("error", problem["msg"]))
    message = problem["msg"]
    return message[:1].lower() + message[1:]


def _spell(annotation: object) -> Callable[[int], str]:
    if marked(annotation, Microseconds):
        return duration
    return size if marked(annotation, Bytes) else str


def marked(annotation: object, marker: type) -> bool:
    """Whether an annotation, or a member of it, carries a marker such as Microseconds."""
    metadata = getattr(annotation, "__metadata__", ())
    return marker in metadata or any(marked(inner, marker) for inner in get_args(annotation))
