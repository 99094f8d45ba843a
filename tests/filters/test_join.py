"""join: which version of the table an event meets, whatever order the table came in and wherever batches end."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pipeline_plugins.filters.join import Join, Known, Options

from pipeline import api
from pipeline.api.tables import Upstream
from pipeline.columns.batch import stamp

SECOND = 1_000_000
ID, USER, PLAN = (api.Field((name,), api.STRING) for name in ("id", "user", "plan"))
USERS = Upstream("users", "", api.Columns({"id": api.STRING, "plan": api.STRING}))

Row = tuple[str | None, float]
Version = tuple[str | None, float, str | None]


def rows(fields: dict[str, list[str | None]], seconds: list[float]) -> api.Batch:
    height = len(seconds)
    made = api.lines([b""] * height, pl.Series(range(height), dtype=pl.Int64), partition="p", start=0, end=height)
    made = stamp(made, source="s", host="h", now=0)
    times = pl.Series("@timestamp", [int(at * SECOND) for at in seconds], dtype=pl.Int64).cast(pl.Datetime("us", "UTC"))
    return made.with_columns(times, *(pl.Series(name, values, dtype=pl.String) for name, values in fields.items()))


def table(*versions: Version) -> api.Batch:
    """Events of the table: id, seconds, plan."""
    return rows(
        {"id": [id for id, _, _ in versions], "plan": [plan for _, _, plan in versions]}, [at for _, at, _ in versions]
    )


def events(*some: Row) -> api.Batch:
    """Events of (user, seconds)."""
    return rows({"user": [user for user, _ in some]}, [at for _, at in some])


def made(**options: Any) -> Join:
    return Join(Options(**{"table": USERS, "on": USER, "key": ID, **options}))


def told(join: Join, state: Known, *some: Row) -> list[str | None]:
    """The plans that events get; the state goes through its bytes before, as over a crash."""
    again, found = join.step(join.load(join.dump(state), 1), events(*some), 0)
    assert join.dump(again) == join.dump(state)
    assert found.frame["@offset"].to_list() == list(range(len(some)))
    return found.frame["plan"].to_list()


def known(join: Join, *versions: Version) -> Known:
    return join.learn(join.empty(), table(*versions))[0]


def test_an_event_meets_the_version_of_its_own_time() -> None:
    """From the time of a version on, to the next of its key; before the first there is none."""
    join = made()
    state = known(join, ("a", 10, "free"), ("b", 15, "pro"), ("a", 20, "pro"))
    assert told(join, state, ("a", 9.9), ("a", 10), ("b", 14), ("a", 19.9), ("a", 20), ("a", 99), ("b", 15), ("c", 50)) == [
        None, "free", None, "free", "pro", "pro", "pro", None,
    ]  # fmt: skip


def test_a_late_version_is_met_by_events_after_it_has_come() -> None:
    """Between the versions that it is between."""
    join = made()
    state = known(join, ("a", 10, "free"), ("a", 30, "pro"))
    assert told(join, state, ("a", 25)) == ["free"]
    state, _ = join.learn(state, table(("a", 20, "trial")))
    assert told(join, state, ("a", 15), ("a", 25), ("a", 30)) == ["free", "trial", "pro"]


def test_latest_is_the_version_with_the_latest_time_whenever_it_came() -> None:
    """Also for events before it; one version a key is kept."""
    join = made(version="latest")
    state = known(join, ("a", 30, "pro"), ("a", 10, "free"), ("b", 40, "trial"))
    assert told(join, state, ("a", 0), ("a", 99), ("b", 5), ("c", 5)) == ["pro", "pro", "trial", None]
    assert state.versions.height == 2


@pytest.mark.parametrize("version", ["time", "latest"])
def test_a_version_counts_for_its_time_to_live(version: str) -> None:
    """To the microsecond; an older version does not come back."""
    join = made(version=version, ttl=10 * SECOND)
    state = known(join, ("a", 0, "free"), ("a", 5, "pro"))
    assert told(join, state, ("a", 15), ("a", 15.000001)) == ["pro", None]


def test_the_last_of_one_key_and_time_counts() -> None:
    join = made()
    state = known(join, ("a", 10, "free"), ("a", 10, "pro"))
    assert told(join, state, ("a", 10)) == ["pro"]
    assert told(join, join.learn(state, table(("a", 10, "trial")))[0], ("a", 10)) == ["trial"]


def test_a_null_is_a_value_and_hides_what_was_before() -> None:
    """It is no missing row: `missing: reject` lets it pass."""
    join = made(missing="reject")
    state = known(join, ("a", 10, "free"), ("a", 20, None))
    assert told(join, state, ("a", 10), ("a", 20)) == ["free", None]


def test_events_without_a_version_are_rejected_where_that_is_asked_for() -> None:
    join = made(missing="reject")
    _, found = join.step(known(join, ("a", 10, "free")), events(("a", 9), ("a", 10), (None, 10), ("b", 10)), 0)
    assert found.frame["@offset"].to_list() == [1]
    (rejected,) = found.rejected
    assert rejected["@offset"].to_list() == [0, 2, 3]
    assert rejected["@error"].struct.field("reason").unique().to_list() == ["not_in_table"]


def test_a_version_without_a_key_is_rejected() -> None:
    """And an event without one meets nothing."""
    join = made()
    state, found = join.learn(join.empty(), table((None, 10, "free"), ("a", 10, "pro")))
    assert (state.versions.height, found.frame.height) == (1, 1)
    assert found.rejected[0]["@error"].struct.field("reason").to_list() == ["no_key"]
    assert told(join, state, (None, 10)) == [None]


def test_of_too_many_versions_those_with_the_earliest_times_leave() -> None:
    """They are counted; a late one that is earlier still does not get in."""
    join = made(count=2)
    state = known(join, ("a", 10, "free"), ("b", 20, "pro"), ("c", 30, "trial"))
    assert told(join, state, ("a", 50), ("b", 50), ("c", 50)) == [None, "pro", "trial"]
    assert state.lost == 1
    state, _ = join.learn(state, table(("d", 5, "late")))
    assert (told(join, state, ("b", 50)), state.lost) == (["pro"], 2)


def test_columns_may_be_nested() -> None:
    """A record, and null where there is nothing."""
    join = made(into="user_info")
    _, found = join.step(known(join, ("a", 10, "free")), events(("a", 10), ("b", 10)), 0)
    assert found.frame["user_info"].to_list() == [{"plan": "free"}, None]


def test_what_is_asked_of_a_table_may_change_and_what_is_in_it_may_not() -> None:
    """Other columns, another key or another stream are another table."""
    same = [made(), made(ttl=5), made(count=3), made(version="latest"), made(missing="reject"), made(into="x")]
    assert len({join.fingerprint for join in same}) == 1
    more = Upstream("users", "", api.Columns({"id": api.STRING, "plan": api.INT}))
    others = [
        made(columns=(ID, PLAN)),
        made(key=PLAN),
        made(table=Upstream("others", "", USERS.columns)),
        made(table=more),
    ]
    assert len({join.fingerprint for join in [*same, *others]}) == 5


def test_a_table_of_other_columns_cannot_be_read() -> None:
    join = made()
    with pytest.raises(ValueError, match="other columns"):
        made(columns=(ID, PLAN)).load(join.dump(join.empty()), 1)


KEYS = st.sampled_from(["a", "b", "c", None])
TIMES = st.integers(0, 12)
VERSIONS = st.lists(st.tuples(KEYS, TIMES, st.sampled_from(["free", "pro", None])), max_size=14)
EVENTS = st.lists(st.tuples(KEYS, TIMES), min_size=1, max_size=10)


def wanted(versions: list[Version], some: list[Row], count: int, ttl: int | None, version: str) -> list[str | None]:
    """Row by row: every version, the last of those that count."""
    kept: dict[tuple[str, float], str | None] = {}
    for id, at, plan in versions:
        if id is not None:
            if version == "latest":
                if any(other == id and then > at for other, then in kept):
                    continue
                kept = {known: value for known, value in kept.items() if known[0] != id}
            kept[id, at] = plan
    left = sorted(kept, key=lambda known: (known[1], known[0]))[-count:]
    found = []
    for user, at in some:
        mine = [known for known in left if known[0] == user and (version == "latest" or known[1] <= at)]
        last = max(mine, key=lambda known: known[1], default=None)
        found.append(None if last is None or (ttl is not None and at - last[1] > ttl) else kept[last])
    return found


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    versions=VERSIONS, some=EVENTS, count=st.integers(1, 8), ttl=st.none() | st.integers(1, 6),
    version=st.sampled_from(["time", "latest"]), cut=st.integers(0, 14),
)  # fmt: skip
def test_a_join_is_what_a_search_row_by_row_finds(
    versions: list[Version], some: list[Row], count: int, ttl: int | None, version: str, cut: int
) -> None:
    """Also where the table came in two batches, was stored between them, and however many versions are kept."""
    join = made(count=count, ttl=None if ttl is None else ttl * SECOND, version=version)
    state = known(join, *versions[:cut])
    state, _ = join.learn(join.load(join.dump(state), 1), table(*versions[cut:]))
    assert told(join, state, *some) == wanted(versions, some, count, ttl, version)
