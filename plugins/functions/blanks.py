"""What stands for nothing: white space, placeholders, escapes of terminals."""

from __future__ import annotations

import polars as pl

from pipeline import api

_X = api.Parameter("x", "The text.", ("string",))
_CHARACTERS = api.Parameter("characters", "The characters to cut off.", ("string",), constant=True, required=False)
_ANY = ("string", "int", "float", "time", "duration", "bool")

_ESCAPES = r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]+[0-~]|[0-Z\\^-~])"
"""Control sequences, operating system commands and plain escapes of ECMA-48."""


def _trim_start(x: pl.Expr, characters: str | None) -> pl.Expr:
    return x.str.strip_chars_start(characters)


def _trim_end(x: pl.Expr, characters: str | None) -> pl.Expr:
    return x.str.strip_chars_end(characters)


def _strip_ansi(x: pl.Expr) -> pl.Expr:
    return x.str.replace_all(_ESCAPES, "")


def _is_blank(x: pl.Expr) -> pl.Expr:
    return (x.str.strip_chars() == "").fill_null(value=True)


def _null_if(x: pl.Expr, *values: pl.Expr) -> pl.Expr:
    same = pl.any_horizontal(x.eq_missing(value) for value in values)
    return pl.when(~same).then(x)


def _same(types: tuple[api.Type | None, ...]) -> api.Type:
    of, *others = (kind for kind in types if kind is not None)
    for kind in others:
        if kind not in (of, api.NULL) and "json" not in (of.kind, kind.kind):
            raise TypeError(f"its arguments have one type, not {of} and {kind}")
    return of


trim_start = api.Function(
    name="trim_start",
    doc="The text without white space, or any of the given characters, at its start.",
    parameters=(_X, _CHARACTERS),
    returns=api.STRING,
    build=_trim_start,
    examples=(api.Example("trim_start('  a ')", "a "), api.Example("trim_start('007', '0')", "7")),
)

trim_end = api.Function(
    name="trim_end",
    doc="The text without white space, or any of the given characters, at its end.",
    parameters=(_X, _CHARACTERS),
    returns=api.STRING,
    build=_trim_end,
    examples=(api.Example("trim_end('  a ')", "  a"), api.Example("trim_end('/a//', '/')", "/a")),
)

strip_ansi = api.Function(
    name="strip_ansi",
    doc="The text without the escape sequences that colour it in a terminal.",
    parameters=(_X,),
    returns=api.STRING,
    build=_strip_ansi,
    examples=(
        api.Example("strip_ansi(base64_decode('G1szMW1lcnJvchtbMG0='))", "error"),
        api.Example("strip_ansi('plain')", "plain"),
    ),
)

is_blank = api.Function(
    name="is_blank",
    doc="Whether a text is empty or only white space. True for null.",
    parameters=(_X,),
    returns=api.BOOL,
    build=_is_blank,
    examples=(
        api.Example("is_blank(' ')", True),
        api.Example("is_blank('-')", False),
        api.Example("is_blank(null)", True),
    ),
)

null_if = api.Function(
    name="null_if",
    doc="The value, or null where it equals one of the others: what a log writes for nothing becomes nothing.",
    parameters=(
        api.Parameter("x", "The value.", _ANY),
        api.Parameter("values", "What stands for nothing.", _ANY),
    ),
    returns=_same,
    build=_null_if,
    examples=(
        api.Example("null_if('-', '-', '')", None),
        api.Example("null_if('a', '-', '')", "a"),
        api.Example("null_if(0, 0) ?? 1", 1),
    ),
    variadic=True,
)
