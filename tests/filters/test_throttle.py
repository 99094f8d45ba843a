"""throttle: which events are too many, as the generic cell rate algorithm says, wherever batches end."""

from __future__ import annotations

from fractions import Fraction

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pipeline_plugins.filters.throttle import Options, Throttle
from test_dedupe import ID, SECOND, events

from pipeline import api
from pipeline.testing.folds import Folded


def passed(batch: api.Batch, *, cuts: tuple[int, ...] = (), **options: object) -> list[int]:
    """The numbers of the rows that are let through."""
    made = Options(**{"by": (ID,), **options})  # type: ignore[arg-type]
    return Folded(Throttle(made)).steps(batch, cuts)["n"].to_list()


def test_a_burst_and_then_the_steady_rate() -> None:
    """Two a second, three at once: then one each half second; what was dropped costs nothing."""
    times = [0, 0, 0, 0, 0.4, 0.5, 0.9, 1, 1, 10, 10, 10, 10]
    assert passed(events(*(("a", at) for at in times)), rate=2, burst=3) == [0, 1, 2, 5, 7, 9, 10, 11]


def test_stamps_of_today_are_remembered_at_high_rates() -> None:
    """Microseconds times the rate need more than 64 bits; the state is written and read between any two rows."""
    now = 1_790_000_000
    batch = events(*(("a", now + at) for at in (0, 0, 0, 0.5, 1, 1, 1)))
    assert passed(batch, cuts=(1, 2, 3, 4, 5, 6), rate=1_000_000_000, per=500_000 * 1_000_000_000, burst=2) == [
        0,
        1,
        3,
        4,
    ]


def test_keys_have_a_rate_each_and_no_key_none() -> None:
    assert passed(events(("a", 0), ("b", 0), ("a", 0), (None, 0), ("b", 0), (None, 0)), rate=1) == [0, 1, 3, 5]


def test_without_fields_all_events_have_one_rate() -> None:
    assert passed(events(("a", 0), ("b", 0), (None, 0), ("a", 1)), rate=1, by=()) == [0, 3]


def test_a_late_event_is_judged_by_its_time() -> None:
    """One before the last that passed is too many, and the time of the key does not go back."""
    assert passed(events(("a", 10), ("a", 5), ("a", 10.5), ("a", 11)), rate=1) == [0, 3]


def test_a_key_that_is_forgotten_begins_anew() -> None:
    assert passed(events(("a", 0), ("b", 0), ("a", 0), ("c", 0), ("b", 0), ("a", 0)), rate=1, count=2) == [0, 1, 3, 5]


def test_mark_says_which_are_too_many() -> None:
    """All rows, with a Boolean field that the schema has."""
    fold = Throttle(Options(rate=1, by=(ID,), mark="over"))
    found = Folded(fold).step(events(("a", 0), ("a", 0), ("b", 0)))
    assert found["over"].to_list() == [False, True, False]
    assert found["over"].dtype == pl.Boolean
    assert fold.schema(api.Columns({"id": api.STRING})).fields == {"id": api.STRING, "over": api.BOOL}


def test_metadata_cannot_be_the_mark() -> None:
    with pytest.raises(api.OptionError, match="@raw is metadata"):
        Throttle(Options(rate=1, mark="@raw"))


def test_a_state_of_another_form_is_refused() -> None:
    fold = Throttle(Options(rate=1))
    for data, version in ((b"12345678", 1), (b"", 2)):
        with pytest.raises(ValueError, match="not what throttle remembers"):
            fold.load(data, version)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    rows=st.lists(st.tuples(st.sampled_from(["a", "b", "c", None]), st.integers(0, 400)), min_size=1, max_size=60),
    cuts=st.lists(st.integers(1, 59), max_size=8),
    rate=st.integers(1, 7),
    per=st.integers(1, 5),
    burst=st.integers(1, 4),
    count=st.integers(1, 3),
)
def test_every_row_is_decided_as_one_by_one(
    rows: list[tuple[str | None, int]], cuts: list[int], rate: int, per: int, burst: int, count: int
) -> None:
    """Against the textbook's algorithm on exact fractions, row by row, with batches cut anywhere."""
    step = Fraction(per, rate)
    expected: list[tuple[str, Fraction]] = []
    wanted = []
    for number, (id, tenths) in enumerate(rows):
        if id is not None:
            at = Fraction(tenths, 10)
            known = [time for key, time in expected if key == id]
            if known and at < known[0] - step * (burst - 1):
                continue
            expected = [entry for entry in expected if entry[0] != id]
            expected = [*expected, (id, max(at, *known, at) + step)][-count:]
        wanted.append(number)
    batch = events(*((id, tenths / 10) for id, tenths in rows))
    inside = tuple(cut for cut in set(cuts) if cut < len(rows))
    assert passed(batch, cuts=inside, rate=rate, per=per * SECOND, burst=burst, count=count) == wanted
