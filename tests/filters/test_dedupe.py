"""dedupe: which of several events with one key are let through, whatever is remembered and wherever batches end."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pipeline_plugins.filters.dedupe import Dedupe, Options

from pipeline import api
from pipeline.columns.batch import stamp
from pipeline.testing.folds import Folded

ID = api.Field(("id",), api.STRING)
SECOND = 1_000_000


def events(*rows: tuple[str | None, float], types: dict[str, pl.DataType] | None = None) -> api.Batch:
    """Events of (id, seconds), numbered in `n`."""
    height = len(rows)
    made = api.lines([b"same"] * height, pl.Series(range(height), dtype=pl.Int64), partition="p", start=0, end=height)
    made = stamp(made, source="s", host="h", now=0)
    times = pl.Series("@timestamp", [int(at * SECOND) for _, at in rows], dtype=pl.Int64).cast(pl.Datetime("us", "UTC"))
    ids = pl.Series("id", [id for id, _ in rows], dtype=pl.String)
    return made.with_columns(times, ids, pl.Series("n", range(height), dtype=pl.Int64))


def passed(batch: api.Batch, *, cuts: tuple[int, ...] = (), **options: object) -> list[int]:
    """The numbers of the rows that are let through."""
    made = Options(**{"by": (ID,), **options})  # type: ignore[arg-type]
    return Folded(Dedupe(made)).steps(batch, cuts)["n"].to_list()


def test_the_first_of_a_key_stands_for_those_within_the_time() -> None:
    """Exactly `within` later is let through; what was dropped does not make the time longer."""
    batch = events(("a", 0), ("b", 1), ("a", 9.999999), ("a", 10), ("a", 19), ("b", 2), ("a", 20))
    assert passed(batch, within=10 * SECOND) == [0, 1, 3, 6]


def test_an_earlier_event_is_compared_too() -> None:
    """Out of order: less than `within` before the one that was let through is dropped, further away is not."""
    assert passed(events(("a", 100), ("a", 91), ("a", 90), ("a", 99)), within=10 * SECOND) == [0, 2]


def test_the_keys_let_through_last_are_remembered() -> None:
    """A third key makes two forget the one that was let through first; being dropped keeps no key."""
    batch = events(("a", 0), ("b", 0), ("a", 0), ("c", 0), ("b", 0), ("a", 0), ("b", 0), ("c", 0))
    assert passed(batch, count=2) == [0, 1, 3, 5, 6, 7]


def test_a_key_let_through_again_is_the_newest() -> None:
    batch = events(("a", 0), ("b", 0), ("a", 10), ("c", 10), ("a", 11), ("b", 11))
    assert passed(batch, within=10 * SECOND, count=2) == [0, 1, 2, 3, 5]


def test_missing_fields_are_values_but_for_an_event_with_none() -> None:
    """(null, 1) is a key, (null, null) is none."""
    fields = (ID, api.Field(("size",), api.INT))
    batch = events((None, 0), (None, 0), (None, 0), ("a", 0), ("a", 0), (None, 0))
    batch = batch.with_columns(pl.Series("size", [1, None, 1, None, None, None], dtype=pl.Int64))
    assert passed(batch, by=fields) == [0, 1, 3, 5]


def test_fields_do_not_run_into_each_other() -> None:
    """`ab`, `c` is another key than `a`, `bc`."""
    fields = (ID, api.Field(("more",), api.STRING))
    batch = events(("ab", 0), ("a", 0), ("ab", 0)).with_columns(pl.Series("more", ["c", "bc", "c"]))
    assert passed(batch, by=fields) == [0, 1]


def test_without_a_field_records_are_compared() -> None:
    batch = events(("a", 0), ("b", 0), ("c", 0))
    batch = batch.with_columns(pl.Series("@raw", [b"x", b"y\xff", b"x"], dtype=pl.Binary))
    assert passed(batch, by=()) == [0, 1]


@pytest.mark.parametrize("kind", [api.list_of(api.STRING), api.record({"a": api.INT})], ids=str)
def test_a_key_of_several_values_is_refused(kind: api.Type) -> None:
    with pytest.raises(api.OptionError, match=f"id is of type .*{kind.kind}|id is of type {{a"):
        Dedupe(Options(by=(api.Field(("id",), kind),))).schema(api.Columns({"id": kind}))


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (api.STRING, ["", "a"]),
        (api.BYTES, [b"\xff", b""]),
        (api.INT, [0, -1]),
        (api.FLOAT, [0.5, 1e300]),
        (api.BOOL, [True, False]),
        (api.TIME, [0, 1]),
        (api.DURATION, [90_000_000, 0]),
        (api.JSON, ['{"a":1}', "2"]),
    ],
    ids=lambda given: str(given) if isinstance(given, api.Type) else "",
)
@pytest.mark.parametrize("more", [(), (ID,)], ids=["alone", "with another"])
def test_keys_are_of_every_type_that_is_one_value(
    kind: api.Type, values: list[object], more: tuple[api.Field, ...]
) -> None:
    """Equal values are one key, different ones two, and a missing one is none if it is alone."""
    column = pl.Series("key", [*values, *values, None, None], dtype=api.dtype(kind))
    batch = events(*((None, 0) for _ in range(6))).with_columns(column)
    assert passed(batch, by=(api.Field(("key",), kind), *more)) == [0, 1, 4, 5]


def test_what_is_remembered_is_bounded() -> None:
    """16 bytes a key, `count` keys at most."""
    folded = Folded(Dedupe(Options(by=(ID,), count=100)))
    folded.steps(events(*((str(number), 0) for number in range(1000))), range(0, 1000, 70))
    assert len(folded.fold.dump(folded.state)) == 1600


def test_a_state_of_another_form_is_refused() -> None:
    fold = Dedupe(Options())
    for data, version in ((b"12345678" * 3, 1), (b"", 2)):
        with pytest.raises(ValueError, match="not what dedupe remembers"):
            fold.load(data, version)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    rows=st.lists(st.tuples(st.sampled_from(["a", "b", "c", "d", None]), st.integers(0, 40)), min_size=1, max_size=60),
    cuts=st.lists(st.integers(1, 59), max_size=8),
    within=st.integers(1, 20),
    count=st.integers(1, 5),
)
def test_every_row_is_decided_as_one_by_one(
    rows: list[tuple[str | None, int]], cuts: list[int], within: int, count: int
) -> None:
    """Against a list that is searched row by row, with batches cut anywhere."""
    known: list[tuple[str, int]] = []
    wanted = []
    for number, (id, at) in enumerate(rows):
        if id is not None:
            last = [time for key, time in known if key == id]
            if last and abs(at - last[0]) < within:
                continue
            known = [entry for entry in known if entry[0] != id]
            known = [*known, (id, at)][-count:]
        wanted.append(number)
    batch = events(*rows)
    inside = tuple(cut for cut in set(cuts) if cut < len(rows))
    assert passed(batch, cuts=inside, within=within * SECOND, count=count) == wanted
