"""Parts of times, rounding, and times as texts and numbers."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from pipeline import api
from pipeline.api.times import floor_time as floored
from pipeline.api.times import format_time as formatted
from pipeline.api.times import start_of as begun
from pipeline.api.times import unix as since_1970
from pipeline.api.times import within

_TIME = api.Parameter("t", "The time.", ("time",))
_ZONE = api.Parameter(
    "zone",
    "The zone to tell it in; its summer time is known up to 2099.",
    ("string",),
    constant=True,
    default="UTC",
    required=False,
)


def _part(name: str, doc: str, read: Callable[[pl.Expr], pl.Expr], *examples: api.Example) -> api.Function:
    def build(t: pl.Expr, zone: str) -> pl.Expr:
        return read(within(t, zone)).cast(pl.Int64)

    return api.Function(name, doc, (_TIME, _ZONE), api.INT, build, examples)


def _milliseconds(t: pl.Expr) -> pl.Expr:
    return since_1970(t, 1000)


def _microseconds(t: pl.Expr) -> pl.Expr:
    return since_1970(t, 1_000_000)


def _date(t: pl.Expr, zone: str) -> pl.Expr:
    return formatted(t, "%Y-%m-%d", zone)


year = _part("year", "The year.", lambda t: t.dt.year(), api.Example("year(time('2024-05-01'))", 2024))

month = _part("month", "The month, 1 to 12.", lambda t: t.dt.month(), api.Example("month(time('2024-05-01'))", 5))

day = _part("day", "The day of the month, 1 to 31.", lambda t: t.dt.day(), api.Example("day(time('2024-05-01'))", 1))

hour = _part(
    "hour",
    "The hour, 0 to 23.",
    lambda t: t.dt.hour(),
    api.Example("hour(time('2024-05-01 23:30:00'))", 23),
    api.Example("hour(time('2024-05-01 23:30:00'), zone: 'Europe/Paris')", 1),
)

minute = _part(
    "minute", "The minute, 0 to 59.", lambda t: t.dt.minute(), api.Example("minute(time('2024-05-01 23:30:00'))", 30)
)

second = _part(
    "second", "The second, 0 to 59.", lambda t: t.dt.second(), api.Example("second(time('2024-05-01 23:30:05.9'))", 5)
)

weekday = _part(
    "weekday",
    "The day of the week as ISO 8601 counts: Monday is 1, Sunday 7.",
    lambda t: t.dt.weekday(),
    api.Example("weekday(time('2024-05-01'))", 3),
    api.Example("weekday(time('2024-05-05'))", 7),
)

week = _part(
    "week",
    "The week of the year as ISO 8601 counts, 1 to 53: week 1 has the year's first Thursday.",
    lambda t: t.dt.week(),
    api.Example("week(time('2024-05-01'))", 18),
    api.Example("week(time('2023-01-01'))", 52),
)

quarter = _part(
    "quarter",
    "The quarter of the year, 1 to 4.",
    lambda t: t.dt.quarter(),
    api.Example("quarter(time('2024-05-01'))", 2),
)

day_of_year = _part(
    "day_of_year",
    "The day of the year, 1 to 366.",
    lambda t: t.dt.ordinal_day(),
    api.Example("day_of_year(time('2024-12-31'))", 366),
)

date = api.Function(
    name="date",
    doc="The date as a text, `2024-05-01`.",
    parameters=(_TIME, _ZONE),
    returns=api.STRING,
    build=_date,
    examples=(
        api.Example("date(time('2024-05-01 23:30:00'))", "2024-05-01"),
        api.Example("date(time('2024-05-01 23:30:00'), zone: 'Asia/Tokyo')", "2024-05-02"),
    ),
)

floor_time = api.Function(
    name="floor_time",
    doc="The time rounded down to a multiple of a duration since 1970 (UTC), as windows begin. Null unless the duration is positive.",
    parameters=(_TIME, api.Parameter("every", "The duration.", ("duration",))),
    returns=api.TIME,
    build=floored,
    examples=(
        api.Example("string(floor_time(time('2024-05-01 12:34:56'), 15m))", "2024-05-01T12:30:00Z"),
        api.Example("floor_time(time('2024-05-01 12:34:56'), 0s)", None),
    ),
)

start_of = api.Function(
    name="start_of",
    doc="The moment at which the minute, hour, day, week, month, quarter or year of a time began in a zone. Weeks begin on Monday. `floor_time` rounds "
    "to lengths such as 15 minutes.",
    parameters=(
        _TIME,
        api.Parameter(
            "unit",
            "`'minute'`, `'hour'`, `'day'`, `'week'`, `'month'`, `'quarter'` or `'year'`.",
            ("string",),
            constant=True,
        ),
        _ZONE,
    ),
    returns=api.TIME,
    build=begun,
    examples=(
        api.Example("string(start_of(time('2024-05-01 12:34:56'), 'month'))", "2024-05-01T00:00:00Z"),
        api.Example("string(start_of(time('2024-05-01 12:34:56'), 'day', zone: 'Asia/Tokyo'))", "2024-04-30T15:00:00Z"),
        api.Example("string(start_of(time('2024-05-01'), 'week'))", "2024-04-29T00:00:00Z"),
    ),
)

unix = api.Function(
    name="unix",
    doc="Seconds since 1970 (UTC), rounded down.",
    parameters=(_TIME,),
    returns=api.INT,
    build=since_1970,
    examples=(
        api.Example("unix(time('2024-05-01 12:00:00.9'))", 1714564800),
        api.Example("unix(time('1969-12-31 23:59:59.5'))", -1),
    ),
)

unix_ms = api.Function(
    name="unix_ms",
    doc="Milliseconds since 1970 (UTC), rounded down.",
    parameters=(_TIME,),
    returns=api.INT,
    build=_milliseconds,
    examples=(api.Example("unix_ms(time('2024-05-01 12:00:00.9'))", 1714564800900),),
)

unix_us = api.Function(
    name="unix_us",
    doc="Microseconds since 1970 (UTC).",
    parameters=(_TIME,),
    returns=api.INT,
    build=_microseconds,
    examples=(api.Example("unix_us(time('2024-05-01 12:00:00.9'))", 1714564800900000),),
)

format_time = api.Function(
    name="format_time",
    doc="The time as a text: a format of strftime (as for `time`; `%f` writes six digits), `'iso8601'`, `'unix'`, `'unix_ms'`, `'unix_us'` or "
    "`'unix_ns'`.",
    parameters=(
        _TIME,
        api.Parameter("format", "The format.", ("string",), constant=True, default="iso8601", required=False),
        _ZONE,
    ),
    returns=api.STRING,
    build=formatted,
    examples=(
        api.Example("format_time(time('2024-05-01 12:00:00'), '%d/%b/%Y:%H:%M:%S %z')", "01/May/2024:12:00:00 +0000"),
        api.Example("format_time(time('2024-05-01 12:00:00.25'), '%S.%f')", "00.250000"),
        api.Example(
            "format_time(time('2024-05-01 12:00:00'), 'iso8601', zone: 'Europe/Paris')", "2024-05-01T14:00:00+02:00"
        ),
        api.Example("format_time(time('2024-05-01 12:00:00'), 'unix_ms')", "1714564800000"),
    ),
)
