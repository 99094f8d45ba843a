"""`pipe generate`: the access log of a busy web shop."""

from __future__ import annotations

import signal
import time
from importlib.resources import files
from pathlib import Path

import click

from pipeline.cli.logfile import LogFile, Pipe, cut_of
from pipeline.cli.parameters import DURATION, TIME
from pipeline.columns.traffic import FormatName, Traffic
from pipeline.errors import ConfigurationError, UsageError

BLOCK = 16_384
"""Most lines that are made at once."""

TICK = 0.05
"""Seconds between writes at a given rate."""

EVENT_RATE = 10_000.0
"""Lines per second of event time when no rate is given."""


@click.command("generate")
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), help="Lines per second [as fast as possible].")
@click.option("--count", type=click.IntRange(min=0), help="How many lines [endless].")
@click.option("--duration", type=DURATION, metavar="D", help="For how long, at the rate: 45s, 10m.")
@click.option("-o", "--output", default="-", metavar="FILE", help="Where to write; `-` is standard output [-].")
@click.option("--append", is_flag=True, help="Go on at the end of FILE instead of emptying it.")
@click.option("--format", "form", type=click.Choice(["combined", "json"]), default="combined", show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed makes the same traffic.")
@click.option("--start", type=TIME, metavar="TIME", help="The time of the first line [so that the last is now].")
@click.option(
    "--garbage", type=click.FloatRange(0, 1), default=0.0002, show_default=True, help="Share of broken lines."
)
@click.option(
    "--late", type=click.FloatRange(0, 1), default=0.0, show_default=True, help="Share of lines stamped too early."
)
@click.option("--late-by", type=DURATION, default=5.0, metavar="D", help="By how much, at most [5s].")
@click.option("--rotate", metavar="hourly|SIZE", help="Rename FILE when an hour is over, or when it has this size.")
@click.option("--keep", type=click.IntRange(min=0), default=3, show_default=True, help="Renamed files that are kept.")
@click.option("--mmdb", metavar="FILE", help="Also write a small GeoIP database that knows the addresses.")
def command(
    rate: float | None,
    count: int | None,
    duration: float | None,
    output: str,
    append: bool,
    form: FormatName,
    seed: int,
    start: int | None,
    garbage: float,
    late: float,
    late_by: float,
    rotate: str | None,
    keep: int,
    mmdb: str | None,
) -> None:
    """Write realistic traffic: sessions, bots, errors, outages, scans, a little garbage.

    Every line is a function of the seed and its number. With --rate lines come at that pace, stamped with the time at
    which they come; without it they are as many as the machine makes, stamped at 10,000 lines a second. SIGTERM and
    Ctrl-C end it between two lines. --rotate hourly goes by the stamps and renames FILE to FILE.2026-01-31_12; by size,
    to FILE.1, FILE.2, …"""
    if mmdb is not None:
        _database(Path(mmdb))
        if (rate, count, duration, output) == (None, None, None, "-"):
            return
    if duration is not None:
        most = round(duration * (rate or EVENT_RATE))
        count = most if count is None else min(count, most)
    if output == "-" and (rotate is not None or append):
        raise UsageError("--rotate and --append need --output FILE", "Standard output cannot be renamed.")
    if output != "-" and rate is None and count is None:
        raise UsageError("this would fill the disk", "Give --rate, --count or --duration.")
    begin, began = start if start is not None else time.time_ns() // 1000, time.monotonic()
    if start is None and rate is None and count is not None:
        begin -= round(count / EVENT_RATE * 1_000_000)
    traffic = Traffic(
        seed, begin, rate or EVENT_RATE, form, garbage=garbage, late=late, late_by=max(1, round(late_by * 1e6))
    )
    cut = cut_of(rotate)
    with Pipe() if output == "-" else LogFile(Path(output), cut, keep, append=append) as log:
        _Writer(traffic, log, rate, count, began).run()


class _Writer:
    """Writes lines until there are enough of them, or until it is told to stop."""

    def __init__(
        self, traffic: Traffic, log: LogFile | Pipe, rate: float | None, count: int | None, began: float
    ) -> None:
        """`began`: when the first line was due, by the monotonic clock."""
        self._traffic, self._log, self._rate, self._count, self._began = traffic, log, rate, count, began
        self._stopped = False

    def run(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        line, began = 0, self._began
        while not self._stopped and (self._count is None or line < self._count):
            end = line + BLOCK if self._count is None else min(line + BLOCK, self._count)
            if self._rate is not None and (reached := int((time.monotonic() - began) * self._rate)) < end:
                time.sleep(min(TICK, (end - reached) / self._rate))
                end = min(end, int((time.monotonic() - began) * self._rate))
            if end > line:
                end = min(end, self._hour_after(line))
                self._log.write(self._traffic.lines(line, end - line), self._traffic.time_of(line))
                line = end

    def _hour_after(self, line: int) -> int:
        """The first line of the next hour: a write never holds lines of two hours."""
        following = (self._traffic.time_of(line) // 3_600_000_000 + 1) * 3_600_000_000
        return self._traffic.first_line_at(following)

    def _stop(self, number: int, frame: object) -> None:
        self._stopped = True


def _database(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(files("pipeline_plugins.filters").joinpath("sample.mmdb").read_bytes())
    except OSError as error:
        raise ConfigurationError(
            f"cannot write {path}: {error.strerror}", "Check the path and its permissions."
        ) from error
