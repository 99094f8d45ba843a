"""unnest: an event for each element, told apart by its number; and the same as row by row."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pipeline_plugins.filters.unnest import Options, Unnest

from pipeline import api

NUMBERS = api.list_of(api.INT)
ITEM = api.record({"name": api.STRING, "n": api.INT})
ITEMS = api.Field(("items",), api.list_of(ITEM))
XS = api.Field(("xs",), NUMBERS)


def items(batch):
    """The `@offset` and `@item` of each row."""
    return list(batch.frame.select("@offset", "@item").iter_rows())


def holds(made, columns, after):
    """What the schema says is what the frame has."""
    found = {name: kind for name, kind in after.frame.schema.items() if not name.startswith("@")}
    assert found == {name: api.dtype(kind) for name, kind in made.schema(columns).fields.items()}


def test_each_element_is_an_event(batch, rows):
    """In place of the list; an empty list and null give one event with null."""
    made = Unnest(Options(field=XS))
    after = made.apply(batch(types={"xs": NUMBERS}, a=["p", "q", "r", "s"], xs=[[1, 2], [], None, [None]]))
    assert rows(after) == [
        {"a": name, "xs": x} for name, x in (("p", 1), ("p", 2), ("q", None), ("r", None), ("s", None))
    ]
    assert items(after) == [(0, "0"), (0, "1"), (1, "0"), (2, "0"), (3, "0")]
    holds(made, api.Columns({"a": api.STRING, "xs": NUMBERS}), after)


def test_events_without_elements_may_be_dropped(batch, rows):
    """An element that is null is one."""
    made = Unnest(Options(field=XS, empty="drop", index="at"))
    after = made.apply(batch(types={"xs": NUMBERS}, xs=[[1, 2], [], None, [None]]))
    assert rows(after) == [{"xs": 1, "at": 0}, {"xs": 2, "at": 1}, {"xs": None, "at": 0}]
    holds(made, api.Columns({"xs": NUMBERS}), after)


def test_what_was_made_of_nothing_has_no_number(batch, rows):
    """`index` is null where there is no element."""
    after = Unnest(Options(field=XS, index="at")).apply(batch(types={"xs": NUMBERS}, xs=[[], [7]]))
    assert rows(after) == [{"xs": None, "at": None}, {"xs": 7, "at": 0}]


def test_metadata_is_that_of_the_event(batch):
    """All but `@item`."""
    before = batch(b"one", b"two", types={"xs": NUMBERS}, xs=[[1, 2], [3]])
    after = Unnest(Options(field=XS)).apply(before)
    names = [name for name in api.CARRIED if name != "@item"]
    assert after.frame.select(names).equals(before.frame[[0, 0, 1]].select(names))
    assert after.frame.select(api.RID).to_series().to_list() == ["p:0#0", "p:0#1", "p:1#0"]


def test_what_is_made_of_what_was_made_has_both_numbers(batch, rows):
    """The outer one first."""
    nested = api.list_of(NUMBERS)
    before = batch(types={"xs": nested}, xs=[[[1], [2, 3]], [[]]])
    after = Unnest(Options(field=XS)).apply(Unnest(Options(field=api.Field(("xs",), nested))).apply(before))
    assert [row["xs"] for row in rows(after)] == [1, 2, 3, None]
    assert items(after) == [(0, "0.0"), (0, "1.0"), (0, "1.1"), (1, "0.0")]


def test_elements_go_into_another_field(batch, rows):
    """Then the list is gone, and a record that had nothing else."""
    inner = api.record({"xs": NUMBERS})
    made = Unnest(Options(field=api.Field(("r", "xs"), NUMBERS), into="x"))
    after = made.apply(batch(types={"r": inner}, r=[{"xs": [1, 2]}], a=[5]))
    assert rows(after) == [{"a": 5, "x": 1}, {"a": 5, "x": 2}]
    holds(made, api.Columns({"a": api.INT, "r": inner}), after)


def test_a_member_is_replaced_where_it_is(batch, rows):
    """The other members of its record are copied."""
    inner = api.record({"a": api.INT, "xs": NUMBERS})
    made = Unnest(Options(field=api.Field(("r", "xs"), NUMBERS)))
    after = made.apply(batch(types={"r": inner}, r=[{"a": 9, "xs": [1, 2]}]))
    assert rows(after) == [{"r": {"a": 9, "xs": 1}}, {"r": {"a": 9, "xs": 2}}]
    holds(made, api.Columns({"r": inner}), after)


def test_members_of_elements_become_fields(batch, rows):
    """With `spread`; of no element they are null. One of them may have the name of the list."""
    item = api.record({"items": api.STRING, "n": api.INT})
    made = Unnest(Options(field=api.Field(("items",), api.list_of(item)), spread=True))
    before = batch(types={"items": api.list_of(item)}, a=[1, 2], items=[[{"items": "x", "n": 3}, None], []])
    after = made.apply(before)
    assert rows(after) == [
        {"a": 1, "items": "x", "n": 3},
        {"a": 1, "items": None, "n": None},
        {"a": 2, "items": None, "n": None},
    ]
    holds(made, api.Columns({"a": api.INT, "items": api.list_of(item)}), after)


def test_json_lists_give_json(batch, rows, errors):
    """Elements as they were written; what is no list is rejected."""
    field = api.Field(("j",), api.JSON)
    texts = ['[1.10, {"a": [2]}, "x", null]', "[]", "null", None, '{"a":1}', "7"]
    after = Unnest(Options(field=field, empty="drop")).apply(batch(types={"j": api.JSON}, j=texts))
    assert [row["j"] for row in rows(after)] == ["1.10", '{"a": [2]}', '"x"', None]
    assert [found[1:3] for found in errors(after)] == [("not_a_list", "j")] * 2
    assert [row["j"] for row in rows(Unnest(Options(field=field)).apply(batch(types={"j": api.JSON}, j=texts)))][
        4:
    ] == [None] * 3


def test_a_list_that_is_too_long_is_rejected(batch, rows, errors):
    """Whole: the others stay."""
    after = Unnest(Options(field=XS, most=2)).apply(batch(types={"xs": NUMBERS}, xs=[[1, 2], [1, 2, 3], None]))
    assert [row["xs"] for row in rows(after)] == [1, 2, None]
    assert errors(after) == [(b"line 1", "too_many", "xs", "3, more than 2")]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"field": api.Field(("a",), api.INT)}, "a is of type int, not a list"),
        ({"field": api.Field(("@raw",), api.BYTES)}, "@raw is metadata"),
        ({"field": XS, "into": "@x"}, "'@x' is no name for a field"),
        ({"field": XS, "index": "@x"}, "'@x' is no name for a field"),
        ({"field": ITEMS, "into": "x", "spread": True}, "what is spread goes into no field"),
        ({"field": XS, "spread": True}, "elements of type int cannot be spread"),
        (
            {"field": api.Field(("items",), api.list_of(api.record({}, open=True))), "spread": True},
            "elements whose members nobody named cannot be spread",
        ),
        ({"field": ITEMS, "spread": True}, "there would be two fields n"),
    ],
)
def test_what_cannot_be_unnested_is_said_before_it_runs(options, message):
    """At the option."""
    with pytest.raises(api.OptionError) as caught:
        Unnest(Options(**options)).schema(api.Columns({"a": api.INT, "n": api.INT, "xs": NUMBERS, "items": ITEMS.type}))
    assert caught.value.message == message


LISTS = st.lists(st.none() | st.lists(st.none() | st.integers(-9, 9), max_size=4), max_size=6)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lists=LISTS, drop=st.booleans(), most=st.integers(1, 4), json_text=st.booleans())
def test_the_same_as_row_by_row(batch, lists, drop, most, json_text):
    """Whatever is null or empty, of lists and of JSON."""
    wanted, refused = [], []
    for at, values in enumerate(lists):
        if len(values or ()) > most:
            refused.append(at)
        elif values:
            wanted += [(at, str(number), value, number) for number, value in enumerate(values)]
        elif not drop:
            wanted.append((at, "0", None, None))
    kind = api.JSON if json_text else NUMBERS
    given = [None if values is None else json.dumps(values) for values in lists] if json_text else lists
    options = Options(field=api.Field(("xs",), kind), most=most, empty="drop" if drop else "keep", index="at")
    after = Unnest(options).apply(batch(types={"xs": kind}, xs=given))
    found = after.frame.select("@offset", "@item", "xs", "at").rows()
    if json_text:
        found = [(at, item, None if x is None else int(x), number) for at, item, x, number in found]
    assert found == wanted
    assert [offset for frame in after.rejected for offset in frame["@offset"]] == refused
