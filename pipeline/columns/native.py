"""Which kernels run: the crate in `native/`, or their twins in Python.

`kernels` is the native module, or None: then it was not built (no Rust toolchain at installation), does not fit this
version, or `PIPE_NATIVE=off` asked for the twins. Both give the same answers; the crate is many times as fast.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from pipeline.columns.types import Type

SWITCH = "PIPE_NATIVE"
VERSION = "0.1.0"
"""Of the crate. One that was built for another version of these files is not used."""


class Frame(Protocol):
    """Columns of the crate; `pl.DataFrame(frame)` takes them without a copy."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object: ...

    def __len__(self) -> int:
        """The number of rows."""
        ...


class GrokScanner(Protocol):
    """Compiled patterns; any number of threads may scan at a time."""

    def scan(self, frame: object, strip_return: bool) -> Frame:
        """For each row of the first column of `frame` (String or Binary): the fields, `@matched` and `@reason` as
        `pipeline.columns.grok.Grok.match` gives them. `strip_return`: a `\\r` that a row ends with is not part of its text."""
        ...

    def counters(self) -> dict[str, int]:
        """Costs since it was made: bytes `walked`, pattern edges `followed` to make `states`, times that memory was
        `cleared`, its `peak` as accounted for, and `bytes` that it takes now."""


class Keys(Protocol):
    """A dictionary of texts: the crate's part of `pipeline.columns.keys.Keys`, with frames of one column for series."""

    @property
    def entries(self) -> int: ...

    @property
    def bytes(self) -> int: ...

    def codes(self, texts: object, known: int) -> tuple[Frame, Frame | None]: ...

    def learn(self, texts: object, known: int) -> bool: ...


class Stamps(Protocol):
    """Formats of times, of which no text fits two."""

    @property
    def count(self) -> int:
        """Formats that are read; the others are left to Polars."""
        ...

    def read(self, texts: object) -> tuple[Frame, Frame | None]:
        """`pipeline.columns.stamps.usual`: a frame of `time` and one of `row`."""
        ...


class Kernels(Protocol):
    """What the crate offers. Frames go in as anything with `__arrow_c_stream__`. No function holds the GIL while it works;
    `raw` does for one copy, where its rows are one run of bytes."""

    VERSION: str
    PanicException: type[BaseException]
    """What a panic of the crate raises (`pipeline.columns.panics`)."""

    def records(self, chunk: bytes, offset: int) -> tuple[Frame, int]:
        """`pipeline.columns.lines.records`: a frame of `@raw` and `@offset`, and the bytes consumed."""
        ...

    def GrokScanner(  # noqa: N802  # it is a class there
        self,
        patterns: Sequence[tuple[Sequence[int], Sequence[int], Sequence[int], bool]],
        fields: Sequence[tuple[str, str]],
        memory: int,
    ) -> GrokScanner:
        """Patterns, tried in order: each a program of `pipeline.columns.grok.lower`, the field of each of its places, the
        fields in which a `-` alone is null, and whether it matches at the start of the text only. `fields` are names and
        types, `memory` bounds each automaton, in bytes. Raises `ValueError`: why they cannot run natively."""

    def Keys(self) -> Keys:  # noqa: N802 — a class of the crate
        """An empty dictionary."""
        ...

    def Stamps(self, formats: list[list[tuple[bool, str]]]) -> Stamps:  # noqa: N802 — a class of the crate
        """Formats as `pipeline.columns.timeformats.directives` takes them apart."""
        ...

    def pages(self, targets: object) -> Frame:
        """`pipeline.columns.urls.page` over a frame of one String column: a frame of `page`."""
        ...

    def pairs(self, texts: object, between: str, equals: str, prefix: str, keys: Sequence[str] | None) -> Frame:
        """`pipeline.columns.keyvalues.objects` over a frame of one String column: a frame of `object`."""

    def raw(self, records: object) -> bytes:
        """`pipeline.columns.encode.raw.raw` over a frame of one Binary column."""

    def json_members(
        self, records: Frame, fields: Sequence[tuple[str, Type]], moment: Callable[[str], int | None]
    ) -> Frame:
        """`pipeline.columns.jsontext.extract` of the only column of `records` (String): a column for each of `fields` (names
        with types), `@rest`, and `@reason` and `@detail` of the rows that are refused.

        `moment` reads times that are not in the usual form: a text to microseconds since 1970."""
        ...

    def json_merged(self, pair: Frame) -> Frame:
        """`pipeline.columns.jsontext.merged` of the two columns of `pair` (String). TypeError for what is no object."""
        ...

    def json_lines(self, frame: Frame, members: Sequence[tuple[str, Type]]) -> bytes:
        """`pipeline.columns.encode.values.lines`: `members` are the names and types of the frame's columns; one more column
        is the rest. TypeError where a column is not of the dtype that carries its type."""
        ...

    def json_texts(self, frame: Frame, kind: Type) -> Frame:
        """`pipeline.columns.encode.values.text` of the only column of `frame`. TypeError as above."""

    def json_pairs(self, records: Frame, grammar: str) -> Frame:
        """`pipeline.columns.pairs.objects` of the only column of `records` (String). ValueError for an unknown grammar."""
        ...

    def window_states(
        self,
        frame: object,
        time: int,
        length: int,
        folds: Sequence[tuple[list[tuple[str, int]], list[int], list[int], list[tuple[str, str, int | None]]]],
    ) -> list[tuple[int, list[Frame]]]:
        """The states of a batch's windows: `(start, a frame for each fold)` for every window that has a row.

        `frame` has one chunk; `time` is the column with the time of each row, `length` the length of a window (0: one
        window, at 0). A fold is `(keys, conditions, present, states)`: keys as (name in the state, column); Boolean columns
        that must be true; columns that must not be null; states as (name, reduction, column), with reductions by the names of
        `pipeline.columns.windows.reductions.How`. 128 bits come as Decimal(38, 0)."""
        ...

    def window_merged(
        self, folds: Sequence[tuple[Sequence[object], list[tuple[str, int]], list[tuple[str, str, int]]]]
    ) -> list[Frame | None]:
        """States with one row per key, for each `(frames of one chunk, keys, states)`; reductions as above, and `add`. None where
        a dtype is not known."""
        ...

    def window_ranked(self, frame: object, k: int) -> Frame:
        """The `k` rows of each group with the highest count, best first, ties by key ascending. The columns of `frame` (of one
        chunk) are the group fields, the key and the count; `rank` is one more."""
        ...

    def window_shrunk(self, frame: object, limit: int) -> Frame | None:
        """`pipeline.columns.windows.hyperloglog.shrunk` of a state of one chunk: group fields, value, register. None where it stays
        as it is."""
        ...

    def window_facts(
        self,
        frame: object,
        name: str,
        by: list[tuple[str, int]],
        ranked: tuple[str, int, int] | None,
        value: int,
    ) -> tuple[list[str | None], list[int | None], list[int | None], list[str]] | None:
        """The events of the metric `name` whose state is `frame` (of one chunk), as `by`, `value`, `rank` and `key` of
        `pipeline.columns.windows.rows`. `by`: group fields as (name, column); `ranked`: the field that is ranked, its column, how
        many ranks; `value`: the column of the value. None where a dtype is not known."""
        ...

    def window_packed(self, parts: Sequence[object]) -> bytes:
        """`pipeline.columns.windows.blobs`, not compressed; parts are frames, or bytes of Arrow IPC streams."""
        ...

    def window_unpacked(self, data: bytes) -> list[Frame | bytes]:
        """The parts of `window_packed`. Raises ValueError for other bytes."""
        ...


def _found() -> tuple[Kernels | None, str]:
    if os.environ.get(SWITCH, "").lower() in ("0", "off", "no", "false"):
        return None, f"{SWITCH}={os.environ[SWITCH]}"
    try:
        found = cast("Kernels", importlib.import_module("pipeline.columns._native"))
    except ModuleNotFoundError:
        return None, "it is not built: install with a Rust toolchain (cargo)"
    except ImportError as error:
        return None, f"it does not load: {error}"
    if found.VERSION != VERSION:
        return None, f"it was built for {found.VERSION}, not {VERSION}: install again"
    return found, ""


kernels, why_not = _found()


def engine() -> str:
    """What `pipe --version` says: `native 0.1.0`, or `python` and why."""
    return f"native {VERSION}" if kernels is not None else f"python ({why_not})"
