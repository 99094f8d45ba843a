"""Realistic web traffic as an nginx access log: which bytes the lines n to m of it are."""

from math import ceil, isfinite

import polars as pl

from pipeline.columns.traffic.formats import FORMATS, FormatName
from pipeline.columns.traffic.garbage import garbage as garbage_line
from pipeline.columns.traffic.lanes import Lanes, lanes_for
from pipeline.columns.traffic.mix import constant, key_of, mix_column
from pipeline.columns.traffic.tables import SLOTS, TAPE_LENGTH, build
from pipeline.errors import ConfigurationError

# Of event time: one spell in OUTAGE_ONE_IN is an outage.
OUTAGE_SPELL = 5_000_000
OUTAGE_ONE_IN = 9

# Small enough that a block's columns stay in the cache of a core.
_BLOCK = 2**14


class Traffic:
    """An endless access log, determined by the arguments; nothing is carried from one call to the next.

    `start` is the time of line 0 in µs since 1970 (UTC); line n is at `start + n / rate`, `rate` in lines per second of
    event time. `format` is `combined` (nginx's predefined log format) or `json` (one object a line). A share `garbage`
    of the lines is not of the format; a share `late` is stamped up to `late_by` µs earlier than it is written. `seed` is
    any integer: its low 64 bits count.

    Raises ConfigurationError for arguments out of range.
    """

    def __init__(
        self,
        seed: int,
        start: int,
        rate: float,
        format: FormatName = "combined",
        *,
        garbage: float = 0.0002,
        late: float = 0.0,
        late_by: int = 5_000_000,
    ) -> None:
        if not (isfinite(rate) and rate > 0):
            raise ConfigurationError(
                f"rate is {rate}, it must be above 0", "Give it in lines per second of event time."
            )
        if format not in FORMATS:
            raise ConfigurationError(f"there is no format {format!r}", f"The formats are: {', '.join(FORMATS)}.")
        for name, share in (("garbage", garbage), ("late", late)):
            if not 0 <= share <= 1:
                raise ConfigurationError(f"{name} is {share}, it must be in 0..1", "It is a share of the lines.")
        if late_by < 1:
            raise ConfigurationError(f"late_by is {late_by}, it must be above 0", "Give it in microseconds.")
        self._start = start
        self._gap = 1_000_000 / rate
        self._form = FORMATS[format]
        self._garbage = int(garbage * 2**32)
        self._late = int(late * 2**32)
        self._late_by = late_by
        self._tables = build(seed, self._form)
        self._lanes = Lanes(seed, lanes_for(rate), self._tables.step, self._tables.pool, SLOTS)
        self._outage_key = constant(key_of(seed, 4))
        self._garbage_key = constant(key_of(seed, 5))
        self._late_key = constant(key_of(seed, 6))

    def time_of(self, line: int) -> int:
        """When this line is written, in µs since 1970; its stamp is the second of it, or earlier if it is late."""
        return self._start + int(line * self._gap)

    def first_line_at(self, time: int) -> int:
        """The first line that is written at this time (µs since 1970) or later: where a rotation would cut."""
        line = max(0, ceil((time - self._start) / self._gap))
        while line > 0 and self.time_of(line - 1) >= time:
            line -= 1
        while self.time_of(line) < time:
            line += 1
        return line

    def lines(self, first: int, count: int, at: int | None = None) -> bytes:
        """The lines `first` … `first + count - 1` (from 0), each with its newline; lines(0, 9) is lines(0, 4) + lines(4, 5).

        With `at`, line `first` is stamped with this time (µs since 1970) instead of its own and the others follow at
        `rate`: for a writer that keeps up with a clock. Nothing but the stamps differs.
        Raises ConfigurationError when `first` or `count` is negative.
        """
        if first < 0 or count < 0:
            raise ConfigurationError(f"lines {first}, {count} of it: neither can be negative")
        shift = 0 if at is None else at - self.time_of(first)
        end = first + count
        return b"".join(self._block(n, min(_BLOCK, end - n), shift) for n in range(first, end, _BLOCK))

    def _block(self, first: int, count: int, shift: int) -> bytes:
        numbers = pl.int_range(first, first + count, dtype=pl.UInt64, eager=True)
        place, slot = self._lanes.places(numbers)
        # Float64 is exact enough and, unlike a product of integers, cannot overflow; it grows with the line number.
        elapsed = (numbers.cast(pl.Float64) * self._gap).cast(pl.Int64)
        client = self._tables.client.gather(slot)
        pieces = {
            "time": self._stamps(numbers, elapsed + (self._start + shift)),
            "client": self._tables.clients.gather(client),
            "request": self._tables.requests.gather(place + self._outage(elapsed) * TAPE_LENGTH),
            "agent": self._tables.agents.gather(client),
        }
        lines = pl.select(pl.concat_str([pl.lit(pieces[name]) for name in self._form.layout])).to_series()
        # As Binary the text arrives as bytes, without an encode and its copy.
        joined: bytes = self._with_garbage(numbers, lines).str.join("").cast(pl.Binary).item()
        return joined

    def _outage(self, elapsed: pl.Series) -> pl.Series:
        """1 where the site is down, else 0 (UInt64)."""
        spell = (elapsed // OUTAGE_SPELL).cast(pl.UInt64)
        return (mix_column(spell ^ self._outage_key) % OUTAGE_ONE_IN == 0).cast(pl.UInt64)

    def _stamps(self, numbers: pl.Series, times: pl.Series) -> pl.Series:
        if self._late:
            bits = mix_column(numbers ^ self._late_key)
            is_late = (bits // 2**32 < self._late).cast(pl.Int64)
            times = times - is_late * ((bits % self._late_by).cast(pl.Int64) + 1)
        seconds = times // 1_000_000
        # Lines share their seconds: render each second once.
        distinct = seconds.unique().sort()
        texts = (distinct * 1_000_000).cast(pl.Datetime("us")).dt.strftime(self._form.time)
        return texts.gather(distinct.search_sorted(seconds))

    def _with_garbage(self, numbers: pl.Series, lines: pl.Series) -> pl.Series:
        bits = mix_column(numbers ^ self._garbage_key)
        rows = (bits // 2**32 < self._garbage).arg_true()
        if rows.is_empty():
            return lines
        draws = mix_column(bits.gather(rows))
        soiled = [garbage_line(line, draw) for line, draw in zip(lines.gather(rows), draws, strict=True)]
        return lines.scatter(rows, soiled)
