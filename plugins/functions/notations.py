"""Values written in small notations inside a field: a row of CSV, a query string, numbers for people."""

from __future__ import annotations

import csv
import json
import urllib.parse
from dataclasses import dataclass

import polars as pl

from pipeline import api
from pipeline.api.distinct import map_distinct

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class _Row:
    separator: str

    def __call__(self, text: str) -> list[str] | None:
        try:
            return next(csv.reader([text], delimiter=self.separator, strict=True)) or [""]
        except csv.Error:  # a line break outside of quotes, a quote that is not closed or has text behind it, a cell beyond the limit of Python's reader
            return None


def _parse_csv(x: pl.Expr, separator: str) -> pl.Expr:
    if len(separator) != 1 or separator in '"\r\n':
        raise TypeError("cells are separated by one character")
    return map_distinct(x, _Row(separator), pl.List(pl.String()))


def _parse_query(x: pl.Expr) -> pl.Expr:
    return map_distinct(x, query_of, pl.String())


def query_of(text: str) -> str:
    """A query string as a JSON object, as `parse_query` has it."""
    found: dict[str, str | list[str]] = {}
    pairs = (pair.partition("=") for pair in text.removeprefix("?").split("&") if pair)
    for written, _, value in pairs:
        name, plain = urllib.parse.unquote_plus(written), urllib.parse.unquote_plus(value)
        before = found.get(name)
        found[name] = plain if before is None else [*([before] if isinstance(before, str) else before), plain]
    return json.dumps(found, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class _Based:
    base: int

    def __call__(self, number: int) -> str:
        left, digits = abs(number), ""
        while left or not digits:
            left, digit = divmod(left, self.base)
            digits = _DIGITS[digit] + digits
        return "-" + digits if number < 0 else digits


def _format_int(x: pl.Expr, base: int) -> pl.Expr:
    if not 2 <= base <= 36:
        raise TypeError(f"a base is 2 to 36, not {base}")
    return map_distinct(x, _Based(base), pl.String())


def _format_number(x: pl.Expr, digits: int, group: str, point: str, *, types: tuple[api.Type | None, ...]) -> pl.Expr:
    if not 0 <= digits <= 15:
        raise TypeError(f"a number is written with 0 to 15 decimals, not {digits}")
    if types[0] == api.INT:
        whole, fraction = x.cast(pl.String), pl.lit("0" * digits)
        sign = pl.when(x < 0).then(pl.lit("-")).otherwise(pl.lit(""))
        whole = whole.str.strip_prefix("-")
    else:
        shown = x.map_batches(_Fixed(digits), return_dtype=pl.String(), is_elementwise=True)
        parts = shown.str.splitn(".", 2)
        sign = pl.when(shown.str.starts_with("-")).then(pl.lit("-")).otherwise(pl.lit(""))
        whole, fraction = parts.struct.field("field_0").str.strip_prefix("-"), parts.struct.field("field_1")
    if group:
        whole = whole.str.reverse().str.replace_all(r"(\d{3})", "${1},").str.strip_chars_end(",").str.reverse()
        whole = whole.str.replace_all(",", group, literal=True)
    return pl.concat_str(sign, whole, pl.lit(point), fraction) if digits else sign + whole


@dataclass(frozen=True, slots=True)
class _Fixed:
    """Floats as plain decimals, halves away from zero of the shortest decimal that is the float; null where it is not finite."""

    digits: int

    def __call__(self, values: pl.Series) -> pl.Series:
        rounded = values.to_frame("x").select(
            pl.when(pl.col("x").is_finite()).then(pl.col("x").round(self.digits, mode="half_away_from_zero"))
        )
        written = [
            None if value is None else f"{value + 0.0:.{self.digits}f}" for value in rounded.to_series().to_list()
        ]
        return pl.Series(values.name, written, dtype=pl.String())


parse_csv = api.Function(
    name="parse_csv",
    doc='The cells of one row of CSV, as a list of texts. Cells in double quotes may hold the separator, and `""` for a quote. Null for what '
    "is no single row.",
    parameters=(
        api.Parameter("x", "The row.", ("string",)),
        api.Parameter(
            "separator", "The character between cells.", ("string",), constant=True, default=",", required=False
        ),
    ),
    returns=api.list_of(api.STRING),
    build=_parse_csv,
    examples=(
        api.Example("parse_csv('a,\"b, c\",')", ["a", "b, c", ""]),
        api.Example("parse_csv('1;2', ';')", ["1", "2"]),
    ),
    by_value=True,
)

parse_query = api.Function(
    name="parse_query",
    doc="The parameters of a query string as JSON: decoded, with `+` as a space; those that occur several times are lists. `query_param` gives one "
    "of them.",
    parameters=(api.Parameter("x", "The query string, as `url_query` gives it.", ("string",)),),
    returns=api.JSON,
    build=_parse_query,
    examples=(
        api.Example("string(parse_query('q=red+shoes&page=2'))", '{"q":"red shoes","page":"2"}'),
        api.Example("string(get(parse_query('tag=a&tag=b'), 'tag[1]'))", "b"),
    ),
    by_value=True,
)

format_int = api.Function(
    name="format_int",
    doc="The digits of an integer in a base, in lower case. `int(x, base: 16)` reads them.",
    parameters=(
        api.Parameter("x", "The integer.", ("int",)),
        api.Parameter("base", "The base, 2 to 36.", ("int",), constant=True),
    ),
    returns=api.STRING,
    build=_format_int,
    examples=(api.Example("format_int(255, 16)", "ff"), api.Example("format_int(-5, 2)", "-101")),
    by_value=True,
)

format_number = api.Function(
    name="format_number",
    doc="The number as people write it, rounded to a number of decimals, halves away from zero.",
    parameters=(
        api.Parameter("x", "The number.", ("int", "float")),
        api.Parameter(
            "digits", "How many decimals there are, 0 to 15.", ("int",), constant=True, default=0, required=False
        ),
        api.Parameter(
            "group",
            "What stands between groups of three digits.",
            ("string",),
            constant=True,
            default=",",
            required=False,
        ),
        api.Parameter(
            "point", "What stands before the decimals.", ("string",), constant=True, default=".", required=False
        ),
    ),
    returns=api.STRING,
    build=_format_number,
    examples=(
        api.Example("format_number(1234567)", "1,234,567"),
        api.Example("format_number(-1234.565, 2)", "-1,234.57"),
        api.Example("format_number(1234.5, 2, '.', ',')", "1.234,50"),
        api.Example("format_number(0.5, 1, group: '')", "0.5"),
    ),
    typed=True,
)
