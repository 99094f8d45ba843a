"""Scaling: what a run costs as lines, distinct keys, metrics and files grow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import measure
import samples
import subject
from jobs import facts, free, job, same, verify, workplace
from measure import Cost, Spread, progress
from programs import HEAD, PUBLISHED, RANKED, SHAPES, WINDOW, seed
from report import Section, Table

LINES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
KEYS = (1, 100, 1_000, 10_000, 100_000)
METRICS = (1, 5, 10, 20, 50)
FILES = (1, 10, 50, 200)
EACH = 300_000
"""Lines of the tables of keys, metrics and files."""
EXACT, ERROR = 10_000, 0.03
"""`distinct` is exact up to so many values, then estimates with a standard error of 0.81 %; more than 3 % is a mistake."""
ROOM = 600
"""Bytes of disk for each line: the log, the archive, the state."""


@dataclass(frozen=True)
class Point:
    """One size: a program, how many lines it reads, and whether what it wrote is right."""

    name: str
    lines: int
    program: str
    check: Callable[[], None]


def scaling(effort: subject.Effort) -> Section:
    """All tables."""
    section = Section(
        "Scaling",
        "`pipe run --once`, CPU of the whole process; each table says what grows. “Less the start” takes off what the same kind "
        "of program costs on 1,000 lines, round by round; the ratio is that of this cost. Results are checked in every run: "
        "counts and sums must be those that Python's `re` finds in the log, or those that the log was made with.",
    )
    for table in (_lines, _ranked, _published, _metrics, _files):
        with workplace() as folder:
            section.tables.append(table(folder, effort))
    return section


def _lines(folder: Path, effort: subject.Effort) -> Table:
    """The seed job over logs of other lengths."""
    points, note = [], ""
    for lines in LINES if effort.largest else LINES[: 1 if effort.quick else -1]:
        if free(folder) < lines * ROOM:
            note = f"{lines:,} lines are left out: they need {lines * ROOM / 1e9:.0f} GB of free space."
            continue
        log = folder / f"{lines}.log"
        progress(f"scaling: writing {lines:,} lines")
        found = samples.write("nginx", log, lines)
        points.append(
            Point(f"{lines:,}", lines, seed(log, folder / "out"), partial(verify, folder, found, archive=False))
        )
    table = _table("Lines of the log, the seed job", folder, points[0], points, effort, "1,000,000")
    table.note = note
    return table


def _ranked(folder: Path, effort: subject.Effort) -> Table:
    """Distinct keys that are ranked and counted."""

    def check(keys: int, lines: int) -> None:
        found = facts(folder)
        users = found["users"].total
        if abs(users - keys) > (ERROR * keys if keys > EXACT else 0):
            raise SystemExit(f"distinct users: wrong, {users} instead of {keys}")
        same("lines of the first user", found["top_users"].first, [-(-lines // keys)])

    return _keys("Distinct keys in one window, ranked and counted", RANKED, check, folder, effort)


def _published(folder: Path, effort: subject.Effort) -> Table:
    """Distinct keys of which each is a fact."""

    def check(keys: int, lines: int) -> None:
        requests = facts(folder)["requests"]
        same("users and requests", (requests.facts, requests.total), (keys, lines))

    return _keys("Distinct keys in one window, a fact for each", PUBLISHED, check, folder, effort)


def _keys(title: str, tail: str, check: Callable[[int, int], None], folder: Path, effort: subject.Effort) -> Table:
    lines = effort.lines(EACH)

    def point(keys: int, lines: int) -> Point:
        log = folder / f"{keys}-{lines}.log"
        samples.write(f"keyed-{keys}", log, lines)
        program = (HEAD + tail).format(log=log, out=folder / "out")
        return Point(f"{keys:,}", lines, program, partial(check, min(keys, lines), lines))

    progress(f"scaling: writing {lines:,} lines {len(KEYS)} times")
    points = [point(keys, lines) for keys in (KEYS if not effort.quick else (10,))]
    start = points[0] if effort.quick else point(1, 1_000)
    return _table(f"{title}, {lines:,} lines", folder, start, points, effort, "1,000")


def _metrics(folder: Path, effort: subject.Effort) -> Table:
    """The same lines with more and more metrics in a window."""
    lines = effort.lines(EACH)
    log, small = folder / "metrics.log", folder / "small.log"
    found, few = samples.write("nginx", log, lines), samples.write("nginx", small, 1_000)

    def point(count: int, log: Path, matched: int) -> Point:
        shapes = (SHAPES[n % len(SHAPES)].format(n=n, low=200 + n, high=400 + n) for n in range(1, count))
        metrics = "\n".join(["requests = count() by status", *shapes])
        tail = WINDOW.format(metrics=metrics, out=folder / "out")
        return Point(
            str(count),
            lines,
            HEAD.format(log=log) + tail,
            lambda: same("requests", facts(folder)["requests"].total, matched),
        )

    points = [point(count, log, found["matched"]) for count in (METRICS if not effort.quick else (50,))]
    start = points[0] if effort.quick else point(1, small, few["matched"])
    return _table(f"Metrics in one window, {lines:,} lines, no archive", folder, start, points, effort, "1")


def _files(folder: Path, effort: subject.Effort) -> Table:
    """The same lines, spread over more and more files that are read side by side."""
    lines = effort.lines(EACH)

    def point(files: int, lines: int) -> Point:
        logs = folder / f"{files}-{lines}"
        found = samples.write("nginx", logs, lines, files)
        program = seed(logs / "*.log", folder / "out")
        return Point(str(files), lines, program, partial(verify, folder, found, archive=False))

    points = [point(files, lines) for files in (FILES if not effort.quick else (3,))]
    start = points[0] if effort.quick else point(1, 1_000)
    return _table(f"Files, {lines:,} lines in all, the seed job", folder, start, points, effort, "1")


def _table(
    title: str, folder: Path, start: Point, points: Sequence[Point], effort: subject.Effort, reference: str
) -> Table:
    """Run all points in turn. `reference` is the name of the point that the others are compared with."""
    costs: dict[str, list[Cost]] = {point.name: [] for point in points}
    starts = []
    for number in range(1, effort.rounds + 1):
        progress(f"scaling, {title}: round {number} of {effort.rounds}")
        for point in points if number % 2 else reversed(points):
            costs[point.name].append(job(folder, point.program))
            point.check()
        starts.append(_started(folder, start) if start not in points else costs[start.name][-1].cpu)
    less = {
        point.name: [1e6 * max(0.0, c.cpu - s) / point.lines for c, s in zip(costs[point.name], starts, strict=True)]
        for point in points
    }
    table = Table(title, ("", "CPU s", "less the start, µs/line", f"× that of {reference}", "wall s", "peak MB"))
    for point in points:
        mine, timed = less[point.name], costs[point.name]
        known = reference in less and min(less[reference]) > 0 and min(mine) > 0
        table.add(
            point.name,
            Spread.of(cost.cpu for cost in timed).text(".2f"),
            Spread.of(mine).text(".2f") if point is not start else "",
            f"{measure.ratios(mine, less[reference]).median:.2f}" if known else "",
            f"{Spread.of(cost.wall for cost in timed).median:.2f}",
            f"{Spread.of(cost.memory for cost in timed).median:.0f}",
        )
    return table


def _started(folder: Path, start: Point) -> float:
    cost = job(folder, start.program)
    start.check()
    return cost.cpu


if __name__ == "__main__":
    subject.run(scaling, __doc__)
