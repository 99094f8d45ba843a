"""Sessions: the visits of an access log, against the same in Polars and in plain Python."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import subject
from comparison import compare
from measure import Contender
from report import Section

from pipeline.env.memory import settle

settle()

import polars as pl  # noqa: E402 — its number of threads is settled before
from samples import blocks  # noqa: E402
from stages import KERNELS, batches, chained, graph  # noqa: E402

from pipeline import api  # noqa: E402

LINES = 300_000
GAP = 2_000_000
POLARS = "Polars, sorted and grouped by hand"
PROGRAM = """
source access = file("access.log")
transform parsed = access | grok('%{NGINX_COMBINED}') | set { @timestamp = time(time_local, '%d/%b/%Y:%H:%M:%S %z') }
transform visits = parsed | session(2s) by remote_addr {
  pages  = count()
  volume = sum(body_bytes_sent)
  errors = count() where status >= 500
}
sink out = visits -> null()
"""
USED = ("remote_addr", "body_bytes_sent", "status")
Visit = tuple[str, int, int, int, int, int]
"""Address, begin and end (µs), pages, volume, errors."""


def sessions(effort: subject.Effort) -> Section:
    """The visits of all addresses, from parsed events."""
    stages = graph(PROGRAM).stages
    chunks = list(blocks("nginx", effort.lines(LINES)))
    parsed = [chained(stages["parsed"], batch) for batch in batches(chunks)]
    frames = [batch.frame.select(pl.col("@timestamp").to_physical().alias("time"), *USED) for batch in parsed]
    rows = [row for frame in frames for row in frame.iter_rows()]
    step = stages["visits"].window
    if step is None or not isinstance(step.plugin, api.Sessions):
        raise SystemExit("the program has no sessions")
    session = step.plugin
    expected = _joined(rows)
    contenders: list[Contender[Any]] = [
        Contender(POLARS, len(rows), lambda: _polars(frames), sorted, expected),
        Contender("Python, row by row", len(rows), lambda: _joined(rows), sorted, expected),
        Contender(f"pipe `session`, {KERNELS}", len(rows), lambda: _ours(session, parsed), _visits, expected),
    ]
    table = compare(f"Visits: {len(rows):,} events, {len(expected):,} sessions", contenders, effort, POLARS)
    return Section(
        "Sessions",
        "The visits of each address of an access log, two seconds apart at most: how many pages, their bytes, and how many errors, "
        "from parsed events. pipe goes batch by batch, merges the states, and makes the events in one turn, as at the end of a run; Polars "
        "gets everything at once, Python goes row by row. All sessions must be equal.",
        [table],
    )


def _ours(session: api.Sessions[Any], parsed: Sequence[api.Batch]) -> pl.DataFrame:
    deltas = [delta for batch in parsed for delta in session.deltas(batch)[1].values()]
    return session.turn(session.merge(deltas), None, None, 1, final=True).rows


def _visits(rows: pl.DataFrame) -> list[Visit]:
    times = [pl.col(name).to_physical() for name in ("window_start", "window_end")]
    return sorted(rows.select("remote_addr", *times, "pages", "volume", "errors").iter_rows())


def _polars(frames: Sequence[pl.DataFrame]) -> list[Visit]:
    time = pl.col("time")
    new = (time - time.shift(1).over("remote_addr")).fill_null(GAP + 1) > GAP
    rows = pl.concat(frames).sort("remote_addr", "time").with_columns(new.cum_sum().alias("visit"))
    found = rows.group_by("visit").agg(
        pl.col("remote_addr").first(),
        time.min().alias("from"),
        time.max().alias("to"),
        pl.len().cast(pl.Int64),
        pl.col("body_bytes_sent").sum(),
        (pl.col("status") >= 500).sum().cast(pl.Int64),
    )
    return list(found.drop("visit").iter_rows())


def _joined(rows: Iterable[tuple[Any, ...]]) -> list[Visit]:
    found: list[Visit] = []
    opened: dict[str, list[Any]] = {}
    for time, address, size, status in sorted(rows, key=lambda row: row[0]):
        visit = opened.get(address)
        if visit is None or time - visit[2] > GAP:
            if visit is not None:
                found.append(tuple(visit))
            visit = opened[address] = [address, time, time, 0, 0, 0]
        visit[2] = time
        visit[3] += 1
        visit[4] += size or 0
        visit[5] += status >= 500
    return sorted([*found, *(tuple(visit) for visit in opened.values())])


if __name__ == "__main__":
    subject.run(sessions, __doc__)
