"""References, fields, types, and the errors of a wrong pattern."""

import pickle

import polars as pl
import pytest

from pipeline.columns.grok import Capture, Grok, GrokError, expand

ERRORS = [
    ("%{IPP:x}", 0, "there is no pattern `IPP`", "did you mean `IP`?"),
    ("a %{NUMBER:n:integr}", 2, "there is no type `integr`", "did you mean `integer`?"),
    ("%{NUMBER:}", 0, "`` is not the name of a field", "a field is a name, `a.b` or `[a][b]`"),
    ("%{@matched}", 0, "this reference is not complete", None),
    ("%{INT:@matched}", 0, "the field `@matched` is grok's own", "choose another name"),
    ("%{INT:a:int} %{INT:a}", 13, "the field `a` is int and string", "give both the same type"),
    ("(a", 0, "this group is never closed", "add a `)`"),
    ("a)", 1, "this `)` closes nothing", r"write `\)` for the character itself"),
    ("[a", 0, "this class is never closed", r"add a `]`, or write `\[` for the character itself"),
    ("[b-a]", 1, "this range ends before it starts: b-a", "swap the characters"),
    ("*", 0, "there is nothing to repeat here", r"write `\*` for the character itself"),
    ("a{3,2}", 1, "this repetition ends before it starts: {3,2}", "swap the numbers"),
    ("a{1001}", 1, "a repetition of more than 1000", "use `+` or `*`"),
    (r"(a)\1", 3, r"`\1` is not supported: a back-reference", "rewrite the pattern without it"),
    (r"a\q", 1, r"there is no escape `\q`", "write `q` for the character itself"),
    ("(?(1)a)", 0, "a conditional is not supported", "rewrite the pattern without it"),
    ("[[:alpa:]]", 1, "there is no class `[:alpa:]`", None),
    ("a\\", 1, "the pattern ends in a lone backslash", r"write `\\` for a backslash"),
    ("%{LOOP}", 0, "in pattern `LOOP`: pattern `LOOP` refers to itself: LOOP -> LOOP", "remove the reference"),
    ("x%{BAD}", 1, "in pattern `BAD`: this group is never closed", "add a `)`"),
    ("%{D20}", 0, "in pattern `D1`: the pattern is larger than 64 KiB when opened", "split the pattern"),
    ("%{L40}", 0, "in pattern `L9`: patterns are nested deeper than 32", "flatten the definitions"),
    ("(" * 101 + ")" * 101, 100, "groups are nested deeper than 100", "flatten the pattern"),
]
DEFINITIONS = {
    "LOOP": "%{LOOP}",
    "BAD": "(",
    **{f"D{n}": f"%{{D{n - 1}}}%{{D{n - 1}}}" for n in range(1, 21)},
    "D0": "a",
    **{f"L{n}": f"%{{L{n - 1}}}" for n in range(1, 41)},
    "L0": "a",
}


@pytest.mark.parametrize(("pattern", "position", "message", "help"), ERRORS, ids=[e[2][:40] for e in ERRORS])
def test_a_wrong_pattern(pattern: str, position: int, message: str, help: str | None) -> None:
    """The message says what is wrong, the position where, the help what to write instead."""
    with pytest.raises(GrokError) as caught:
        Grok(pattern, DEFINITIONS)
    assert (caught.value.message, caught.value.position) == (message, position)
    assert help is None or caught.value.help == help


def test_fields_and_types() -> None:
    """Fields come in order of appearance; brackets, dots and all ways to name a group are understood."""
    pattern = "%{INT:a:int} %{INT:[b][c]:float} (?<d>x) (?P<e.f>y) (?<g:bool>z) %{INT:a:int}"
    assert expand(pattern).captures == (
        Capture("a", "int"),
        Capture("b.c", "float"),
        Capture("d", "string"),
        Capture("e.f", "string"),
        Capture("g", "bool"),
    )


@pytest.mark.parametrize("engine", ["polars", "python"])
def test_conversions(engine: str) -> None:
    """What does not convert is null and the row still matches; an empty capture is null."""
    grok = Grok(r"^(?<i:int>\S*) (?<f:float>\S*) (?<b:bool>\S*) (?<s>\S*)$", engine=engine)  # type: ignore[arg-type]
    frame = grok.match(pl.Series(["1 1.5 Yes x", "1.5 x 2 ", "9223372036854775808 1e3 off -", None, "a"]))
    assert frame.schema == {
        "i": pl.Int64, "f": pl.Float64, "b": pl.Boolean, "s": pl.String, "@matched": pl.Boolean, "@reason": pl.String,
    }  # fmt: skip
    assert frame.rows() == [
        (1, 1.5, True, "x", True, None),
        (None, None, None, None, True, None),
        (None, 1000.0, False, "-", True, None),
        (None, None, None, None, False, "missing"),
        (None, None, None, None, False, "no match"),
    ]


def test_the_first_pattern_that_matches_wins() -> None:
    """Patterns are tried in order, row by row, on whichever engine each needs; fields are those of all."""
    grok = Grok(["^a(?<x>.)", "(?>a|ab)(?<y>c)", "(?<x>b)"])
    assert (grok.engine, [c.field for c in grok.captures]) == ("python", ["x", "y"])
    frame = grok.match(pl.Series(["ab", "zac", "b", "z"]))
    assert frame.rows() == [
        ("b", None, True, None),
        (None, "c", True, None),
        ("b", None, True, None),
        (None, None, False, "no match"),
    ]


def test_a_field_in_two_places_is_the_first_with_a_text() -> None:
    """An empty or absent capture gives way to the next one of the same name."""
    frame = Grok(r"^(?<a>x*)-(?<a>y*)$").match(pl.Series(["x-y", "-y", "-"]))
    assert frame["a"].to_list() == ["x", "y", None]


def test_a_row_that_takes_too_long_is_a_timeout() -> None:
    """A pattern that explodes costs its row, not the batch."""
    grok = Grok(r"^(?:a|aa)+(?<x>b)\Z", timeout=0.01)
    frame = grok.match(pl.Series(["a" * 60 + "c", "ab"]))
    assert grok.engine == "python"
    assert frame.rows() == [(None, False, "timeout"), ("b", True, None)]


def test_an_empty_column_and_a_pickle() -> None:
    """No rows give no rows of the same schema, and a compiled pattern survives pickling."""
    grok = pickle.loads(pickle.dumps(Grok(["%{NGINX_COMBINED}", r"(?<x:int>\d+)(?=ab)"])))
    empty = grok.match(pl.Series([], dtype=pl.String))
    assert empty.height == 0
    assert empty.schema == grok.match(pl.Series(["1ab"])).schema
