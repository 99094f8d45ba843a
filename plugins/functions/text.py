"""Texts: case, cutting, searching, replacing. Positions and lengths count code points."""

from __future__ import annotations

import polars as pl

from pipeline import api
from pipeline.api import texts
from pipeline.api.patterns import count
from pipeline.api.patterns import extract as extracted
from pipeline.api.patterns import replace as replaced
from pipeline.api.patterns import split as parts

_X = api.Parameter("x", "The text.", ("string",))


def _upper(x: pl.Expr) -> pl.Expr:
    return x.str.to_uppercase()


def _lower(x: pl.Expr) -> pl.Expr:
    return x.str.to_lowercase()


def _starts_with(x: pl.Expr, prefix: pl.Expr) -> pl.Expr:
    return x.str.starts_with(prefix).fill_null(value=False)


def _ends_with(x: pl.Expr, suffix: pl.Expr) -> pl.Expr:
    return x.str.ends_with(suffix).fill_null(value=False)


def _strip_prefix(x: pl.Expr, prefix: str) -> pl.Expr:
    return x.str.strip_prefix(prefix)


def _strip_suffix(x: pl.Expr, suffix: str) -> pl.Expr:
    return x.str.strip_suffix(suffix)


def _pad_left(x: pl.Expr, length: int, fill: str) -> pl.Expr:
    return x.str.pad_start(_size(length), _one(fill))


def _pad_right(x: pl.Expr, length: int, fill: str) -> pl.Expr:
    return x.str.pad_end(_size(length), _one(fill))


_LONGEST = 10_000


def _size(length: int) -> int:
    if not 0 <= length <= _LONGEST:
        raise TypeError(f"texts are filled up to 0 to {_LONGEST} characters, not to {length}")
    return length


def _one(fill: str) -> str:
    if len(fill) != 1:
        raise TypeError("texts are filled with one character")
    return fill


def _join(items: pl.Expr, separator: str) -> pl.Expr:
    return items.cast(pl.List(pl.String)).list.join(separator, ignore_nulls=True)


def _concat(*parts: pl.Expr) -> pl.Expr:
    return pl.concat_str(parts)


lower = api.Function(
    name="lower",
    doc="The text in lower case.",
    parameters=(_X,),
    returns=api.STRING,
    build=_lower,
    examples=(api.Example("lower('GET')", "get"), api.Example("lower('ÄÖ')", "äö"), api.Example("lower(null)", None)),
)

upper = api.Function(
    name="upper",
    doc="The text in upper case.",
    parameters=(_X,),
    returns=api.STRING,
    build=_upper,
    examples=(api.Example("upper('get')", "GET"), api.Example("upper('straße')", "STRASSE")),
)

trim = api.Function(
    name="trim",
    doc="The text without white space, or any of the given characters, at both ends.",
    parameters=(
        _X,
        api.Parameter("characters", "The characters to cut off.", ("string",), constant=True, required=False),
    ),
    returns=api.STRING,
    build=texts.trim,
    examples=(api.Example("trim('  a b ')", "a b"), api.Example("trim('[a]', '[]')", "a")),
)

starts_with = api.Function(
    name="starts_with",
    doc="Whether the text begins with another. False when either is null.",
    parameters=(_X, api.Parameter("prefix", "The text to look for.", ("string",))),
    returns=api.BOOL,
    build=_starts_with,
    examples=(
        api.Example("starts_with('/api/users', '/api')", True),
        api.Example("starts_with(null, '/api')", False),
    ),
)

ends_with = api.Function(
    name="ends_with",
    doc="Whether the text ends with another. False when either is null.",
    parameters=(_X, api.Parameter("suffix", "The text to look for.", ("string",))),
    returns=api.BOOL,
    build=_ends_with,
    examples=(api.Example("ends_with('logo.png', '.png')", True),),
)

strip_prefix = api.Function(
    name="strip_prefix",
    doc="The text without a prefix, if it has it.",
    parameters=(_X, api.Parameter("prefix", "What to cut off.", ("string",), constant=True)),
    returns=api.STRING,
    build=_strip_prefix,
    examples=(api.Example("strip_prefix('/api/users', '/api')", "/users"), api.Example("strip_prefix('a', 'b')", "a")),
)

strip_suffix = api.Function(
    name="strip_suffix",
    doc="The text without a suffix, if it has it.",
    parameters=(_X, api.Parameter("suffix", "What to cut off.", ("string",), constant=True)),
    returns=api.STRING,
    build=_strip_suffix,
    examples=(api.Example("strip_suffix('access.log', '.log')", "access"),),
)

substring = api.Function(
    name="substring",
    doc="A part of the text, from a position (0 is the first character; negative ones count from the end) to the end or of at most "
    "`length` characters.",
    parameters=(
        _X,
        api.Parameter("start", "Where it begins.", ("int",)),
        api.Parameter("length", "How long it is at most.", ("int",), required=False),
    ),
    returns=api.STRING,
    build=texts.substring,
    examples=(
        api.Example("substring('naïve', 2)", "ïve"),
        api.Example("substring('naïve', 0, 3)", "naï"),
        api.Example("substring('naïve', -2)", "ve"),
        api.Example("substring('naïve', 9)", ""),
    ),
)

truncate = api.Function(
    name="truncate",
    doc="The text cut to a length. `suffix` ends texts that were cut, within that length.",
    parameters=(
        _X,
        api.Parameter("length", "How long it is at most.", ("int",), constant=True),
        api.Parameter("suffix", "What a cut text ends in.", ("string",), constant=True, default="", required=False),
    ),
    returns=api.STRING,
    build=texts.truncate,
    examples=(
        api.Example("truncate('hello', 3)", "hel"),
        api.Example("truncate('hello', 3, '…')", "he…"),
        api.Example("truncate('hi', 3, '…')", "hi"),
    ),
)

pad_left = api.Function(
    name="pad_left",
    doc="The text filled up at its start to a length.",
    parameters=(
        _X,
        api.Parameter("length", "How long it is at least, 0 to 10,000.", ("int",), constant=True),
        api.Parameter("fill", "The character to fill with.", ("string",), constant=True, default=" ", required=False),
    ),
    returns=api.STRING,
    build=_pad_left,
    examples=(api.Example("pad_left('7', 3, '0')", "007"), api.Example("pad_left('1234', 3)", "1234")),
)

pad_right = api.Function(
    name="pad_right",
    doc="The text filled up at its end to a length.",
    parameters=pad_left.parameters,
    returns=api.STRING,
    build=_pad_right,
    examples=(api.Example("pad_right('7', 3, '.')", "7.."),),
)

index_of = api.Function(
    name="index_of",
    doc="The position of the first occurrence of a text in another, from 0; null where it does not occur.",
    parameters=(_X, api.Parameter("part", "The text to look for.", ("string",), constant=True)),
    returns=api.INT,
    build=texts.index_of,
    examples=(api.Example("index_of('naïve', 'v')", 3), api.Example("index_of('naïve', 'x')", None)),
)

replace = api.Function(
    name="replace",
    doc="The text with every occurrence of a text or regex replaced. For a regex, `$1`, `$name` and `${name}` in the replacement are its "
    "groups, `$0` is the whole match and `$$` a dollar sign.",
    parameters=(
        _X,
        api.Parameter("pattern", "A text, or a regex.", ("string",), constant=True),
        api.Parameter("new", "What stands there instead.", ("string",), constant=True),
    ),
    returns=api.STRING,
    build=replaced,
    examples=(
        api.Example("replace('a.b.c', '.', '/')", "a/b/c"),
        api.Example("replace('user=jo id=7', /(\\w+)=(\\w+)/, '$2:$1')", "jo:user 7:id"),
        api.Example("replace('4111 1111', /\\d/, '*')", "**** ****"),
    ),
)

extract = api.Function(
    name="extract",
    doc="What the first group of a regex matches, or the whole match of a regex without groups; null where it does not match.",
    parameters=(_X, api.Parameter("pattern", "A regex.", ("string",), constant=True)),
    returns=api.STRING,
    build=extracted,
    examples=(
        api.Example("extract('id=42;', /id=(\\d+)/)", "42"),
        api.Example("extract('a42', /\\d+/)", "42"),
        api.Example("extract('none', /id=(\\d+)/)", None),
    ),
)

count_matches = api.Function(
    name="count_matches",
    doc="How often a text or regex occurs, without overlaps.",
    parameters=(_X, api.Parameter("pattern", "A text, or a regex.", ("string",), constant=True)),
    returns=api.INT,
    build=count,
    examples=(api.Example("count_matches('/a/b/c', '/')", 3), api.Example("count_matches('a1b22', /\\d+/)", 2)),
)

split = api.Function(
    name="split",
    doc="The parts of a text between separators, as a list; empty parts stay.",
    parameters=(
        _X,
        api.Parameter("separator", "A text, or a regex.", ("string",), constant=True),
        api.Parameter(
            "limit",
            "How many parts there are at most, 1 to 100, the last being all the rest; only with a text as separator.",
            ("int",),
            constant=True,
            required=False,
        ),
    ),
    returns=api.list_of(api.STRING),
    build=parts,
    examples=(
        api.Example("split('a,b,,c', ',')", ["a", "b", "", "c"]),
        api.Example("split('a, b;c', /[,;] */)", ["a", "b", "c"]),
        api.Example("split('a,b', ',')[1]", "b"),
        api.Example("split('key=a=b', '=', 2)", ["key", "a=b"]),
    ),
)

join = api.Function(
    name="join",
    doc="The texts of a list in one, with a separator between them; null items are left out.",
    parameters=(
        api.Parameter("items", "The list of texts.", ("list",), items=("string",)),
        api.Parameter("separator", "What stands between them.", ("string",), constant=True),
    ),
    returns=api.STRING,
    build=_join,
    examples=(api.Example("join(['a', 'b'], '-')", "a-b"), api.Example("join(split('a b', ' '), '')", "ab")),
)

concat = api.Function(
    name="concat",
    doc='The texts one after the other; null when one of them is. A template does the same for fields: `"{a} {b}"`.',
    parameters=(_X, api.Parameter("more", "More texts.", ("string",))),
    returns=api.STRING,
    build=_concat,
    examples=(api.Example("concat('a', 'b', 'c')", "abc"), api.Example("concat('a', null)", None)),
    variadic=True,
)
