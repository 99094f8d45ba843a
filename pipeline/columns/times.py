"""Times from texts and numbers, times to texts, parts of times. Times are Datetime("us", "UTC").

Formats are those of `pipeline.columns.timeformats`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

import polars as pl

from pipeline.columns.conversions import to_text
from pipeline.columns.stamps import usual
from pipeline.columns.timeformats import demand_day, directives, rewritten
from pipeline.columns.types import Type

TIME = pl.Datetime("us", "UTC")
"""The dtype of times."""

_NAIVE = pl.Datetime("us")
_FIRST = -62_135_596_800_000_000
_LAST = 253_402_300_799_999_999
"""Microseconds of the first and last moment that RFC 3339 can write: years 1 to 9999."""

_UNIX = {"unix": 1, "unix_ms": 1_000, "unix_us": 1_000_000, "unix_ns": 1_000_000_000}
"""Units a second of the numeric formats."""

_ISO = (
    "%Y-%m-%dT%H:%M:%S.%f%z",
    "%Y-%m-%dT%H:%M:%S.%f",
    "%Y-%m-%d %H:%M:%S.%f%z",
    "%Y-%m-%d %H:%M:%S.%f",
    "%Y-%m-%dT%H:%M:%S,%f%z",
    "%Y-%m-%dT%H:%M:%S,%f",
    "%Y-%m-%d %H:%M:%S,%f%z",
    "%Y-%m-%d %H:%M:%S,%f",
    "%Y%m%dT%H%M%S.%f%z",
    "%Y%m%dT%H%M%S.%f",
    "%Y-%m-%dT%H:%M%z",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M%z",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d",
)
"""The writings of `iso8601`. `.%f` also reads a time without fraction."""


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def parse(x: pl.Expr, formats: str | list[str] = "iso8601", zone: str = "UTC") -> pl.Expr:
    """Times from String, Int64 or Float64 columns; null for what fits no format.

    Formats are tried in order: strftime's, or `iso8601`, `unix`, `unix_ms`, `unix_us`, `unix_ns`. Stamps without an offset are
    in `zone` (an IANA name); of a local time that is twice, the first is taken; one that is skipped is null.
    Raises TypeError for a format or a zone that does not exist."""
    names = [formats] if isinstance(formats, str) else formats
    if not names:
        raise TypeError("give at least one format")
    readers = tuple(reader for name in names for reader in _readers(name, known_zone(zone)))
    return x.map_batches(
        _Parser(readers, exclusive=names == ["iso8601"], zone=zone), return_dtype=TIME, is_elementwise=True
    )


def known_zone(name: str) -> str:
    """The name of a time zone. Raises TypeError for one that does not exist."""
    try:
        pl.Series([0]).cast(TIME).dt.convert_time_zone(name)
    except pl.exceptions.PolarsError:
        raise TypeError(f"there is no time zone {name!r}; zones are named like 'Europe/Paris'") from None
    return name


@dataclass(frozen=True, slots=True)
class _Number:
    """Reads a number of units since 1970."""

    units: int

    def __call__(self, values: pl.Series) -> pl.Series:
        x = pl.col("value")
        micros: pl.Expr = (
            (x.cast(pl.Float64, strict=False) * (1_000_000 / self.units)).round().cast(pl.Int64, strict=False)
        )
        if not values.dtype.is_float():
            whole = x.cast(pl.Int64, strict=False)
            scale = 1_000_000 // self.units
            exact: pl.Expr
            if scale:
                exact = pl.when(whole.is_between(_FIRST // scale, _LAST // scale)).then(whole * scale)
            else:
                exact = whole.floordiv(self.units // 1_000_000)
            micros = pl.coalesce(exact, micros)
        return _bounded(values.alias("value").to_frame().select(micros).to_series()).cast(TIME)


@dataclass(frozen=True, slots=True)
class _Text:
    """Reads texts in one format. Polars' reader decides; stamps in the usual writing need not come to it."""

    written: str
    format: str
    """The format in Polars' letters, of texts that are rewritten where its directives do not fit ours."""
    zone: str
    aware: bool
    find: str = ""
    """A regex of the texts that must be rewritten first, and are null if they do not match; empty if none must."""
    replacement: str = ""
    suffix: str = ""
    """What the texts lack and Polars wants."""

    def __call__(self, values: pl.Series) -> pl.Series:
        read = usual(values, (self.written,))
        if read is None:
            return self.lenient(values)
        clock, odd = read
        times = clock.cast(TIME)
        if not self.aware and self.zone != "UTC":
            local = clock.cast(_NAIVE).dt.replace_time_zone(self.zone, ambiguous="earliest", non_existent="null")
            times = _bounded(local.dt.convert_time_zone("UTC").to_physical()).cast(TIME)
        return times if odd is None else times.scatter(odd, self.lenient(values.gather(odd)))

    def lenient(self, values: pl.Series) -> pl.Series:
        """What Polars reads."""
        x = pl.col("value").cast(pl.String)
        if self.find:
            x = pl.when(x.str.contains(self.find)).then(x.str.replace(self.find, self.replacement))
        if self.suffix:
            x = x + self.suffix
        if self.aware:
            time = x.str.strptime(TIME, self.format, strict=False)
        else:
            naive = x.str.strptime(_NAIVE, self.format, strict=False)
            time = naive.dt.replace_time_zone("UTC")
            if self.zone != "UTC":
                local = naive.dt.replace_time_zone(self.zone, ambiguous="earliest", non_existent="null")
                time = local.dt.convert_time_zone("UTC")
        read = values.alias("value").to_frame().select(time).to_series()
        return _bounded(read.to_physical()).cast(TIME)


Reader = _Number | _Text


@dataclass(frozen=True, slots=True)
class _Parser:
    """Tries readers in order, each on the values that none before it could read.

    `exclusive`: no text fits two of them, so the one that reads the first value may go first."""

    readers: tuple[Reader, ...]
    exclusive: bool
    zone: str

    def __call__(self, values: pl.Series) -> pl.Series:
        formats = tuple(reader.written for reader in self.readers if isinstance(reader, _Text))
        read = usual(values, formats) if self.exclusive and self.zone == "UTC" else None
        if read is None:
            return self._in_order(values)
        times, odd = read[0].cast(TIME), read[1]
        return times if odd is None else times.scatter(odd, self._in_order(values.gather(odd)))

    def _in_order(self, values: pl.Series) -> pl.Series:
        readers = self._likely_first(values) if self.exclusive else self.readers
        times = readers[0](values)
        for reader in readers[1:]:
            missing = times.is_null() & values.is_not_null()
            if not missing.any():
                break
            rows = missing.arg_true()
            found = reader(values.gather(rows))
            if found.null_count() < found.len():
                times = times.scatter(rows, found)
        return times.rename(values.name)

    def _likely_first(self, values: pl.Series) -> tuple[Reader, ...]:
        first = values.drop_nulls().head(1)
        fits = [reader for reader in self.readers if reader(first).null_count() == 0]
        return (fits[0], *(reader for reader in self.readers if reader is not fits[0])) if fits else self.readers


def _bounded(micros: pl.Series) -> pl.Series:
    low, high = micros.min(), micros.max()
    if isinstance(low, int) and isinstance(high, int) and (low < _FIRST or high > _LAST):
        return micros.set(~micros.is_between(_FIRST, _LAST), None)
    return micros


@lru_cache(maxsize=256)
def _readers(name: str, zone: str) -> tuple[Reader, ...]:
    if name in _UNIX:
        return (_Number(_UNIX[name]),)
    if name == "iso8601":
        return tuple(_reader(form, zone) for form in _ISO)
    return (_reader(name, zone),)


def _reader(form: str, zone: str) -> _Text:
    read = directives(form)
    kinds = {letter for directive, letter in read if directive}
    demand_day(form, kinds)
    format, find, replacement = rewritten(read)
    suffix = ""
    if kinds & {"H", "I", "k", "l"} and "M" not in kinds:
        format, suffix = format + " %M", " 00"
    reader = _Text(
        form,
        format,
        "UTC" if "s" in kinds else zone,
        bool(kinds & {"z", "Z"}),
        find=find,
        replacement=replacement,
        suffix=suffix,
    )
    try:
        reader.lenient(pl.Series([""]))
    except pl.exceptions.PolarsError as error:
        raise TypeError(f"times cannot be read by the format {form!r}: {str(error).splitlines()[0]}") from None
    return reader


# ── writing, parts ───────────────────────────────────────────────────────────────────────────────────────────────────


def format_time(t: pl.Expr, form: str = "iso8601", zone: str = "UTC") -> pl.Expr:
    """Times as texts (String) in a zone: a strftime format, `iso8601`, `unix`, `unix_ms`, `unix_us` or `unix_ns`. Null where
    the zone's clocks tell a year before 1 or after 9999.

    Raises TypeError for a format or a zone that does not exist."""
    local = within(t, zone)
    if form in _UNIX:
        micros = t.dt.timestamp("us")
        units = _UNIX[form]
        if units > 1_000_000:  # nanoseconds have 64 bits only from 1677 to 2262
            return (micros.cast(pl.Int128) * (units // 1_000_000)).cast(pl.String)
        return micros.floordiv(1_000_000 // units).cast(pl.String)
    if form == "iso8601":
        return to_text(t, Type("time")) if zone == "UTC" else _told(local, "%Y-%m-%dT%H:%M:%S%.f%:z")
    pieces = [f"%{letter}" if directive else letter.replace("%", "%%") for directive, letter in directives(form)]
    return _told(local, "".join("%6f" if piece == "%f" else piece for piece in pieces))


def _told(local: pl.Expr, form: str) -> pl.Expr:
    """Years that a zone's clocks tell and RFC 3339 cannot are null: they have another number of digits, or are before 1."""
    return pl.when(local.dt.year().is_between(1, 9999)).then(local.dt.strftime(form))


def within(t: pl.Expr, zone: str) -> pl.Expr:
    """Times as local times of a zone. Raises TypeError for a zone that does not exist."""
    return t if zone == "UTC" else t.dt.convert_time_zone(known_zone(zone))


def floor_time(t: pl.Expr, every: pl.Expr) -> pl.Expr:
    """Times rounded down to multiples of a duration since 1970, as windows are; null for a duration that is not positive."""
    length = every.dt.total_microseconds()
    micros = t.dt.timestamp("us")
    return pl.when(length > 0).then(micros - micros.mod(length)).cast(TIME)


_UNITS = {"minute": "1m", "hour": "1h", "day": "1d", "week": "1w", "month": "1mo", "quarter": "1q", "year": "1y"}


def start_of(t: pl.Expr, unit: str, zone: str = "UTC") -> pl.Expr:
    """When the calendar's unit began that a time is in, as clocks of a zone tell it: the first of two midnights, and the moment
    to which clocks were set where they skip midnight. Null where that is before the year 1.

    Raises TypeError for a unit or a zone that does not exist."""
    if unit not in _UNITS:
        raise TypeError(f"the units are {', '.join(_UNITS)}, not {unit}")
    if zone == "UTC":
        return t.dt.truncate(_UNITS[unit])
    local = within(t, zone).dt.replace_time_zone(None)
    begun = local.dt.truncate(_UNITS[unit])
    if unit in ("minute", "hour"):  # of an hour that is there twice, the one that the time is in
        return _possible(t - (local - begun))
    before = begun - timedelta(hours=3)
    skipped = _instant(before, zone) + timedelta(hours=3)
    return _possible(pl.coalesce(_instant(begun, zone), skipped))


def _possible(t: pl.Expr) -> pl.Expr:
    return pl.when(t.dt.timestamp("us").is_between(_FIRST, _LAST)).then(t)


def _instant(local: pl.Expr, zone: str) -> pl.Expr:
    """Local times as times: the first of two, null for one that clocks skip."""
    return local.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").dt.convert_time_zone("UTC")


def unix(t: pl.Expr, units: int = 1) -> pl.Expr:
    """Units (a second has 1, 1000 or 1000000) since 1970 (Int64), rounded down."""
    return t.dt.timestamp("us").floordiv(1_000_000 // units)
