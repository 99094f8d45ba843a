"""rename, keep, remove, set, where, drop and route, in any order on any rows: the same as one row after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pipeline_plugins.filters import drop, keep, remove, rename, route, where
from pipeline_plugins.filters import set as assign

from pipeline import api

Row = dict[str, Any]
Path = tuple[str, ...]

GEO = api.record({"x": api.INT, "y": api.STRING})
TYPES = {"a": api.INT, "b": api.INT, "s": api.STRING, "g": GEO}
NUMBERS = st.none() | st.integers(-2, 2)
TEXTS = st.none() | st.sampled_from(["", "t", "long enough to be no inline text"])
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "a": NUMBERS,
            "b": NUMBERS,
            "s": TEXTS,
            "g": st.none() | st.fixed_dictionaries({"x": NUMBERS, "y": TEXTS}),
        }
    ),
    min_size=1,
    max_size=6,
)
PATHS: list[Path] = [("a",), ("b",), ("s",), ("n",), ("g",), ("g", "x"), ("g", "y"), ("h", "z")]
LEAVES = [path for path in PATHS if path != ("g",)]


def read(row: Row, path: Path) -> Any:
    """The value at a path; None where a record on the way is null."""
    for name in path:
        row = None if row is None else row[name]  # type: ignore[assignment]
    return row


def without(row: Row, path: Path, members: list[str]) -> Row:
    """The row without a path; a record without members goes too, also where it is null. `members`: what it has."""
    name, *rest = path
    if name not in row:
        return row
    others = {key: value for key, value in row.items() if key != name}
    if not rest:
        return others
    if members == rest:
        return others
    record = row[name]
    left = None if record is None else {key: value for key, value in record.items() if key != rest[0]}
    return {**row, name: left}


def put(row: Row, path: Path, value: Any, members: list[str]) -> Row:
    """The row with a value at a path. `members`: what the record on the way has, in rows where it is null too."""
    if len(path) == 1:
        return {**row, path[0]: value}
    record = row.get(path[0]) or dict.fromkeys(members)
    return {**row, path[0]: {**record, path[1]: value}}


@dataclass
class Table:
    """Rows one by one, and the types of their fields."""

    rows: list[Row]
    columns: api.Columns

    def members(self, name: str) -> list[str]:
        kind = self.columns.fields.get(name)
        return [] if kind is None else [member for member, _ in kind.fields]


def field(table: Table, path: Path) -> api.Field:
    return api.Field(path, table.columns.get(path) or api.STRING)


def fits(table: Table, path: Path) -> bool:
    """Whether a value can be put there: what is on the way is a record, or is not there."""
    kind = table.columns.fields.get(path[0])
    return len(path) == 1 or kind is None or kind.kind == "record"


def condition(table: Table, path: Path, least: int) -> tuple[api.Expr, Any]:
    """`path >= least`, and the same of a row."""
    value = field(table, path).polars
    return api.Expr(
        (value >= least).fill_null(value=False), api.BOOL, "it"
    ), lambda row: (found := read(row, path)) is not None and found >= least


def step(draw: Any, kind: str, table: Table) -> tuple[Any, list[Row]]:
    """A filter with any options that fit, and the rows after it."""
    there = [path for path in PATHS if table.columns.get(path) is not None]
    if kind == "remove":
        path = draw(st.sampled_from(PATHS))
        members = table.members(path[0])
        left = [without(row, path, members) for row in table.rows]
        return remove.Remove(remove.Options(fields=[field(table, path)])), left
    if kind == "keep":
        names = draw(st.lists(st.sampled_from([path for path in there if len(path) == 1]), min_size=1, unique=True))
        kept = [{name: row[name] for (name,) in names} for row in table.rows]
        return keep.Keep(keep.Options(fields=[field(table, path) for path in names])), kept
    if kind in ("where", "drop"):
        holds, test = condition(table, draw(st.sampled_from(numbers(table))), draw(st.integers(-1, 2)))
        plugin = (
            where.Where(where.Options(condition=holds)) if kind == "where" else drop.Drop(drop.Options(condition=holds))
        )
        return plugin, [row for row in table.rows if test(row) == (kind == "where")]
    old = draw(st.sampled_from(there))
    if kind == "set":
        new = draw(st.sampled_from([path for path in LEAVES if fits(table, path)]))
        value = api.Expr(field(table, old).polars, field(table, old).type, "it")
        members = table.members(new[0])
        made = [put(row, new, read(row, old), members) for row in table.rows]
        return assign.Set(assign.Options(block=api.Assignments((api.Assign(new, value),)))), made
    new = draw(st.sampled_from([path for path in LEAVES if fits(table, path) and path[: len(old)] != old] or [old]))
    plugin = rename.Rename(rename.Options(block=api.Renames((api.Rename(new, field(table, old)),))))
    if new == old:
        return plugin, table.rows
    gone = [without(row, old, table.members(old[0])) for row in table.rows]
    left = [member for member in table.members(new[0]) if (new[0], member) != old]
    return plugin, [put(less, new, read(row, old), left) for less, row in zip(gone, table.rows, strict=True)]


def numbers(table: Table) -> list[Path]:
    return [path for path in PATHS if table.columns.get(path) == api.INT]


@given(ROWS, st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_same_as_row_by_row(batch, rows, given_rows, data):
    """Rows, their order, and the schema that says what they are."""
    table = Table(given_rows, api.Columns(TYPES))
    made = batch(types=TYPES, **{name: [row[name] for row in given_rows] for name in TYPES})
    for _ in range(data.draw(st.integers(1, 4))):
        kinds = ["remove", "set", "keep", "rename"] if table.columns.fields else []
        kinds += ["where", "drop"] if numbers(table) else []
        if not kinds:
            break
        plugin, after = step(data.draw, data.draw(st.sampled_from(kinds)), table)
        made = plugin.apply(made)
        table = Table(after, plugin.schema(table.columns))
        assert made.frame.height == len(after)
        assert not table.columns.fields or rows(made) == after
        kinds_of = {name: api.dtype(kind) for name, kind in table.columns.fields.items()}
        assert {name: made.frame.schema[name] for name in kinds_of} == kinds_of


@given(ROWS, st.lists(st.tuples(st.sampled_from([("a",), ("b",), ("g", "x")]), st.integers(-2, 2)), max_size=4))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_row_goes_to_the_first_port_that_takes_it(batch, rows, given_rows, cases):
    """And to `else` when none does."""
    table = Table(given_rows, api.Columns(TYPES))
    conditions = [condition(table, path, least) for path, least in cases]
    ports = [api.Case(f"p{at}", holds) for at, (holds, _) in enumerate(conditions)]
    plugin = route.Route(route.Options(block=api.Cases(tuple(ports))))
    expected: dict[str, list[Row]] = {name: [] for name in plugin.ports}
    for row in given_rows:
        port = next((f"p{at}" for at, (_, test) in enumerate(conditions) if test(row)), "else")
        expected[port].append(row)
    made = batch(types=TYPES, **{name: [row[name] for row in given_rows] for name in TYPES})
    assert {name: rows(part) for name, part in plugin.split(made).items()} == expected
