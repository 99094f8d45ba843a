"""Lists, against Python's."""

import math

import pytest
from calls import run
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import api

INTS = api.list_of(api.INT)
SMALL = st.one_of(st.none(), st.integers(-3, 3))
LISTS = st.lists(st.one_of(st.none(), st.lists(SMALL, max_size=6)), max_size=8)


def each(lists, function):
    return [None if items is None else function(items) for items in lists]


def known(items):
    return [item for item in items if item is not None]


@given(LISTS)
@settings(max_examples=100, deadline=None)
def test_like_python(lists):
    """Order, elements and what they come to are Python's; null is an element like others unless it is said."""
    column = (INTS, lists)
    nulls_last = each(lists, lambda items: sorted(known(items)) + [None] * items.count(None))
    assert run("sort(x)", x=column) == nulls_last
    assert run("sort(x, descending: true)", x=column) == each(
        lists, lambda items: sorted(known(items), reverse=True) + [None] * items.count(None)
    )
    assert run("unique(x)", x=column) == each(lists, lambda items: list(dict.fromkeys(items)))
    assert run("compact(x)", x=column) == each(lists, known)
    assert run("reverse(x)", x=column) == each(lists, lambda items: items[::-1])
    assert run("append(x, x)", x=column) == each(lists, lambda items: items + items)
    assert run("list_sum(x)", x=column) == each(lists, lambda items: sum(known(items)))
    assert run("list_min(x)", x=column) == each(lists, lambda items: min(known(items), default=None))
    assert run("list_max(x)", x=column) == each(lists, lambda items: max(known(items), default=None))
    assert run("list_mean(x)", x=column) == each(
        lists, lambda items: sum(known(items)) / len(known(items)) if known(items) else None
    )


@given(LISTS, st.integers(-8, 8), st.integers(0, 8))
@settings(max_examples=100, deadline=None)
def test_slice(lists, start, length):
    """Slices are Python's; a start before the list is its start."""
    column = (INTS, lists)
    begin = lambda items: max(0, len(items) + start) if start < 0 else start  # noqa: E731
    assert run(f"slice(x, {start})", x=column) == each(lists, lambda items: items[begin(items) :])
    assert run(f"slice(x, {start}, {length})", x=column) == each(
        lists, lambda items: items[begin(items) : begin(items) + length]
    )


def test_slice_by_columns():
    """Start and length may be fields; null and a negative length give null."""
    columns = {
        "x": (INTS, [[1, 2, 3]] * 5),
        "n": (api.INT, [1, None, 2**62, -(2**62), 0]),
        "m": (api.INT, [1, 1, 2**62, 2**62, -1]),
    }
    assert run("slice(x, n, m)", **columns) == [[2], None, [], [1, 2, 3], None]


@given(
    st.lists(st.one_of(st.none(), st.lists(st.one_of(st.none(), st.lists(SMALL, max_size=3)), max_size=4)), max_size=6)
)
@settings(max_examples=100, deadline=None)
def test_flatten(lists):
    """One level is taken away; inner lists that are null are left out."""
    column = (api.list_of(INTS), lists)
    assert run("flatten(x)", x=column) == each(lists, lambda outer: [item for inner in known(outer) for item in inner])


def test_sums_at_the_limits():
    """A sum that does not fit 64 bits is null, also when it only passes the limit on its way; floats that overflow are null."""
    top = 2**63 - 1
    assert run("list_sum(x)", x=(INTS, [[top, 1], [top, 1, -1], [-top, -2], []])) == [None, top, None, 0]
    floats = (api.list_of(api.FLOAT), [[1e308, 1e308], [0.5, None], [math.nan], []])
    assert run("list_sum(x)", x=floats) == [None, 0.5, None, 0.0]
    assert run("list_mean(x)", x=floats) == [None, 0.5, None, None]


def test_unique_keeps_the_order():
    """What is there for the first time stays where it is, among many too."""
    texts = [str(number * 7919 % 1009) for number in range(2000)]
    assert run("unique(x)", x=(api.list_of(api.STRING), [texts])) == [list(dict.fromkeys(texts))]


def test_append():
    """Integers become floats beside floats; a null list gives null."""
    columns = {"x": (INTS, [[1], [1], None]), "y": (api.list_of(api.FLOAT), [[0.5], None, [0.5]])}
    assert run("append(x, y)", **columns) == [[1.0, 0.5], None, None]


@pytest.mark.parametrize(
    ("call", "message"),
    [("append(x, ['a'])", "one type, not int and string"), ("flatten(x)", "list of lists, not a list of int")],
)
def test_wrong_lists(call, message):
    """What does not fit is told when the program is compiled."""
    with pytest.raises(TypeError, match=message):
        run(call, x=(INTS, [[1]]))
