"""Expressions: the compiled ones against a plain row-wise interpreter, and the corners one by one."""

from __future__ import annotations

import math
import random

import polars as pl
import pytest
from fakes import CATALOG
from reference import interpret

from pipeline.api import Columns
from pipeline.columns.types import BOOL, DURATION, FLOAT, INT, STRING, TIME, Type, dtype, list_of, record
from pipeline.lang.parse import parse_expression
from pipeline.lang.spans import Source
from pipeline.plan.expressions import compile_expression
from pipeline.plan.findings import Findings
from pipeline.plan.inference import Unknowns
from pipeline.plan.scope import Point, Scope, Typed

TYPES: dict[str, Type] = {
    "i": INT,
    "j": INT,
    "f": FLOAT,
    "g": FLOAT,
    "s": STRING,
    "u": STRING,
    "b": BOOL,
    "c": BOOL,
    "t": TIME,
    "v": TIME,
    "d": DURATION,
    "e": DURATION,
    "li": list_of(INT),
    "ls": list_of(STRING),
    "r": record({"x": INT, "y": STRING, "z": record({"w": FLOAT})}),
}

INTS = (0, 1, -1, 2, 3, -7, 10, 200, 404, 2**31, 2**53 + 1, 2**62, 2**63 - 1, -(2**63), None)
FLOATS = (0.0, -0.0, 1.0, -1.5, 0.1, 2.5, 1e300, -1e300, 5e-324, math.inf, -math.inf, math.nan, None)
TEXTS = ("", "a", "b", "ab", "aéb", "200", "A", "a b", None)
TIMES = (0, 1, -1, 1_000_000, 10**15, 2**63 - 1, -(2**63), None)


def scope(types: dict[str, Type] | None = None, findings: Findings | None = None) -> Scope:
    point = Point(Columns(TYPES if types is None else types))
    return Scope(CATALOG, findings or Findings(), Unknowns(), {}, {}, {}, point)


def compiled(text: str, types: dict[str, Type] | None = None) -> Typed:
    parsed = parse_expression(Source("e", text))
    assert parsed.tree is not None, (text, parsed.diagnostics)
    findings = Findings()
    typed = compile_expression(parsed.tree, scope(types, findings))
    assert typed is not None, (text, findings.all)
    return typed


def value(text: str, **row: object) -> object:
    """The value of an expression on one row of these fields; other fields are null."""
    typed = compiled(text)
    frame = frame_of([{**dict.fromkeys(TYPES), **row}])
    return values(typed, frame)[0]


def frame_of(rows: list[dict[str, object]]) -> pl.DataFrame:
    columns = {}
    for name, kind in TYPES.items():
        cells = [row[name] for row in rows]
        if kind in (TIME, DURATION):
            columns[name] = pl.Series(cells, dtype=pl.Int64).cast(dtype(kind))
        else:
            columns[name] = pl.Series(cells, dtype=dtype(kind))
    return pl.DataFrame(columns)


def values(typed: Typed, frame: pl.DataFrame) -> list[object]:
    """One value a row, also for literals; times and durations in microseconds. The dtype must be that of the type."""
    column = frame.with_columns(typed.polars.alias("result"))["result"]
    if typed.type.kind != "null":
        assert column.dtype == dtype(typed.type), (column.dtype, typed.type)
    if typed.type in (TIME, DURATION):
        column = column.cast(pl.Int64)
    return column.to_list()


# ── random expressions ───────────────────────────────────────────────────────────────────────────────────────────────


class Writer:
    """Writes random expressions of a wanted type."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def of(self, kind: str, depth: int) -> str:
        choices = getattr(self, f"_{kind}")
        return self.random.choice(choices(max(0, depth - 1)) if depth > 0 else choices(-1))()

    def number(self, depth: int) -> str:
        return self.of(self.random.choice(("int", "float")), depth)

    def pair(self, depth: int) -> tuple[str, str]:
        kind = self.random.choice(("int", "float", "string", "time", "duration", "number"))
        if kind == "number":
            return self.number(depth), self.number(depth)
        return self.of(kind, depth), self.of(kind, depth)

    def _common(self, kind: str, depth: int) -> list:
        return [
            lambda: f"(if {self.of('bool', depth)} then {self.of(kind, depth)} else {self.of(kind, depth)})",
            lambda: f"({self.of(kind, depth)} ?? {self.of(kind, depth)})",
            lambda: f"(if {self.of('bool', depth)} then {self.of(kind, depth)} else null)",
        ]

    def _int(self, depth: int) -> list:
        leaves = [lambda: self.random.choice(("i", "j", "r.x", "0", "1", "3", "-2", "200", "9223372036854775807"))]
        if depth < 0:
            return leaves
        operator = self.random.choice("+-*%")
        return [
            *leaves,
            *self._common("int", depth),
            lambda: f"({self.of('int', depth)} {operator} {self.of('int', depth)})",
            lambda: f"({self.of('int', depth)} {operator} {self.of('int', depth)})",
            lambda: f"(-{self.of('int', depth)})",
            lambda: f"li[{self.of('int', depth)}]",
            lambda: f"[{self.of('int', depth)}, {self.of('int', depth)}][{self.random.choice((0, 1, -1, -2, 2))}]",
        ]

    def _float(self, depth: int) -> list:
        leaves = [lambda: self.random.choice(("f", "g", "r.z.w", "0.5", "2.0", "3.0", "1000000000000.25"))]
        if depth < 0:
            return leaves
        operator = self.random.choice("+-*/")
        return [
            *leaves,
            *self._common("float", depth),
            lambda: f"({self.number(depth)} / {self.number(depth)})",
            lambda: f"({self.number(depth)} {operator} {self.of('float', depth)})",
            lambda: f"({self.of('float', depth)} {operator} {self.number(depth)})",
            lambda: f"(-{self.of('float', depth)})",
            lambda: f"({self.of('duration', depth)} / {self.of('duration', depth)})",
            lambda: f"(if {self.of('bool', depth)} then {self.of('int', depth)} else {self.of('float', depth)})",
        ]

    def _string(self, depth: int) -> list:
        leaves = [lambda: self.random.choice(("s", "u", "r.y", "'a'", "'ab'", "''", "'é'"))]
        if depth < 0:
            return leaves
        return [
            *leaves,
            *self._common("string", depth),
            lambda: f"({self.of('string', depth)} + {self.of('string', depth)})",
            lambda: '"{i}-{s} {b}{{{r.y}"',
            lambda: f"ls[{self.of('int', depth)}]",
        ]

    def _time(self, depth: int) -> list:
        leaves = [lambda: self.random.choice("tv")]
        if depth < 0:
            return leaves
        return [
            *leaves,
            *self._common("time", depth),
            lambda: f"({self.of('time', depth)} {self.random.choice('+-')} {self.of('duration', depth)})",
            lambda: f"({self.of('duration', depth)} + {self.of('time', depth)})",
        ]

    def _duration(self, depth: int) -> list:
        leaves = [lambda: self.random.choice(("d", "e", "10s", "1ms", "2d"))]
        if depth < 0:
            return leaves
        return [
            *leaves,
            *self._common("duration", depth),
            lambda: f"({self.of('time', depth)} - {self.of('time', depth)})",
            lambda: f"({self.of('duration', depth)} {self.random.choice('+-%')} {self.of('duration', depth)})",
            lambda: f"({self.of('duration', depth)} {self.random.choice('*/')} {self.number(depth)})",
            lambda: f"({self.number(depth)} * {self.of('duration', depth)})",
            lambda: f"(-{self.of('duration', depth)})",
        ]

    def _bool(self, depth: int) -> list:
        leaves = [lambda: self.random.choice(("b", "c", "true", "false"))]
        if depth < 0:
            return leaves
        comparison = self.random.choice(("==", "!=", "<", "<=", ">", ">="))
        within = self.random.choice(("in", "not in"))
        kind = self.random.choice(("int", "float", "string", "time", "duration"))
        return [
            *leaves,
            *self._common("bool", depth),
            *([lambda: f"({(p := self.pair(depth))[0]} {comparison} {p[1]})"] * 3),
            lambda: f"({self.of('bool', depth)} {self.random.choice(('and', 'or'))} {self.of('bool', depth)})",
            lambda: f"(not {self.of('bool', depth)})",
            lambda: f"({self.of(kind, depth)} {self.random.choice(('==', '!='))} null)",
            lambda: f"({self.of(kind, depth)} {within} [{self.of(kind, depth)}, {self.of(kind, 0)}, null])",
            lambda: f"({self.number(depth)} {within} [0, 200, -1, 2.5])",
            lambda: f"({self.of('int', depth)} {within} [0, 200, 9223372036854775807, null])",
            lambda: f"({self.of('string', depth)} {within} ['a', ''])",
            lambda: f"({self.of('duration', depth)} {within} [10s, 1ms])",
            lambda: f"({self.number(depth)} {within} {self.number(0)}..{self.number(0)})",
            lambda: f"({self.of('int', depth)} {within} li)",
            lambda: f"({self.of('string', depth)} contains {self.of('string', depth)})",
            lambda: f"(ls contains {self.of('string', depth)})",
            lambda: f"({self.of('string', depth)} matches /^a.?b?$/)",
        ]


def rows(seed: int, count: int) -> list[dict[str, object]]:
    pick = random.Random(seed)
    return [
        {
            "i": pick.choice(INTS),
            "j": pick.choice(INTS),
            "f": pick.choice(FLOATS),
            "g": pick.choice(FLOATS),
            "s": pick.choice(TEXTS),
            "u": pick.choice(TEXTS),
            "b": pick.choice((True, False, None)),
            "c": pick.choice((True, False, None)),
            "t": pick.choice(TIMES),
            "v": pick.choice(TIMES),
            "d": pick.choice(TIMES),
            "e": pick.choice((*INTS[:6], None)),
            "li": pick.choice(([1, 2, None], [], [200], [0, -1, 3], None)),
            "ls": pick.choice((["a", "b"], [], ["ab", None], None)),
            "r": pick.choice(
                (
                    {"x": 1, "y": "a", "z": {"w": 1.5}},
                    {"x": None, "y": None, "z": None},
                    {"x": 2**63 - 1, "y": "", "z": {"w": None}},
                    None,
                )
            ),
        }
        for _ in range(count)
    ]


def same(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    return type(one) is type(other) and one == other


@pytest.mark.parametrize("seed", range(24))
def test_agrees_with_the_row_wise_interpreter(seed: int) -> None:
    """A random expression gives on every row, and as a literal, what plain Python gives."""
    writer, data = Writer(seed), rows(seed, 40)
    frame = frame_of(data)
    for number in range(24):
        kind = ("int", "float", "bool", "string", "time", "duration")[number % 6]
        text = writer.of(kind, 1 + number % 3)
        typed = compiled(text)
        tree = parse_expression(Source("e", text)).tree
        assert tree is not None
        wanted = [interpret(tree, row, TYPES) for row in data]
        assert wanted[0][0] == typed.type, text
        for row, found, (_, right) in zip(data, values(typed, frame), wanted, strict=True):
            assert same(found, right), (text, row, found, right)


# ── corners ──────────────────────────────────────────────────────────────────────────────────────────────────────────

BIG = 2**63 - 1


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("9223372036854775807 + 1", None),
        ("-9223372036854775807 - 2", None),
        ("-(-9223372036854775807 - 1)", None),
        ("3037000500 * 3037000500", None),
        ("7 / 2", 3.5),
        ("1 / 0", None),
        ("1.0 / 0.0", None),
        ("7 % 0", None),
        ("-7 % 3", 2),
        ("7 % -3", -2),
        ("60.4 % 0.1", math.fmod(60.4, 0.1)),
        ("-60.4 % 0.1", 0.1 - math.fmod(60.4, 0.1)),
        ("60.4 % -0.1", math.fmod(60.4, 0.1) - 0.1),
        ("9007199254740992.0 % 3.0", 2.0),
        ("1.5 % 0.0", None),
        ("1 + null", None),
        ("1_000 + 1", 1001),
        ("1 == 1.0", True),
        ("null == null", True),
        ("i == null", True),
        ("i == 1", False),
        ("i != 1", True),
        ("i < 1", False),
        ("not (i < 1)", True),
        ("i in [1, null]", False),
        ("i not in [1, null]", True),
        ("i in 1..2", False),
        ("s matches /x/", False),
        ("s contains ''", False),
        ("not b", True),
        ("b or true", True),
        ("if b then 1 else 2", 2),
        ("i ?? 5", 5),
        ("i + 1 ?? 5", 5),
        ("200 in 200..299", True),
        ("299 in 200..299", True),
        ("300 in 200..299", False),
        ("'b' in ['a', 'b']", True),
        ("[1, 2][0]", 1),
        ("[1, 2][-1]", 2),
        ("[1, 2][2]", None),
        ("'a' + 'b'", "ab"),
        ("90s / 1m", 1.5),
        ("10s * 1.5", 15_000_000),
        ("2 * 10s", 20_000_000),
        ("1m - 90s", -30_000_000),
        ("64KiB + 1", 65537),
        ("'abc' matches /B/i", True),
        ("'abc' matches /B/", False),
        ("'a.c' contains '.'", True),
        ("[1, 2] contains 2", True),
        ("1 in []", False),
        ("abs(-3)", 3.0),
    ],
)
def test_corner(text: str, result: object) -> None:
    """Missing values, overflow and division by zero have the results that the language promises."""
    assert same(value(text), result)


def test_templates_say_values_as_outputs_write_them() -> None:
    """Times are RFC 3339 without trailing zeros, a JSON text is what it says, a missing value makes the whole missing."""
    types = {"n": INT, "t": TIME, "j": Type("json"), "b": BOOL}
    frame = pl.DataFrame(
        {
            "n": [5, None],
            "t": pl.Series([1_500_000, 0]).cast(pl.Datetime("us", "UTC")),
            "j": ['"a\\"b"', "7"],
            "b": [True, False],
        }
    )
    assert values(compiled('"{n}/{b}"', types), frame) == ["5/true", None]
    assert values(compiled('"{t}"', types), frame) == ["1970-01-01T00:00:01.5Z", "1970-01-01T00:00:00Z"]
    assert values(compiled('"{t:%Y/%m}{{{j}"', types), frame) == ['1970/01{a"b', "1970/01{7"]


def test_metadata_and_members_are_read_by_path() -> None:
    """`@rid` is partition and offset, and the number of what was made of that; a dotted path reads a member, of a missing record null."""
    frame = frame_of([{**dict.fromkeys(TYPES), "r": {"x": 4, "y": "a", "z": {"w": 2.5}}}, dict.fromkeys(TYPES)])
    item = pl.Series("@item", [None, "3.1"], dtype=pl.String)
    frame = frame.with_columns(pl.lit("p").alias("@partition"), pl.Series("@offset", [7, 8]), item)
    assert values(compiled("@rid"), frame) == ["p:7", "p:8#3.1"]
    assert values(compiled("r.z.w * 2"), frame) == [5.0, None]
    assert values(compiled("r['x']"), frame) == [4, None]
    assert compiled("r.z.w * 2 + i").fields == {("r", "z", "w"), ("i",)}


@pytest.mark.parametrize(
    ("text", "rejected"),
    [
        ("int!(s)", [False, True, False, True]),
        ("int!(s) + 1", [False, True, False, True]),
        ("b and int!(s) > 0", [False, True, False, False]),
        ("b or int!(s) > 0", [False, False, False, True]),
        ("if b then int!(s) else 0", [False, True, False, False]),
        ("if b then 0 else int!(s)", [False, False, False, True]),
        ("int(s) ?? int!(u)", [False, True, False, True]),
        ("not (b and int!(s) > 0)", [False, True, False, False]),
    ],
)
def test_strict_conversions_reject_only_where_they_are_evaluated(text: str, rejected: list[bool]) -> None:
    """`!` rejects rows with a value that does not convert, and only in the branch that is taken."""
    cells = [("1", True), ("x", True), (None, False), ("y", False)]
    frame = frame_of([{**dict.fromkeys(TYPES), "s": s, "b": b, "u": s} for s, b in cells])
    typed = compiled(text)
    assert [guard.field for guard in typed.guards] == ["u" if "u" in text else "s"]
    assert [not holds for holds in frame.select(typed.guards[0].holds.alias("x"))["x"].to_list()] == rejected
    assert typed.guards[0].reason == "int_failed"
