"""Times read by the crate: exactly what Polars reads."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.columns.stamps import usual
from pipeline.columns.times import _ISO, TIME, _reader, parse

FORMATS = [
    "%d/%b/%Y:%H:%M:%S %z",
    "%Y-%m-%d %H:%M:%S,%f",
    "%Y-%m-%dT%H:%M:%S.%f%z",
    "%a %b %e %H:%M:%S %Y",
    "%A, %d %B %Y %I:%M:%S %p",
    "%F %T %Z",
    "%b %e %Y %l:%M %P",
    "%Y.%j %k:%M",
    "%Y%m%d%H%M%S%f",
    "%d.%m.%Y um %H Uhr",
    "100%% %F",
    "%F%n%T",
    "%F  %T",
    "%Y-%m-%d",
    "%S:%M:%H %d/%m/%Y",
    *_ISO,
]
ODD = ["%s", "%G-W%V-%u", "%y-%m-%d", "%F %H:%M %p", "%F %d", "%F %T.%f%j", "%F %z"]

PIECES = [*"YmdejbBaAHIklMSpPfzZsyn%", *".,:/-T ", "é"]


@st.composite
def formats(draw):
    """Formats of the usual ones, or made of any pieces."""
    if draw(st.integers(0, 3)):
        return draw(st.sampled_from(FORMATS))
    pieces = draw(st.lists(st.sampled_from(PIECES), min_size=3, max_size=9))
    return "".join(
        f"%{piece}" if (piece.isalpha() and piece not in "Té") or piece == "%" else piece for piece in pieces
    )


@st.composite
def stamps(draw, form):
    """A moment in the format, and now and then something else in its place or a character changed."""
    moment = draw(st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)))  # noqa: DTZ001 — the format may have no zone
    if draw(st.booleans()):
        moment = datetime(2024, 2, 28) + timedelta(seconds=draw(st.integers(0, 200_000)))  # noqa: DTZ001
    zones = draw(st.sampled_from(["+0000", "+0200", "-11:30", "Z", "+23:59", "+24:00", "-00:00", "+02", "z"]))
    text = form.replace("%z", zones).replace("%Z", draw(st.sampled_from(["UTC", "GMT", "Z", "utc", "PST"])))
    text = text.replace("%f", draw(st.from_regex(r"[0-9]{0,12}", fullmatch=True))).replace("%n", " ")
    text = moment.replace(tzinfo=UTC).strftime(text.encode("ascii", "replace").decode()).replace("?", "é")
    if draw(st.integers(0, 2)) == 0 and text:
        at = draw(st.integers(0, len(text)))
        text = (
            text[:at]
            + draw(st.sampled_from(["", " ", "0", "9", "a", "+", ":", "é", "\t"]))
            + text[at + draw(st.integers(0, 2)) :]
        )
    return draw(st.sampled_from([text, text, text, text.lower(), text.upper(), text.replace(" 0", "  ")]))


def compiled(form):
    try:
        return _reader(form, "UTC")
    except TypeError:
        return None


@pytest.mark.native
@given(st.data())
@settings(max_examples=1500, deadline=None)
def test_same_as_polars(data):
    """What the crate reads, Polars reads as the same time; what it calls unreadable, Polars cannot read either."""
    form = data.draw(formats())
    reader = compiled(form)
    if reader is None:
        return
    texts = data.draw(
        st.lists(st.one_of(st.none(), stamps(form), st.sampled_from(["", "-", "0"])), min_size=1, max_size=6)
    )
    values = pl.Series("x", texts, dtype=pl.String)
    assert reader(values).to_list() == reader.lenient(values).to_list()


@pytest.mark.native
@pytest.mark.parametrize("form", FORMATS)
def test_usual_stamps_are_read_here(form):
    """Stamps as programs write them never come to Polars."""
    moments = [datetime(2024, 2, 1, tzinfo=UTC) + timedelta(hours=11, seconds=86_399 * step) for step in range(60)]
    written = [moment.strftime(form.replace("%P", "%p").replace("%n", " ")) for moment in moments]
    times, odd = usual(pl.Series(written), (form,))
    assert odd is None
    assert times.cast(TIME).to_list() == compiled(form).lenient(pl.Series(written)).to_list()


@pytest.mark.native
def test_days_that_exist():
    """Of every month and of leap and other years: the last days, those after them, and the days counted from January."""
    years = [1, 1900, 2000, 2023, 2024, 9999]
    days = [
        f"{year:04}-{month:02}-{day:02}" for year in years for month in range(14) for day in (0, 1, 28, 29, 30, 31, 32)
    ]
    counted = [f"{year:04}-{day:03}" for year in years for day in (0, 1, 59, 60, 365, 366, 367)]
    for form, texts in (("%F", days), ("%Y-%j", counted)):
        values = pl.Series("x", texts)
        assert usual(values, (form,))[0].cast(TIME).to_list() == compiled(form).lenient(values).to_list()


@pytest.mark.native
@pytest.mark.parametrize("form", ODD)
def test_other_formats_are_left_to_polars(form):
    """The crate takes no format whose meaning is not plain."""
    assert usual(pl.Series(["2024-01-01"]), (form,)) is None


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_iso8601_does_not_depend_on_neighbours(data):
    """A column of any writings of ISO 8601 has the times that each has alone, also in slices and in several chunks."""
    texts = data.draw(st.lists(st.one_of(st.none(), *[stamps(form) for form in _ISO], st.just("-")), max_size=8))
    series = pl.Series("x", texts, dtype=pl.String)
    alone = [pl.select(parse(pl.lit(text, dtype=pl.String))).item() for text in texts]
    chunks = pl.concat([series, series.slice(1), series.head(3)], rechunk=False)
    found = chunks.to_frame().select(parse(pl.col("x"))).to_series().to_list()
    assert found == [*alone, *alone[1:], *alone[:3]]


def test_zones_and_odd_rows():
    """In one column: usual stamps, a leap second, one digit for two, a skipped local time, and what is no time."""
    texts = ["2024-06-30 23:59:59", "2024-06-30 23:59:60", "2024-6-3 1:2:3", "2024-03-31 02:30:00", "-", None]
    series = pl.Series("x", texts, dtype=pl.String)
    found = series.to_frame().select(parse(pl.col("x"), "%F %T", "Europe/Paris")).to_series().to_list()
    assert found[0] == datetime(2024, 6, 30, 21, 59, 59, tzinfo=UTC)
    assert found[2] == datetime(2024, 6, 2, 23, 2, 3, tzinfo=UTC)
    assert found[3:] == [None, None, None]
    assert found[1] == pl.select(parse(pl.lit(texts[1]), "%F %T", "Europe/Paris")).item()
