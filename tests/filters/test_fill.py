"""fill: which value an event gets that has none, whatever is remembered and wherever batches end."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pipeline_plugins.filters.fill import Fill, Options

from pipeline import api
from pipeline.columns.batch import stamp
from pipeline.testing.folds import Folded

ID = api.Field(("id",), api.STRING)
V = api.Field(("v",), api.INT)
SECOND = 1_000_000

Row = tuple[str | None, float, int | None]


def events(*rows: Row) -> api.Batch:
    """Events of (id, seconds, v)."""
    height = len(rows)
    made = api.lines([b"same"] * height, pl.Series(range(height), dtype=pl.Int64), partition="p", start=0, end=height)
    made = stamp(made, source="s", host="h", now=0)
    times = pl.Series("@timestamp", [int(at * SECOND) for _, at, _ in rows], dtype=pl.Int64).cast(
        pl.Datetime("us", "UTC")
    )
    ids = pl.Series("id", [id for id, _, _ in rows], dtype=pl.String)
    return made.with_columns(times, ids, pl.Series("v", [v for *_, v in rows], dtype=pl.Int64))


def expr(value: object, kind: api.Type) -> api.Expr:
    return api.Expr(pl.lit(value), kind, repr(value))


def filled(batch: api.Batch, *, cuts: tuple[int, ...] = (), **options: object) -> list[int | None]:
    """`v` after `fill(v) by id`."""
    made = Options(**{"fields": [V], "by": (ID,), **options})  # type: ignore[arg-type]
    return Folded(Fill(made)).steps(batch, cuts)["v"].to_list()


def test_a_null_gets_the_last_value_of_its_key() -> None:
    """Not that of another key, and nothing where there was none."""
    batch = events(
        ("a", 0, None), ("a", 1, 1), ("b", 2, 2), ("a", 3, None), ("b", 4, None), ("a", 5, 3), ("a", 6, None)
    )
    assert filled(batch) == [None, 1, 2, 1, 2, 3, 3]
    assert filled(batch, default=expr(0, api.INT)) == [0, 1, 2, 1, 2, 3, 3]


def test_without_a_key_all_events_have_one() -> None:
    assert filled(events(("a", 0, 1), ("b", 1, None), (None, 2, None)), by=()) == [1, 1, 1]


def test_an_event_without_a_key_is_not_filled() -> None:
    """Nor is its value remembered."""
    assert filled(events((None, 0, 1), (None, 1, None), ("a", 2, None))) == [1, None, None]


def test_a_value_that_is_too_old_fills_nothing() -> None:
    """By the time of the events; exactly `max_age` is not too old, and an earlier event is filled."""
    batch = events(("a", 0, 1), ("a", 10, None), ("a", 10.000001, None), ("a", -50, None), ("a", 5, None))
    assert filled(batch, max_age=10 * SECOND) == [1, 1, None, 1, 1]


def test_the_values_set_last_are_remembered() -> None:
    """Of two keys; one that is set anew is the newest."""
    batch = events(("a", 0, 1), ("b", 0, 2), ("a", 0, 3), ("c", 0, 4), ("a", 0, None), ("b", 0, None), ("c", 0, None))
    assert filled(batch, count=2) == [1, 2, 3, 4, 3, None, 4]


def test_each_field_has_its_own_value() -> None:
    """Members of records, too; the fields of one event may come from several."""
    inner = api.record({"x": api.STRING, "y": api.INT})
    member = api.Field(("r", "x"), api.STRING)
    batch = events(("a", 0, 1), ("a", 1, None), ("a", 2, None))
    batch = batch.with_columns(
        pl.Series("r", [{"x": None, "y": 1}, {"x": "p", "y": 2}, {"x": None, "y": 3}], dtype=api.dtype(inner))
    )
    found = Folded(Fill(Options(fields=[V, member], by=(ID,)))).steps(batch, (1,))
    assert found["v"].to_list() == [1, 1, 1]
    assert found["r"].to_list() == [{"x": None, "y": 1}, {"x": "p", "y": 2}, {"x": "p", "y": 3}]


@pytest.mark.parametrize(
    ("kind", "value"),
    [(api.STRING, "x" * 40), (api.BYTES, b"\xff"), (api.FLOAT, float("inf")), (api.BOOL, False), (api.JSON, "null")],
    ids=str,
)
def test_values_of_all_types_are_remembered(kind: api.Type, value: object) -> None:
    """Through the bytes of the state."""
    batch = events(("a", 0, None), ("a", 1, None)).with_columns(pl.Series("w", [value, None], dtype=api.dtype(kind)))
    found = Folded(Fill(Options(fields=[api.Field(("w",), kind)]))).steps(batch, (1,))
    assert found["w"].to_list() == [value, value]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fields": []}, "there is nothing to fill"),
        ({"fields": [V, V]}, "v is named twice"),
        ({"fields": [api.Field(("@path",), api.STRING)]}, "@path is metadata"),
        ({"fields": [api.Field(("l",), api.list_of(api.INT))]}, "l is of type list of int, which cannot be filled"),
        ({"fields": [V], "default": expr("x", api.STRING)}, "v is of type int, not string"),
    ],
)
def test_what_cannot_be_filled_is_said_before_it_runs(options: dict[str, object], message: str) -> None:
    """At the option."""
    with pytest.raises(api.OptionError) as caught:
        Fill(Options(**options)).schema(api.Columns({"v": api.INT, "l": api.list_of(api.INT)}))  # type: ignore[arg-type]
    assert caught.value.message == message


def test_a_state_of_another_form_is_refused() -> None:
    fold = Fill(Options(fields=[V]))
    other = Fill(Options(fields=[ID]))
    for data, version in ((b"12345678" * 3, 1), (b"", 1), (fold.dump(fold.empty()), 2), (other.dump(other.empty()), 1)):
        with pytest.raises(ValueError, match="not what fill remembers"):
            fold.load(data, version)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    rows=st.lists(
        st.tuples(st.sampled_from(["a", "b", "c", "d", None]), st.integers(0, 40), st.none() | st.integers(0, 9)),
        min_size=1,
        max_size=60,
    ),
    cuts=st.lists(st.integers(1, 59), max_size=8),
    age=st.none() | st.integers(1, 20),
    count=st.integers(1, 5),
    default=st.none() | st.just(-1),
)
def test_every_row_is_filled_as_one_by_one(
    rows: list[tuple[str | None, int, int | None]],
    cuts: list[int],
    age: int | None,
    count: int,
    default: int | None,
) -> None:
    """Against a list that is searched row by row, with batches cut anywhere."""
    known: list[tuple[str, int, int]] = []
    wanted: list[int | None] = []
    for id, at, v in rows:
        if v is not None:
            wanted.append(v)
            if id is not None:
                known = [*(entry for entry in known if entry[0] != id), (id, at, v)][-count:]
            continue
        last = [value for key, time, value in known if key == id and (age is None or at - time <= age)]
        wanted.append(last[0] if last else default)
    inside = tuple(cut for cut in set(cuts) if cut < len(rows))
    options = {} if default is None else {"default": expr(default, api.INT)}
    seconds = None if age is None else age * SECOND
    assert filled(events(*rows), cuts=inside, max_age=seconds, count=count, **options) == wanted
