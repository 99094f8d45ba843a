"""Rows that no program expects: empty and huge values, odd texts, broken numbers, nulls; for any columns."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from pipeline.api import BYTES, REST, Batch, Columns, Type, dtype, lines
from pipeline.columns.batch import stamp
from pipeline.testing.life import EPOCH

HEIGHT = 60

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_VALUES: Mapping[str, list[Any]] = {
    "int": [0, 1, -1, 7, 200, 404, 2**63 - 1, -(2**63), None],
    "float": [0.0, -0.0, 0.5, -1.5, 1e308, 5e-324, float("nan"), float("inf"), float("-inf"), None],
    "bool": [True, False, None],
    "time": [_BEGINNING + timedelta(seconds=at) for at in (0, -1, 1_790_000_000.123457, 1_790_000_007.000013, 4_070_908_800)] + [None],
    "duration": [timedelta(0), timedelta(seconds=-1), timedelta(microseconds=1), timedelta(days=4000), None],
    "string": [
        "", " ", "-", "a", "é\x00😀", "null", "true", "1", "-1.5", "0x10", "{}", "[", '"', "\\", "\n", "a\tb\r\n",
        "192.0.2.7", "2001:db8::1", "/a/b/1?q=x&token=secret", "https://example.com:443/x?y=1#z", 'a=1 b="two" c',
        "2026-01-31T12:00:00Z", "Mozilla/5.0 (X11; Linux x86_64) Firefox/150.0", "x" * 500, None,
    ],
    "bytes": [b"", b"a", b"\xff\x00\xfe", b"a line", b'{"a": 1}', b"\n", b"x" * 500, None],
    "json": ['"a"', "1", "-1.5", "null", "true", "{}", '{"a": [1, null]}', "[]", "broken", "", None],
    "null": [None],
}  # fmt: skip
_REST = ['{"other": 1}', "{}", None]


def odd(columns: Columns, *, seed: int = 1, nulls: bool = False, like: Batch | None = None) -> Batch:
    """HEIGHT rows with all metadata and these fields, of odd values, or (`nulls`) of nothing. `@raw` has lines of `like` in
    between."""
    chance = random.Random(seed)  # noqa: S311 — repeatable on purpose
    known = [] if like is None else [raw for raw in like.frame["@raw"].head(20).to_list() if raw is not None]
    raw = [_value(BYTES, chance, nulls=False) or b"" for _ in range(HEIGHT)]
    raw = [chance.choice(known) if known and at % 2 else line for at, line in enumerate(raw)]
    made = lines(
        raw, pl.Series(range(HEIGHT), dtype=pl.Int64), partition="odd", start=0, end=HEIGHT, path="/var/log/odd"
    )
    made = stamp(made, source="odd", host="host", now=EPOCH)
    fields = dict(columns.fields)
    series = [
        pl.Series(name, [_value(kind, chance, nulls=nulls) for _ in range(HEIGHT)], dtype=dtype(kind), strict=True)
        for name, kind in fields.items()
        if name != REST
    ]
    if columns.open:
        series.append(
            pl.Series(REST, [None if nulls else chance.choice(_REST) for _ in range(HEIGHT)], dtype=pl.String)
        )
    return made.with_columns(*series)


def texts() -> list[str | None]:
    """Odd texts, and none of them twice."""
    return [*_VALUES["string"], *(text for text in _VALUES["json"] if text not in _VALUES["string"])]


def _value(kind: Type, chance: random.Random, *, nulls: bool) -> Any:  # noqa: ANN401 — a value of any type
    if nulls:
        return None
    if kind.kind == "list":
        item = kind.item or Type("null")
        return chance.choice([None, [], [_value(item, chance, nulls=False) for _ in range(chance.randint(1, 3))]])
    if kind.kind == "record":
        if chance.random() < 0.2:
            return None
        members = {name: _value(inner, chance, nulls=False) for name, inner in kind.fields}
        return {**members, REST: chance.choice(_REST)} if kind.open else members
    return chance.choice(_VALUES[kind.kind])
