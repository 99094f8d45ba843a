"""keep, remove, rename, set, where, drop and route: exact rows, and schemas that say what the rows are."""

from datetime import UTC, datetime

import polars as pl
import pytest
from pipeline_plugins.filters import drop, keep, remove, rename, route, where
from pipeline_plugins.filters import set as assign

from pipeline import api

GEO = api.record({"country": api.STRING, "city": api.STRING})
COLUMNS = api.Columns({"status": api.INT, "geo": GEO, "path": api.STRING})


@pytest.fixture
def events(batch):
    geo = [{"country": "DE", "city": "Berlin"}, None, {"country": None, "city": "Paris"}]
    types = {"status": api.INT, "geo": GEO, "path": api.STRING}
    return batch(types=types, status=[200, 404, None], geo=geo, path=["/", None, "/x"])


def field(name, kind=api.STRING):
    return api.Field(tuple(name.split(".")), kind)


def expr(polars, kind=api.BOOL, guards=()):
    return api.Expr(polars, kind, "the expression", guards=tuple(guards))


def check(plugin, columns, made):
    """What the schema says is what the frame has."""
    after = plugin.schema(columns)
    fields = {name: kind for name, kind in made.frame.schema.items() if not name.startswith("@")}
    assert fields == {name: api.dtype(kind) for name, kind in after.fields.items()}
    assert ("@rest" in made.frame.columns) == after.open
    assert made.frame.columns[: len(api.CARRIED)] == list(api.CARRIED)
    return after


def test_keep_keeps_fields_and_members_in_its_order(events, rows):
    """Other fields go, and members that nobody named; null records stay null; metadata stays."""
    made = keep.Keep(keep.Options(fields=[field("geo.city"), field("status", api.INT), field("@host")]))
    after = made.apply(events.with_columns(pl.lit('{"x":1}').alias("@rest")))
    assert rows(after) == [
        {"geo": {"city": "Berlin"}, "status": 200},
        {"geo": None, "status": 404},
        {"geo": {"city": "Paris"}, "status": None},
    ]
    assert check(made, api.Columns(COLUMNS.fields, open=True), after).fields["geo"] == api.record({"city": api.STRING})


def test_keep_of_a_record_keeps_all_of_it(events, rows):
    """A path inside a record that is kept whole changes nothing."""
    made = keep.Keep(keep.Options(fields=[field("geo", GEO), field("geo.city")]))
    after = made.apply(events)
    assert rows(after)[0] == {"geo": {"country": "DE", "city": "Berlin"}}
    check(made, COLUMNS, after)


def test_remove_takes_fields_and_members(events, rows):
    """A record that loses its last member goes too."""
    made = remove.Remove(remove.Options(fields=[field("geo.country"), field("path")]))
    after = made.apply(events)
    assert rows(after) == [
        {"status": 200, "geo": {"city": "Berlin"}},
        {"status": 404, "geo": None},
        {"status": None, "geo": {"city": "Paris"}},
    ]
    check(made, COLUMNS, after)
    empty = remove.Remove(remove.Options(fields=[field("geo.country"), field("geo.city")]))
    assert list(check(empty, COLUMNS, empty.apply(events)).fields) == ["status", "path"]


def test_metadata_cannot_be_removed_or_renamed():
    """The message says what to do instead."""
    with pytest.raises(api.OptionError, match="@host is metadata and cannot be removed"):
        remove.Remove(remove.Options(fields=[field("@host")]))
    entry = api.Rename(("@raw",), field("path"))
    with pytest.raises(api.OptionError, match="@raw is metadata and has a fixed name"):
        rename.Rename(rename.Options(block=api.Renames((entry,))))


def test_rename_moves_fields_into_and_out_of_records(events, rows):
    """Entries are done in order; a field that has the new name is replaced; an emptied record goes."""
    block = api.Renames(
        (
            api.Rename(("country",), field("geo.country")),
            api.Rename(("url", "path"), field("path")),
            api.Rename(("status",), field("geo.city")),
        )
    )
    made = rename.Rename(rename.Options(block=block))
    after = made.apply(events)
    assert rows(after)[0] == {"status": "Berlin", "country": "DE", "url": {"path": "/"}}
    assert set(check(made, COLUMNS, after).fields) == {"status", "country", "url"}


def test_a_field_cannot_become_its_own_member():
    """`a.b = a` has no meaning."""
    block = api.Renames((api.Rename(("geo", "old"), field("geo", GEO)),))
    with pytest.raises(api.OptionError, match="geo cannot become a member of itself"):
        rename.Rename(rename.Options(block=block))


def assigning(*entries):
    return assign.Set(
        assign.Options(block=api.Assignments(tuple(api.Assign(tuple(n.split(".")), e) for n, e in entries)))
    )


def test_set_computes_in_order_and_makes_records(events, rows):
    """Later entries see earlier ones; a path sets one member and keeps the others."""
    made = assigning(
        ("double", expr(pl.col("status") * 2, api.INT)),
        ("quad", expr(pl.col("double") * 2, api.INT)),
        ("geo.city", expr(pl.lit("x"), api.STRING)),
        ("new.deep.one", expr(pl.lit(1), api.INT)),
        ("nothing", expr(pl.lit(None), api.NULL)),
    )
    after = made.apply(events)
    assert rows(after)[1] == {
        "status": 404,
        "geo": {"country": None, "city": "x"},
        "path": None,
        "double": 808,
        "quad": 1616,
        "new": {"deep": {"one": 1}},
        "nothing": None,
    }
    check(made, COLUMNS, after)


def test_set_of_the_timestamp_rejects_what_is_null(events, rows, errors):
    """An event whose time is not known is rejected; the others have the new time."""
    when = pl.when(pl.col("status").is_not_null()).then(pl.lit(datetime(2020, 1, 1, tzinfo=UTC)))
    after = assigning(("@timestamp", expr(when, api.TIME))).apply(events)
    assert after.frame["@timestamp"].to_list() == [datetime(2020, 1, 1, tzinfo=UTC)] * 2
    assert after.frame.schema["@timestamp"] == pl.Datetime("us", "UTC")
    assert errors(after) == [(b"line 2", "no_timestamp", "@timestamp", "the expression is null")]


def test_set_refuses_other_metadata():
    """Only the time is the program's to decide."""
    with pytest.raises(api.OptionError, match="@raw cannot be set: of the metadata only @timestamp can"):
        assigning(("@raw", expr(pl.lit(b""), api.BYTES)))
    with pytest.raises(api.OptionError, match="@timestamp is a time, not string"):
        assigning(("@timestamp", expr(pl.lit(""), api.STRING)))


def test_strict_conversions_reject_before_anything_is_set(events, errors):
    """A guard that does not hold takes the row out with its reason."""
    guard = api.Guard(pl.col("status").is_not_null(), "not_int", "status")
    after = assigning(("x", expr(pl.col("status"), api.INT, [guard]))).apply(events)
    assert after.frame["x"].to_list() == [200, 404]
    assert errors(after) == [(b"line 2", "not_int", "status", None)]


def test_where_and_drop_are_opposites(events):
    """Every row is kept by exactly one of them; a null condition does not hold; constants work."""
    condition = expr(pl.col("status") >= 400)
    kept = where.Where(where.Options(condition=condition)).apply(events)
    left = drop.Drop(drop.Options(condition=condition)).apply(events)
    assert kept.frame["status"].to_list() == [404]
    assert left.frame["status"].to_list() == [200, None]
    assert kept.rejected == left.rejected == ()
    for value in (True, False):
        always = expr(pl.lit(value))
        assert where.Where(where.Options(condition=always)).apply(events).frame.height == 3 * value
        assert drop.Drop(drop.Options(condition=always)).apply(events).frame.height == 3 * (not value)


def test_a_condition_must_be_true_or_false():
    """A number is no condition."""
    number = expr(pl.col("status"), api.INT)
    for plugin, options in ((where.Where, where.Options), (drop.Drop, drop.Options)):
        with pytest.raises(api.OptionError, match="a condition is true or false, but this is of type int"):
            plugin(options(condition=number)).schema(COLUMNS)


def routing(**cases):
    return route.Route(route.Options(block=api.Cases(tuple(api.Case(name, case) for name, case in cases.items()))))


def test_route_gives_each_row_to_the_first_port_that_holds(events):
    """Every row is in exactly one port, in order; the rest is in `else`."""
    made = routing(
        some=expr(pl.col("status") >= 300), any=expr(pl.col("status") >= 100), none=expr(pl.lit(value=False))
    )
    parts = made.split(events)
    assert made.ports == ("some", "any", "none", "else")
    assert {name: part.frame["@offset"].to_list() for name, part in parts.items()} == {
        "some": [1],
        "any": [0],
        "none": [],
        "else": [2],
    }
    assert all(part.span == events.span for part in parts.values())


def test_route_rejects_once(events, errors):
    """A strict conversion takes a row out of all ports; only one batch carries it."""
    guard = api.Guard(pl.col("status").is_not_null(), "not_int", "status")
    parts = routing(a=expr(pl.col("status") > 300, guards=[guard])).split(events)
    assert sum(part.frame.height for part in parts.values()) == 2
    assert [error for part in parts.values() for error in errors(part)] == [(b"line 2", "not_int", "status", None)]


def test_route_refuses_ports_that_are_there_already():
    """`else` and `rejected` belong to every route, and names are unique."""
    with pytest.raises(api.OptionError, match="`else` is a port that every route has"):
        routing(**{"else": expr(pl.lit(value=True))})
    case = api.Case("a", expr(pl.lit(value=True)))
    with pytest.raises(api.OptionError, match="the port `a` is there twice"):
        route.Route(route.Options(block=api.Cases((case, case))))
