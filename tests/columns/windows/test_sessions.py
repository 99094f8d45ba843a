"""Sessions against a row-by-row reference, for any order of rows, any cut into batches and any order of merging."""

from __future__ import annotations

from collections import defaultdict
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from random import Random

import polars as pl
from engines import twin
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline_plugins.aggregates.count import Count
from pipeline_plugins.aggregates.distinct import Distinct
from pipeline_plugins.aggregates.last import Last
from pipeline_plugins.aggregates.sum import Sum
from pipeline_plugins.aggregates.top import Top
from pipeline_plugins.filters.session import Options, Session

from pipeline import api

GAP, LATENESS = 10, 5
"""Microseconds; the times of rows are close together, so that they meet often."""

TIME = pl.Datetime("us", "UTC")


@dataclass(frozen=True)
class Row:
    time: int
    user: str | None
    other: float
    value: int
    at: int = 0


def batch(rows: list[Row]) -> api.Batch:
    schema = {"time": pl.Int64, "user": pl.String, "other": pl.Float64, "value": pl.Int64, "at": pl.Int64}
    frame = pl.DataFrame([vars(row) for row in rows], schema=schema)
    times = frame.get_column("time").cast(TIME).alias("@timestamp")
    return api.Batch(frame.with_columns(times, pl.lit("p").alias("@partition"), pl.col("at").alias("@offset")), {})


def field(name: str, kind: api.Type) -> api.Expr:
    return api.Expr(pl.col(name), kind, name, frozenset([(name,)]))


@cache
def session(longest: int | None = None, keep: int = 1_000_000, count: int = 100_000) -> Session:
    value = field("value", api.INT)
    positive = api.Expr(pl.col("value") > 0, api.BOOL, "value > 0")
    block = api.Metrics(
        (
            api.Metric("n", Count(), ()),
            api.Metric("volume", Sum(), (value,)),
            api.Metric("kinds", Distinct(), (value,)),
            api.Metric("good", Count(), (), (), positive),
            api.Metric("newest", Last(), (value,)),
            api.Metric("best", Top(), (2, value)),
        )
    )
    by = (api.Field(("user",), api.STRING), api.Field(("other",), api.FLOAT))
    given = {"gap": GAP, "max": longest, "keep": keep, "count": count, "lateness": LATENESS, "by": by, "block": block}
    return Session(Options.model_validate(given))


Told = tuple[object, ...]


def grouped(rows: list[Row], longest: int | None = None) -> list[list[Row]]:
    """The rows of each session, found row by row."""
    users: defaultdict[tuple[str | None, float], list[Row]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row.time, row.at)):
        users[row.user, row.other].append(row)
    found: list[list[Row]] = []
    for some in users.values():
        for number, row in enumerate(some):
            before = some[number - 1].time if number else None
            cut = before is not None and longest is not None and before // longest != row.time // longest
            if before is None or row.time - before > GAP or cut:
                found.append([])
            found[-1].append(row)
    return found


def expected(sessions: list[list[Row]]) -> list[Told]:
    found: list[Told] = []
    for some in sessions:
        values = [row.value for row in some]
        ranked = sorted(set(values), key=lambda value: (-values.count(value), value))[:2]
        best = [(value, values.count(value)) for value in ranked]
        about = (some[0].user, some[0].other + 0.0, some[0].time, some[-1].time)
        good = sum(value > 0 for value in values)
        found.append((*about, len(some), sum(values), len(set(values)), good, values[-1], best))
    return sorted(found, key=repr)


NAMES = ["user", "other", "window_start", "window_end", "n", "volume", "kinds", "good", "newest", "best"]


def told(frame: pl.DataFrame) -> list[Told]:
    rows = frame.with_columns(pl.col("window_start", "window_end").to_physical()).select(NAMES).rows()
    return sorted(((*row[:-1], [(one["key"], one["count"]) for one in row[-1]]) for row in rows), key=repr)


ROWS = st.lists(
    st.builds(
        Row,
        st.integers(-60, 260),
        st.sampled_from([None, "", "a", "b"]),
        st.sampled_from([0.0, -0.0, 1.5]),
        st.integers(-1, 2),
    ),
    min_size=1,
    max_size=40,
).map(lambda rows: [Row(row.time, row.user, row.other, row.value, at) for at, row in enumerate(rows)])


@settings(deadline=None, max_examples=150)
@given(ROWS, st.sampled_from([None, 37, 100]), st.randoms(use_true_random=False), st.booleans())
def test_sessions_are_those_of_the_rows_in_any_order(
    rows: list[Row], longest: int | None, chance: Random, native: bool
) -> None:
    """Batches of any rows, merged in any nesting, some by way of their bytes: the sessions are those found row by row."""
    plugin = session(longest)
    mixed = chance.sample(rows, len(rows))
    with nullcontext() if native else twin():
        states = []
        while mixed:
            size = chance.randint(1, len(mixed))
            states += plugin.deltas(batch(mixed[:size]))[1].values()
            mixed = mixed[size:]
        while len(states) > 1:
            some = chance.randint(2, len(states))
            chance.shuffle(states)
            merged = plugin.merge(states[:some])
            states[:some] = [plugin.load(plugin.dump(merged)) if chance.random() < 0.5 else merged]
        assert told(plugin.rows(0, states[0])) == expected(grouped(rows, longest))


CLOSE = st.lists(st.tuples(st.integers(-20, 120), st.sampled_from("ab")), min_size=8, max_size=40).map(
    lambda given: [Row(time, user, 0.0, at % 3, at) for at, (time, user) in enumerate(given)]
)
"""Rows of two users, so close that what was sent is often joined by others."""


@settings(deadline=None, max_examples=150)
@given(CLOSE, st.sampled_from([None, 37]), st.randoms(use_true_random=False))
def test_the_last_revisions_are_the_sessions_of_all_rows(rows: list[Row], longest: int | None, chance: Random) -> None:
    """However turns fall between the rows: who keeps the highest revision of each id, and none that was taken back, has the sessions
    that are found row by row. Each revision of an id is one more than the one before."""
    plugin = session(longest)
    stored: list[api.Delta] = []
    mark: int | None = None
    latest: dict[str, dict[str, object]] = {}
    mixed = chance.sample(rows, len(rows))
    for number in range(1, len(rows) + 1):
        size = chance.randint(1, min(4, len(mixed)))
        stored += plugin.deltas(batch(mixed[:size]))[1].values()
        mixed = mixed[size:]
        before, mark = mark, max(mark or -100, chance.randint(-100, 200))
        made = plugin.turn(plugin.merge(stored), mark, before, number, final=not mixed)
        stored = [plugin.load(plugin.dump(made.state, dense=True))]
        for row in made.rows.iter_rows(named=True):
            assert row["revision"] == latest.get(row["key"], {"revision": 0})["revision"] + 1
            latest[row["key"]] = row
        if not mixed:
            break
    kept = [row for row in latest.values() if not row["retracted"]]
    assert told(pl.DataFrame(kept, schema=made.rows.schema)) == expected(grouped(rows, longest))


def turned(
    plugin: Session, state: api.Delta, mark: int, before: int | None = None
) -> tuple[list[Told], api.Delta, int | None]:
    made = plugin.turn(state, mark, before, 1, final=False)
    return told(made.rows.filter(pl.col("retracted").is_null())), made.state, made.due


def test_a_session_is_sent_when_the_watermark_has_passed_it_and_let_go_after_keep():
    """A turn before gives nothing, and says when there will be something to do."""
    plugin = session(keep=100)
    rows = [Row(0, "a", 0.0, 1), Row(GAP, "a", 0.0, 2, 1)]
    ((_, state),) = plugin.deltas(batch(rows))[1].items()
    over = GAP + GAP + LATENESS + 1
    assert plugin.due(state) == over
    sent, state, due = turned(plugin, state, over - 1)
    assert (sent, due) == ([], over)
    sent, state, due = turned(plugin, state, over)
    assert (sent, due) == (expected(grouped(rows)), over + 100)
    sent, state, due = turned(plugin, state, over + 99)
    assert (sent, due, plugin.rows(0, state).height) == ([], over + 100, 1)
    sent, state, due = turned(plugin, state, over + 100)
    assert (sent, due, plugin.rows(0, state).height) == ([], None, 0)


def test_nothing_is_left_of_sessions_that_were_let_go():
    """A state that was emptied goes through its bytes, and takes new rows."""
    plugin = session(keep=0)
    ((_, state),) = plugin.deltas(batch([Row(0, "a", 0.0, 1)]))[1].items()
    _, state, _ = turned(plugin, state, 1000)
    state = plugin.load(plugin.dump(state, dense=True))
    ((_, more),) = plugin.deltas(batch([Row(5, "a", 0.0, 3)]))[1].items()
    assert told(plugin.rows(0, plugin.merge([state, more]))) == expected(grouped([Row(5, "a", 0.0, 3)]))


def test_the_bound_keeps_those_that_ended_last():
    """The others are sent at once, as not whole, and let go."""
    plugin = session(count=2)
    rows = [Row(number, user, 0.0, 1) for number, user in enumerate("abcd")]
    ((_, state),) = plugin.deltas(batch(rows))[1].items()
    made = plugin.turn(state, None, None, 1, final=False)
    assert made.rows.select("user", "partial").rows() == [("a", True), ("b", True)]
    assert sorted(plugin.rows(0, made.state)["user"]) == ["c", "d"]
