"""What occurs in texts: some of several parts, all matches, disorder."""

from __future__ import annotations

import math
from collections import Counter

import polars as pl

from pipeline import api
from pipeline.api.distinct import map_distinct
from pipeline.api.patterns import every

_X = api.Parameter("x", "The text.", ("string",))
_PARTS = api.Parameter("parts", "The texts to look for.", ("list",), constant=True, items=("string",))
_IGNORE_CASE = api.Parameter(
    "ignore_case",
    "Whether `A` is found by `a` (ASCII letters).",
    ("bool",),
    constant=True,
    default=False,
    required=False,
)


def _contains_any(x: pl.Expr, parts: list[str], ignore_case: bool) -> pl.Expr:
    found = x.str.contains_any(_texts(parts), ascii_case_insensitive=ignore_case)
    return found.fill_null(value=False)


def _contains_all(x: pl.Expr, parts: list[str], ignore_case: bool) -> pl.Expr:
    return pl.all_horizontal(_contains_any(x, [part], ignore_case) for part in _texts(parts))


def _texts(parts: list[str]) -> list[str]:
    if not parts or not all(parts):
        raise TypeError("an empty text or list cannot be searched for")
    return parts


def _entropy(x: pl.Expr) -> pl.Expr:
    return map_distinct(x, entropy_of, pl.Float64())


def entropy_of(text: str) -> float:
    """Shannon's entropy in bits a character, as `entropy` has it."""
    counts = Counter(text).values()
    total = len(text)
    return math.fsum(count / total * math.log2(total / count) for count in counts)


contains_any = api.Function(
    name="contains_any",
    doc="Whether at least one of several texts occurs in a text. False for null.",
    parameters=(_X, _PARTS, _IGNORE_CASE),
    returns=api.BOOL,
    build=_contains_any,
    examples=(
        api.Example("contains_any('GET /wp-login.php', ['wp-', 'phpmyadmin'])", True),
        api.Example("contains_any('Fatal: no disk', ['error', 'fatal'], ignore_case: true)", True),
        api.Example("contains_any('ok', ['error', 'fatal'])", False),
    ),
)

contains_all = api.Function(
    name="contains_all",
    doc="Whether each of several texts occurs in a text. False for null.",
    parameters=(_X, _PARTS, _IGNORE_CASE),
    returns=api.BOOL,
    build=_contains_all,
    examples=(
        api.Example("contains_all('user=jo id=7', ['user=', 'id='])", True),
        api.Example("contains_all('user=jo', ['user=', 'id='])", False),
    ),
)

extract_all = api.Function(
    name="extract_all",
    doc="Every match of a regex from left to right, as a list; an empty one where it does not match.",
    parameters=(_X, api.Parameter("pattern", "A regex.", ("string",), constant=True)),
    returns=api.list_of(api.STRING),
    build=every,
    examples=(
        api.Example("extract_all('a1 b22', /\\d+/)", ["1", "22"]),
        api.Example("extract_all('none', /\\d+/)", []),
    ),
)

entropy = api.Function(
    name="entropy",
    doc="Shannon's entropy of a text in bits a character: 0 for `aaaa`, about 4 for words, above 4.5 for keys and generated names.",
    parameters=(_X,),
    returns=api.FLOAT,
    build=_entropy,
    examples=(
        api.Example("entropy('aaaa')", 0.0),
        api.Example("entropy('abcd')", 2.0),
        api.Example("entropy('')", 0.0),
    ),
    by_value=True,
)
