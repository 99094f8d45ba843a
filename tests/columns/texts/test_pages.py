"""Pages of request targets: the crate's answers are those of the twin."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.columns.urls import _twin, page

UUID = "0c7bdd0a-6f4a-4c2e-9d3e-8f1f6f7a1b2c"
KEPT = [
    "a",
    "shop",
    ".",
    "..",
    "-",
    "a.b.c",
    "1a",
    "42.toolong",
    "1.é",
    "٣٣",
    "http:",
    "://",
    "a:b@c",
    "x+y",
    "",
    "%",
    "%4",
    "%zz",
    "\n",
    "\x00",
]
DECODED = [
    "%2e%2E",
    "%41",
    "%C3%A9",
    "%C3",
    "%A9",
    "%E2%82",
    "%f0%9f%98%80",
    "é%C3",
    "%C3é",
    "%2F",
    "%2f",
    "%3F",
    "%23",
    "%25",
    "%252F",
]
NUMBERS = f"42|42.html|{'1' * 40}|deadbeefdeadbeef|deadbeefdeadbee|deadbeefdeadbeef.js|{'f' * 15}g".split("|")
UUIDS = [UUID, UUID.upper(), UUID + ".json", UUID + ".", UUID + "x", UUID[:-1]]
LONG = ["é" * 32, "é" * 33, "x" * 32, "x" * 33]
WORDS = st.sampled_from([*KEPT, *DECODED, *NUMBERS, *UUIDS, *LONG])
TARGETS = st.one_of(
    st.builds(
        "".join,
        st.lists(st.one_of(WORDS, st.sampled_from(["/", "/", "//", "?", "#", "http://h", "h+.-2://"])), max_size=9),
    ),
    st.builds("".join, st.lists(st.sampled_from([*"/?#%41aFg.-:é9"]), max_size=60)),
    st.text(),
)


@pytest.mark.native
@given(st.lists(st.one_of(st.none(), TARGETS), max_size=12), st.integers(0, 12))
@settings(max_examples=1500, deadline=None)
def test_same_as_the_twin(targets, cut):
    """Over chunks, slices and nulls, each target has the page that the twin gives it."""
    whole = pl.Series("x", ["/first", *targets, None], dtype=pl.String).slice(1, len(targets))
    series = pl.concat([whole.head(cut), whole.slice(cut), whole.slice(1, 3)], rechunk=False)
    found = series.to_frame().select(page(pl.col("x"))).to_series()
    assert found.to_list() == _twin(series).to_list()
    assert found.dtype == pl.String
    assert pl.concat([found, found.reverse()], rechunk=True).str.len_bytes().to_list()[: len(found)] == [
        None if text is None else len(text.encode()) for text in found
    ]


@pytest.mark.native
def test_many_targets():
    """More targets than are remembered, with pages that are beginnings, short, and written."""
    targets = pl.Series(
        "x", [f"/{word}/page-{n % 6000}/{n}?q={n}" for n in range(20_000) for word in ("shop", "a%20b")]
    )
    assert targets.to_frame().select(page(pl.col("x"))).to_series().to_list() == _twin(targets).to_list()
