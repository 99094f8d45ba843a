"""Times: formats, fractions, offsets, zones, and what is no time."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from calls import run
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import api
from pipeline.columns.times import format_time, parse

FIRST, LAST = datetime(1, 1, 2), datetime(9999, 12, 30)  # noqa: DTZ001 — local times are the point
RECENT = datetime(1950, 1, 1)  # noqa: DTZ001 — offsets of older times have seconds, which `%z` does not write
MOMENTS = st.datetimes(FIRST, LAST)


def one(value, *given_, dtype=pl.String):
    return pl.DataFrame({"x": pl.Series([value], dtype=dtype)}).select(parse(pl.col("x"), *given_)).item()


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("0001-01-01 00:00:00", "-62135596800000000000"),
        ("1677-01-01 00:00:00.000001", "-9246095999999999000"),
        ("1970-01-01 00:00:00", "0"),
        ("9999-12-31 23:59:59.999999", "253402300799999999000"),
    ],
)
def test_nanoseconds_of_any_year(text, told):
    assert run(f"format_time(time('{text}'), 'unix_ns')") == told


@pytest.mark.parametrize(
    ("text", "zone", "told"),
    [
        ("9999-12-31 22:59:59", "Europe/Paris", "9999-12-31 23"),
        ("9999-12-31 23:00:00", "Europe/Paris", None),
        ("0001-01-01 04:00:00", "America/New_York", None),
        ("0001-01-02 04:00:00", "America/New_York", "0001-01-01 23"),
    ],
)
def test_years_that_clocks_of_a_zone_cannot_tell_are_null(text, zone, told):
    assert run(f"format_time(time('{text}'), '%Y-%m-%d %H', zone: '{zone}')") == told


def test_a_unit_that_began_before_the_first_year_is_null():
    assert run("start_of(time('0001-01-01'), 'year', zone: 'America/New_York')") is None
    assert run("start_of(time('0001-01-01'), 'hour', zone: 'Europe/Paris')") is None
    assert run("start_of(time('0001-01-01'), 'year')") == utc(1, 1, 1)


def test_a_leap_second_is_the_next_one():
    assert run("time('2016-12-31T23:59:60Z')") == utc(2017, 1, 1)


def test_zones_have_no_summer_time_from_2100_on():
    assert run("hour(time('2099-07-01 12:00:00'), zone: 'Europe/Paris')") == 14
    assert run("hour(time('2100-07-01 12:00:00'), zone: 'Europe/Paris')") == 13


@pytest.mark.parametrize(
    ("text", "form", "expected"),
    [
        ("17/May/2015:12:05:03 +0200", "%d/%b/%Y:%H:%M:%S %z", utc(2015, 5, 17, 10, 5, 3)),
        ("17/may/2015:12:05:03 -11:30", "%d/%b/%Y:%H:%M:%S %z", utc(2015, 5, 17, 23, 35, 3)),
        ("17/May/2015:12:05:03 Z", "%d/%b/%Y:%H:%M:%S %z", utc(2015, 5, 17, 12, 5, 3)),
        ("31/Feb/2015:12:05:03 +0200", "%d/%b/%Y:%H:%M:%S %z", None),
        ("17/May/2015:24:00:00 +0200", "%d/%b/%Y:%H:%M:%S %z", None),
        ("17/May/2015:12:05:03 +0200 x", "%d/%b/%Y:%H:%M:%S %z", None),
        ("2024-05-01 12:00:00.1", "%Y-%m-%d %H:%M:%S.%f", utc(2024, 5, 1, 12, 0, 0, 100_000)),
        ("2024-05-01 12:00:00.123456789012", "%Y-%m-%d %H:%M:%S.%f", utc(2024, 5, 1, 12, 0, 0, 123_456)),
        ("2024-05-01 12:00:00,123", "%F %T,%f", utc(2024, 5, 1, 12, 0, 0, 123_000)),
        ("2024-05-01 12:00:00", "%F %T,%f", None),
        ("2024-05-01 12:00:00:5 UTC", "%F %T:%f %Z", utc(2024, 5, 1, 12, 0, 0, 500_000)),
        ("2024-05-01 12:00:00 GMT", "%F %T %Z", utc(2024, 5, 1, 12)),
        ("2024-05-01 12:00:00 PST", "%F %T %Z", None),
        ("20240501120000123", "%Y%m%d%H%M%S%f", utc(2024, 5, 1, 12, 0, 0, 123_000)),
        ("Wed May  1 01:02:03 2024", "%a %b %e %H:%M:%S %Y", utc(2024, 5, 1, 1, 2, 3)),
        ("Thu May  1 01:02:03 2024", "%a %b %e %H:%M:%S %Y", None),
        ("05/01/24 01:02 PM", "%D %I:%M %p", utc(2024, 5, 1, 13, 2)),
        ("24.122 100%", "%y.%j 100%%", utc(2024, 5, 1)),
        ("2024-W18-3", "%G-W%V-%u", utc(2024, 5, 1)),
        ("2024-05-01 12h", "%F %Hh", utc(2024, 5, 1, 12)),
        ("1714564800 x", "%s x", utc(2024, 5, 1, 12)),
        ("0000-01-01", "%F", None),
        ("", "%F", None),
    ],
)
def test_format(text, form, expected):
    """A format reads what it describes and nothing else."""
    assert one(text, form) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-05-01T12:00:00Z", utc(2024, 5, 1, 12)),
        ("2024-05-01T12:00:00.5Z", utc(2024, 5, 1, 12, 0, 0, 500_000)),
        ("2024-05-01T12:00:00,25Z", utc(2024, 5, 1, 12, 0, 0, 250_000)),
        ("2024-05-01T12:00:00+02:00", utc(2024, 5, 1, 10)),
        ("2024-05-01T12:00:00+0200", utc(2024, 5, 1, 10)),
        ("2024-05-01 12:00:00.123456789 +0200", utc(2024, 5, 1, 10, 0, 0, 123_456)),
        ("2024-05-01 12:00:00", utc(2024, 5, 1, 12)),
        ("2024-05-01T12:00", utc(2024, 5, 1, 12)),
        ("20240501T120000Z", utc(2024, 5, 1, 12)),
        ("2024-05-01", utc(2024, 5, 1)),
        ("2024-13-01", None),
        ("12:00:00", None),
        ("now", None),
    ],
)
def test_iso8601(text, expected):
    """The usual writings of ISO 8601 are read without a format."""
    assert one(text) == expected


@pytest.mark.parametrize(
    ("value", "form", "dtype", "expected"),
    [
        (1714564800, "unix", pl.Int64, utc(2024, 5, 1, 12)),
        (1714564800.25, "unix", pl.Float64, utc(2024, 5, 1, 12, 0, 0, 250_000)),
        ("1714564800.123456", "unix", pl.String, utc(2024, 5, 1, 12, 0, 0, 123_456)),
        ("-0.5", "unix", pl.String, utc(1969, 12, 31, 23, 59, 59, 500_000)),
        (1714564800123, "unix_ms", pl.Int64, utc(2024, 5, 1, 12, 0, 0, 123_000)),
        ("1714564800123.5", "unix_ms", pl.String, utc(2024, 5, 1, 12, 0, 0, 123_500)),
        (1714564800123456, "unix_us", pl.Int64, utc(2024, 5, 1, 12, 0, 0, 123_456)),
        ("1714564800123456789", "unix_ns", pl.String, utc(2024, 5, 1, 12, 0, 0, 123_456)),
        (2**63 - 1, "unix", pl.Int64, None),
        (float("nan"), "unix", pl.Float64, None),
        (1e300, "unix", pl.Float64, None),
        ("nan", "unix", pl.String, None),
        ("0x10", "unix", pl.String, None),
        (20240501, "%Y%m%d", pl.Int64, utc(2024, 5, 1)),
    ],
)
def test_numbers(value, form, dtype, expected):
    """Numbers since 1970, as numbers and as texts; what exceeds the year 9999 is null."""
    assert one(value, form, dtype=dtype) == expected


def test_list_of_formats():
    """Each row is read by the first format of a list that fits it."""
    found = run(
        "time(x, ['%d.%m.%Y', 'unix', 'iso8601'])", x=(api.STRING, ["01.05.2024", "0", "2024-05-02", "?", None])
    )
    assert found == [utc(2024, 5, 1), utc(1970, 1, 1), utc(2024, 5, 2), None, None]


def test_clock_changes():
    """In a zone, a local time that is twice is the first, one that is skipped is null; an offset wins over the zone."""
    zone = "Europe/Paris"
    assert one("2024-10-27 02:30:00", "%F %T", zone) == utc(2024, 10, 27, 0, 30)
    assert one("2024-03-31 02:30:00", "%F %T", zone) is None
    assert one("2024-07-01 12:00:00 +0000", "%F %T %z", zone) == utc(2024, 7, 1, 12)
    assert one("1714564800", "%s", zone) == utc(2024, 5, 1, 12)


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        (("%b %d %H:%M:%S",), "has no year"),
        (("%Y",), "does not tell the day"),
        (("%Y-%m-%d %I:%M",), "hour of twelve"),
        (("%Q",), "no %Q"),
        (("%Y-%m-%d %",), "no %"),
        (("%Y-%m-%d :%M",), "cannot be read"),
        (("%F", "Europe/Pariss"), "no time zone 'Europe/Pariss'"),
        (([],), "at least one format"),
    ],
)
def test_wrong_constants(given_, message):
    """A format or a zone that cannot work is told when the program is compiled, not by nulls."""
    with pytest.raises(TypeError, match=message):
        parse(pl.col("x"), *given_)


@given(st.lists(MOMENTS, min_size=1, max_size=20), st.timedeltas(timedelta(hours=-23), timedelta(hours=23)))
@settings(max_examples=50, deadline=None)
def test_reads_what_python_writes(moments, offset):
    """Stamps with fraction and offset mean what Python's datetime means."""
    offset = timedelta(minutes=offset // timedelta(minutes=1))
    written = [f"{moment:%d/%b/%H:%M:%S.%f} {moment.year:04d} {sign(offset)}" for moment in moments]
    expected = [(moment - offset).replace(tzinfo=UTC) for moment in moments]
    found = pl.DataFrame({"x": written}).select(parse(pl.col("x"), "%d/%b/%H:%M:%S.%f %Y %z")).to_series().to_list()
    assert found == expected


def sign(offset):
    minutes = offset // timedelta(minutes=1)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}{abs(minutes) % 60:02d}"


@given(st.lists(st.datetimes(RECENT, LAST), max_size=20), st.sampled_from(["UTC", "Asia/Kolkata"]))
@settings(max_examples=50, deadline=None)
def test_round_trip(moments, zone):
    """What `format_time` writes, `time` reads back, in every form."""
    times = [moment.replace(tzinfo=UTC) for moment in moments]
    frame = pl.DataFrame({"t": pl.Series(times, dtype=pl.Datetime("us", "UTC"))})
    for form in ("iso8601", "unix_us", "%d %b %Y %I %p:%M:%S.%f %z", "%G-%V-%u %T,%f %z"):
        text = frame.select(format_time(pl.col("t"), form, zone))
        assert text.select(parse(pl.col("t"), form)).to_series().to_list() == times


@given(st.lists(st.datetimes(datetime(1990, 1, 1), datetime(2037, 1, 1)), min_size=1, max_size=20))  # noqa: DTZ001 — the same
@settings(max_examples=50, deadline=None)
def test_parts(moments):
    """Parts of times, in a zone, are those of Python's datetime."""
    local = [moment.replace(tzinfo=UTC).astimezone(ZoneInfo("America/New_York")) for moment in moments]
    column = (api.TIME, [moment.replace(tzinfo=UTC) for moment in moments])
    for name in ("year", "month", "day", "hour", "minute", "second"):
        assert run(f"{name}(t, 'America/New_York')", t=column) == [getattr(moment, name) for moment in local]
    assert run("weekday(t, 'America/New_York')", t=column) == [moment.isoweekday() for moment in local]
    assert run("date(t, 'America/New_York')", t=column) == [f"{moment:%Y-%m-%d}" for moment in local]
    assert run("unix_ms(t)", t=column) == [
        (moment - datetime(1970, 1, 1)) // timedelta(milliseconds=1)  # noqa: DTZ001 — both are naive
        for moment in moments
    ]


def test_floor_before_1970():
    """Times before 1970 are rounded down too."""
    column = (api.TIME, [utc(1969, 12, 31, 23, 59, 59), utc(1970, 1, 1), utc(2024, 5, 1, 0, 0, 1)])
    assert run("floor_time(t, 1m)", t=column) == [utc(1969, 12, 31, 23, 59), utc(1970, 1, 1), utc(2024, 5, 1)]


@given(st.lists(st.datetimes(RECENT, LAST), min_size=1, max_size=10))
@settings(max_examples=100, deadline=None)
def test_calendar(times):
    """Weeks, quarters and days are those of Python's calendar, in a zone too."""
    column = (api.TIME, [time.replace(tzinfo=UTC) for time in times])
    local = [time.replace(tzinfo=UTC).astimezone(ZoneInfo("Asia/Tokyo")) for time in times]
    assert run("week(t, 'Asia/Tokyo')", t=column) == [time.isocalendar().week for time in local]
    assert run("day_of_year(t, 'Asia/Tokyo')", t=column) == [time.timetuple().tm_yday for time in local]
    assert run("quarter(t, 'Asia/Tokyo')", t=column) == [(time.month + 2) // 3 for time in local]
    days = [time.replace(hour=0, minute=0, second=0, microsecond=0, fold=0) for time in local]
    weeks = [day - timedelta(days=day.weekday()) for day in days]
    years = [day.replace(month=1, day=1) for day in days]
    for unit, starts in (("day", days), ("week", weeks), ("year", years)):
        assert run(f"start_of(t, '{unit}', 'Asia/Tokyo')", t=column) == [start.astimezone(UTC) for start in starts]
    assert run("start_of(t, 'month')", t=column) == [
        time.replace(day=1, hour=0, minute=0, second=0, microsecond=0, tzinfo=UTC) for time in times
    ]


@pytest.mark.parametrize(
    ("time", "unit", "start"),
    [
        ("2024-03-31T10:00:00Z", "day", "2024-03-30T23:00:00Z"),
        ("2024-10-27T10:00:00Z", "day", "2024-10-26T22:00:00Z"),
        ("2024-10-27T01:30:00Z", "hour", "2024-10-27T01:00:00Z"),
        ("2024-10-27T00:30:00Z", "hour", "2024-10-27T00:00:00Z"),
        ("2024-08-15T10:00:00Z", "quarter", "2024-06-30T22:00:00Z"),
        ("9999-12-31T10:00:00Z", "minute", "9999-12-31T10:00:00Z"),
        ("1951-09-09T00:00:00Z", "day Asia/Tokyo", "1951-09-08T14:00:00Z"),
        ("2018-11-04T12:00:00Z", "day America/Sao_Paulo", "2018-11-04T03:00:00Z"),
        ("2018-11-04T12:00:00Z", "month America/Sao_Paulo", "2018-11-01T03:00:00Z"),
        ("2024-10-27T01:30:00Z", "hour UTC", "2024-10-27T01:00:00Z"),
    ],
)
def test_start_of_when_clocks_change(time, unit, start):
    """A day of 23 or 25 hours begins at its first midnight, or where clocks skip to; the hour that is there twice begins twice."""
    unit, _, zone = unit.partition(" ")
    zone = zone or "Europe/Paris"
    assert run(f"string(start_of(time('{time}'), '{unit}', '{zone}'))") == start


def test_microseconds():
    """Microseconds since 1970 are exact."""
    assert run("unix_us(time('1969-12-31T23:59:59.999999Z'))") == -1
