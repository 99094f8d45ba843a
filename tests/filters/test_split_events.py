"""split: an event for each part of a text, and the same as row by row."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pipeline_plugins.filters.split import Options, Split

from pipeline import api

TEXT = api.Field(("t",), api.STRING)


def test_each_part_is_an_event(batch, rows):
    """Empty parts and spaces stay; null is one event."""
    made = Split(Options(field=TEXT, on=",", index="at"))
    after = made.apply(batch(types={"t": api.STRING}, t=["a, b,", "", None], n=[1, 2, 3]))
    assert rows(after) == [
        {"t": "a", "n": 1, "at": 0},
        {"t": " b", "n": 1, "at": 1},
        {"t": "", "n": 1, "at": 2},
        {"t": "", "n": 2, "at": 0},
        {"t": None, "n": 3, "at": None},
    ]
    assert after.frame["@item"].to_list() == ["0", "1", "2", "0", "0"]
    assert made.schema(api.Columns({"t": api.STRING})) == api.Columns({"t": api.STRING, "at": api.INT})


def test_parts_go_into_another_field(batch, rows):
    """Then the text is gone."""
    made = Split(Options(field=TEXT, on="--", into="part", empty="drop"))
    assert rows(made.apply(batch(types={"t": api.STRING}, t=["a-b--c", None], n=[1, 2]))) == [
        {"n": 1, "part": "a-b"},
        {"n": 1, "part": "c"},
    ]
    assert made.schema(api.Columns({"t": api.STRING, "n": api.INT})).fields == {"n": api.INT, "part": api.STRING}


def test_a_text_of_too_many_parts_is_rejected(batch, rows, errors):
    """Whole."""
    after = Split(Options(field=TEXT, on=",", most=2)).apply(batch(types={"t": api.STRING}, t=["a,b,c", "d,e"]))
    assert [row["t"] for row in rows(after)] == ["d", "e"]
    assert errors(after) == [(b"line 0", "too_many", "t", "3, more than 2")]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"field": api.Field(("t",), api.INT), "on": ","}, "t is of type int, not a string"),
        ({"field": api.Field(("t",), api.list_of(api.INT)), "on": ","}, "t is of type list of int, not a string"),
        ({"field": TEXT, "on": ""}, "nothing stands between two parts"),
        ({"field": api.Field(("@path",), api.STRING), "on": "/"}, "@path is metadata"),
    ],
)
def test_what_cannot_be_split_is_said_before_it_runs(options, message):
    """At the option."""
    with pytest.raises(api.OptionError) as caught:
        Split(Options(**options)).schema(api.Columns({"t": api.STRING}))
    assert caught.value.message == message


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.none() | st.text("ab-é", max_size=8), max_size=6), on=st.sampled_from(["-", "ab", "é"]))
def test_the_same_as_row_by_row(batch, texts, on):
    """As Python splits."""
    wanted = [
        (at, str(number), part)
        for at, text in enumerate(texts)
        for number, part in enumerate([None] if text is None else text.split(on))
    ]
    after = Split(Options(field=TEXT, on=on)).apply(batch(types={"t": api.STRING}, t=texts))
    assert after.frame.select("@offset", "@item", "t").rows() == wanted
