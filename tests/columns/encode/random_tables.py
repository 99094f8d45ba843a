"""Random columns of any types, and frames of them."""

import json
from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import strategies as st
from ndjson_reference import EPOCH

from pipeline.columns.types import BOOL, BYTES, DURATION, FLOAT, INT, JSON, STRING, TIME, dtype, list_of, record

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def frame_of(types, rows, times=None):
    """A frame with `@timestamp` and columns of these types."""
    return pl.DataFrame(
        [
            pl.Series("@timestamp", times or [NOON] * len(rows), dtype=dtype(TIME)),
            *(pl.Series(name, [row[name] for row in rows], dtype=dtype(kind)) for name, kind in types.items()),
        ]
    )


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(['"', "\\", "\n\x00", "},{", ""])
SCALARS = {
    "s": (STRING, TEXT),
    "i": (INT, st.integers(-(2**63), 2**63 - 1)),
    "f": (FLOAT, st.floats(width=64)),
    "b": (BOOL, st.booleans()),
    "raw": (BYTES, st.binary(max_size=6)),
    "t": (TIME, st.integers(-(10**15), 10**16).map(lambda micros: EPOCH + timedelta(microseconds=micros))),
    "d": (DURATION, st.integers(-(10**12), 10**12).map(lambda micros: timedelta(microseconds=micros))),
    "j": (JSON, st.sampled_from(["1.10", '"x"', "[1, 2]", '{"a":null}', "true"])),
}


def kinds(*, open):
    """Types with strategies for their values (None included); with `open`, records may be."""
    leaves = st.sampled_from(list(SCALARS.values()))
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            inner.map(listed),
            st.tuples(st.lists(inner, min_size=1, max_size=3), st.booleans()).map(
                lambda made: nested(made[0], open=open and made[1])
            ),
        ),
        max_leaves=4,
    )


def listed(inner):
    return list_of(inner[0]), st.lists(st.none() | inner[1], max_size=3)


def nested(inners, *, open):
    fields = {f"m{place}": inner for place, inner in enumerate(inners)}
    values = {name: st.none() | values for name, (_, values) in fields.items()}
    rest = {"@rest": rests(list(fields))} if open else {}
    return record({name: kind for name, (kind, _) in fields.items()}, open=open), st.fixed_dictionaries(values | rest)


def rests(names):
    """The other members of an open record as text: null, or an object with names in their shortest form."""
    values = st.sampled_from(["1.10", '"v"', '[1,  {"m0":2}]', "null", '"\\"m0\\":"', "{}"])
    objects = st.dictionaries(TEXT | st.sampled_from(names), values, min_size=1, max_size=4)
    return st.none() | objects.map(
        lambda members: (
            "{" + ",".join(f"{json.dumps(name, ensure_ascii=False)}:{value}" for name, value in members.items()) + "}"
        )
    )


@st.composite
def tables(draw, *, open=False):
    columns = draw(st.lists(kinds(open=open), min_size=1, max_size=4))
    names = draw(st.lists(TEXT.filter(bool), min_size=len(columns), max_size=len(columns), unique=True))
    strategies = dict(zip(names, columns, strict=True))
    row = st.fixed_dictionaries({name: st.none() | values for name, (_, values) in strategies.items()})
    return {name: kind for name, (kind, _) in strategies.items()}, draw(st.lists(row, min_size=1, max_size=4))
