"""What of its batches a plugin still holds: frames, columns, and views of their bytes."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from pipeline.api import Batch, Expr, Field

_DATA = (pl.DataFrame, pl.Series, pl.LazyFrame, Batch, memoryview)
_CLOSED = (type, types.ModuleType, types.FunctionType, str, bytes, int, float, bool, pl.Expr, Expr, Field)
DEEPEST = 8


LONG = 40
"""A text of so many bytes that is also in the batch was not made by the plugin."""


def views(plugin: object, batch: Batch, known: Mapping[str, object]) -> list[str]:
    """What the plugin holds of a batch, besides what it held before: the batch, its columns, or texts out of them. Answers of
    its own in a column are none."""
    texts = _texts(batch.frame)
    return [
        f"{path} is a {type(value).__name__} with values of the batch"
        for path, value in holdings(plugin).items()
        if known.get(path) is not value and _of(value, batch, texts)
    ]


def shared(state: object, batch: Batch) -> list[str]:
    """What a fold's state holds of a batch: frames and columns in the batch's memory, and whatever else is a view. Copies are
    none."""
    mine = [place for column in batch.frame.get_columns() if (place := _place(column)) is not None]
    found = []
    for path, value in _reached([(state, "state", 0)]).items():
        columns = value.get_columns() if isinstance(value, pl.DataFrame) else [value]
        copied = all(isinstance(column, pl.Series) and _copied(column, mine, batch) for column in columns)
        if not copied:
            found.append(f"{path} is a {type(value).__name__} of the batch")
    return found


def _copied(column: pl.Series, mine: list[range], batch: Batch) -> bool:
    place = _place(column)
    if place is not None:
        return not any(place.start in each for each in mine)
    # Where texts are is not told: all of a column's are a view of it.
    columns = [each for each in batch.frame.get_columns() if each.len() > 1]
    return not any(each.equals(column, check_dtypes=True, null_equal=True) for each in columns)


def _place(column: pl.Series) -> range | None:
    """The addresses of the memory that a column of numbers or times is in; None for others, and for none."""
    physical = column.to_physical()
    if not physical.dtype.is_integer() or not physical.len() or physical.n_chunks() != 1:
        return None
    start: int = physical._s.as_single_ptr()  # noqa: SLF001 — there is no other way to ask
    return range(start, start + int(physical.estimated_size()))


def _of(value: object, batch: Batch, texts: set[bytes]) -> bool:
    match value:
        case Batch():
            return True
        case pl.Series():
            columns = [column for column in batch.frame.get_columns() if column.len() > 1]
            same = any(column.equals(value, check_dtypes=True, null_equal=True) for column in columns)
            return same or bool(texts & _texts(value.to_frame()))
        case pl.DataFrame():
            return any(_of(column, batch, texts) for column in value.get_columns())
        case _:
            return True


def _texts(frame: pl.DataFrame) -> set[bytes]:
    """All long texts of the top level."""
    found: set[bytes] = set()
    for column in frame.get_columns():
        if column.dtype in (pl.String, pl.Binary):
            values = column.cast(pl.Binary).drop_nulls()
            found.update(values.filter(values.bin.size() >= LONG).to_list())
    return found


def holdings(plugin: object) -> dict[str, object]:
    """Frames, series, batches and views that can be reached from a plugin, its class and its module: how → what."""
    kind = type(plugin)
    globals_ = dict(vars(sys.modules[kind.__module__])) if kind.__module__ in sys.modules else {}
    return _reached(
        [
            (plugin, "self", 0),
            (dict(vars(kind)), kind.__name__, DEEPEST - 2),
            (globals_, kind.__module__, DEEPEST - 2),
        ]
    )


def _reached(ahead: list[tuple[object, str, int]]) -> dict[str, object]:
    found: dict[str, object] = {}
    seen: set[int] = set()
    while ahead:
        value, path, depth = ahead.pop()
        if id(value) in seen or depth > DEEPEST or isinstance(value, _CLOSED):
            continue
        seen.add(id(value))
        if isinstance(value, _DATA) or _array(value):
            found[path] = value
            continue
        ahead += [(inner, f"{path}{name}", depth + 1) for name, inner in _inside(value)]
    return found


def _array(value: object) -> bool:
    return type(value).__module__.partition(".")[0] in ("numpy", "pyarrow")


def _inside(value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        for key, inner in list(value.items())[:1000]:
            yield f"[{key!r:.20}]", inner
    elif isinstance(value, (list, tuple, set, frozenset)) or type(value).__name__ == "deque":
        members: Any = value
        for at, inner in zip(range(1000), members, strict=False):
            yield f"[{at}]", inner
    for name, inner in getattr(value, "__dict__", {}).items():
        yield f".{name}", inner
    for name in _slots(value):
        if hasattr(value, name):
            yield f".{name}", getattr(value, name)


def _slots(value: object) -> Iterator[str]:
    for kind in type(value).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        yield from (slots,) if isinstance(slots, str) else slots
