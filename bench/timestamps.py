"""Timestamps: texts to times, against Polars' and Python's `strptime`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import subject
from comparison import compare
from measure import Contender
from report import Section, Table

from pipeline.env.memory import settle

settle()

import polars as pl  # noqa: E402 — its number of threads is settled before
from stages import KERNELS  # noqa: E402

from pipeline.columns import times  # noqa: E402

LINES = 500_000
PART = 16_384
START = 1_790_000_000_000_000
SLOW = 10
"""Python's `strptime` gets one part in so many."""
POLARS = "Polars `strptime`"

NGINX, ISO = "%d/%b/%Y:%H:%M:%S %z", "%Y-%m-%dT%H:%M:%S.%f%z"


def timestamps(effort: subject.Effort) -> Section:
    """Stamps of a busy log, which are mostly the same, and stamps that are all different."""
    numbers = pl.int_range(0, effort.lines(LINES), eager=True)
    seconds = START + numbers // 10_000 * 1_000_000
    return Section(
        "Timestamps",
        "Texts to times in UTC, in parts of 16,384. At 10,000 lines a second the stamps of an access log, in whole seconds, "
        "are the same for thousands of lines; with microseconds every stamp is another. The sum of all times must be equal.",
        [
            _table("nginx's `time_local`, 10,000 lines a second", seconds, NGINX, effort),
            _table("ISO 8601 with microseconds, all different", START + numbers * 1_000_003, ISO, effort),
        ],
    )


def _table(title: str, micros: pl.Series, form: str, effort: subject.Effort) -> Table:
    written = micros.cast(times.TIME).dt.strftime(form.replace(".%f", ".%6f").replace("%z", "+0000")).alias("stamp")
    parts = [written.slice(at, PART) for at in range(0, len(written), PART)]
    few = parts[: max(1, len(parts) // SLOW)]
    ours, theirs = (
        times.parse(pl.col("stamp"), form),
        pl.col("stamp").str.strptime(times.TIME, form.replace(".%f", "%.f")),
    )
    contenders: list[Contender[Any]] = [
        Contender(POLARS, len(micros), lambda: _all(parts, theirs), _sum),
        Contender("Python `datetime.strptime`", sum(map(len, few)), lambda: _python(few, form), _sum),
        Contender(f"pipe `time`, {KERNELS}", len(micros), lambda: _all(parts, ours), _sum),
    ]
    contenders = [c.expecting((c.lines, int((micros.head(c.lines) - START).sum()))) for c in contenders]
    return compare(f"{title}: {len(micros):,} of them", contenders, effort, POLARS)


def _all(parts: Sequence[pl.Series], expression: pl.Expr) -> list[pl.Series]:
    return [part.to_frame().select(expression).to_series() for part in parts]


def _python(parts: Sequence[pl.Series], form: str) -> list[list[datetime]]:
    return [[datetime.strptime(stamp, form) for stamp in part.to_list()] for part in parts]  # noqa: DTZ007 — both have %z


def _sum(parts: Sequence[pl.Series] | Sequence[list[datetime]]) -> tuple[int, int]:
    """How many times there are, and the sum of their microseconds since START."""
    every = pl.concat(pl.Series(part, dtype=times.TIME) if isinstance(part, list) else part.alias("") for part in parts)
    micros = every.drop_nulls().to_physical() - START
    return len(micros), int(micros.sum())


if __name__ == "__main__":
    subject.run(timestamps, __doc__)
