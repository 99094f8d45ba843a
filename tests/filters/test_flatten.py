"""flatten: exact names and values, nothing lost, and the same as row by row."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pipeline_plugins.filters.flatten import Flatten, Options

from pipeline import api

INNER = api.record({"x": api.INT, "l": api.list_of(api.INT)})
GEO = api.record({"city": api.STRING, "at": INNER})
FIELD = api.Field(("geo",), GEO)
OPEN = api.record({"id": api.INT}, open=True)
COLUMNS = api.Columns({"a": api.INT, "geo": GEO, "z": api.STRING})


def holds(made, columns, after):
    """What the schema says is what the frame has, in the same order."""
    found = {name: kind for name, kind in after.frame.schema.items() if not name.startswith("@")}
    wanted = {name: api.dtype(kind) for name, kind in made.schema(columns).fields.items()}
    assert list(found.items()) == list(wanted.items())


def test_members_become_fields_named_by_their_paths(batch, rows):
    """In place of the record; a record that is null gives nulls; lists stay."""
    geo = [{"city": "Oslo", "at": {"x": 1, "l": [1, 2]}}, None, {"city": None, "at": None}]
    events = batch(types={"geo": GEO}, a=[1, 2, 3], geo=geo, z=["x", "y", "z"])
    for made, separator in ((Flatten(Options(fields=[FIELD])), "."), (Flatten(Options(separator="_")), "_")):
        after = made.apply(events)
        names = ["a", f"geo{separator}city", f"geo{separator}at{separator}x", f"geo{separator}at{separator}l", "z"]
        assert [list(row) for row in rows(after)] == [names] * 3
        assert [tuple(row.values()) for row in rows(after)] == [
            (1, "Oslo", 1, [1, 2], "x"),
            (2, None, None, None, "y"),
            (3, None, None, None, "z"),
        ]
        holds(made, COLUMNS, after)


def test_members_that_nobody_named_stay(batch, rows):
    """The record is left with them alone."""
    user = [{"id": 1, "@rest": '{"n":1}'}, None, {"id": None, "@rest": None}]
    made = Flatten(Options())
    after = made.apply(batch(types={"user": OPEN}, user=user))
    assert rows(after) == [
        {"user.id": 1, "user": {"@rest": '{"n":1}'}},
        {"user.id": None, "user": None},
        {"user.id": None, "user": {"@rest": None}},
    ]
    holds(made, api.Columns({"user": OPEN}), after)


def test_only_named_records_are_flattened(batch, rows):
    """And nothing happens where there is none."""
    events = batch(types={"geo": GEO, "b": INNER}, geo=[None], b=[{"x": 1, "l": []}])
    made = Flatten(Options(fields=[api.Field(("b",), INNER)]))
    assert rows(made.apply(events)) == [{"geo": None, "b.x": 1, "b.l": []}]
    assert rows(Flatten(Options()).apply(batch(a=[1]))) == [{"a": 1}]
    holds(made, api.Columns({"geo": GEO, "b": INNER}), made.apply(batch(types={"geo": GEO, "b": INNER}, geo=[], b=[])))


def test_metadata_stays(batch):
    """Also the error of rejected rows, which is a record."""
    events = batch(a=[1]).reject(batch(a=[1]).frame["a"] == 1, "x")
    frame = events.with_frame(events.rejected[0])
    assert Flatten(Options()).apply(frame).frame.equals(events.rejected[0])


@pytest.mark.parametrize(
    ("field", "message"),
    [
        (api.Field(("geo", "at"), INNER), "geo.at is not a field of the top level"),
        (api.Field(("@error",), GEO), "@error is not a field of the top level"),
        (api.Field(("a",), api.INT), "a is of type int, not a record"),
    ],
)
def test_only_records_of_the_top_level_are_flattened(field, message):
    """At the option, before anything runs."""
    with pytest.raises(api.OptionError) as caught:
        Flatten(Options(fields=[field])).schema(COLUMNS)
    assert caught.value.message == message


def test_a_name_that_is_there_already_is_an_error():
    """Nothing is overwritten in silence."""
    with pytest.raises(api.OptionError, match="there would be two fields geo_city"):
        Flatten(Options(separator="_")).schema(api.Columns({"geo": GEO, "geo_city": api.INT}))


def flat(value, path=()):
    if path and path[-1] in ("x", "l", "city"):
        return {".".join(path): value}
    names = ("city", "at") if path == ("geo",) else ("x", "l")
    return {key: found for name in names for key, found in flat((value or {}).get(name), (*path, name)).items()}


AT = st.none() | st.fixed_dictionaries(
    {"x": st.none() | st.integers(-9, 9), "l": st.none() | st.lists(st.integers(0, 9), max_size=2)}
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(geo=st.lists(st.none() | st.fixed_dictionaries({"city": st.none() | st.text(max_size=3), "at": AT}), max_size=5))
def test_the_same_as_row_by_row(batch, rows, geo):
    """Whatever is null."""
    assert rows(Flatten(Options()).apply(batch(types={"geo": GEO}, geo=geo))) == [
        flat(value, ("geo",)) for value in geo
    ]
