"""Texts in other cases: words with capitals, and names joined as programmers join them."""

from __future__ import annotations

import polars as pl

from pipeline import api

_X = api.Parameter("x", "The text.", ("string",))
_NAME = api.Parameter("x", "The name, in any case.", ("string",))


def _capitalize(x: pl.Expr) -> pl.Expr:
    return x.str.head(1).str.to_uppercase() + x.str.slice(1).str.to_lowercase()


def _title(x: pl.Expr) -> pl.Expr:
    return x.str.to_titlecase()


def _snake(x: pl.Expr) -> pl.Expr:
    """Words in lower case with `_` between them: they begin where a capital follows a small letter or a digit, and where the
    last of several capitals is followed by a small letter; all but letters and digits separates."""
    apart = x.str.replace_all(r"([\p{Ll}\p{Nd}])(\p{Lu})", "${1}_${2}").str.replace_all(
        r"(\p{Lu})(\p{Lu}\p{Ll})", "${1}_${2}"
    )
    return apart.str.replace_all(r"[^\p{L}\p{M}\p{N}]+", "_").str.strip_chars("_").str.to_lowercase()


def _kebab(x: pl.Expr) -> pl.Expr:
    return _snake(x).str.replace_all("_", "-", literal=True)


def _pascal(x: pl.Expr) -> pl.Expr:
    return _together(_snake(x))


def _camel(x: pl.Expr) -> pl.Expr:
    # A character that no word has stands in for the first letter, so that the first word gets no capital.
    return _together("\0" + _snake(x)).str.strip_prefix("\0")


def _together(words: pl.Expr) -> pl.Expr:
    """Words with `_` between them in one, each with a capital."""
    return words.str.split("_").list.eval(_capital(pl.element())).list.join("")


def _capital(word: pl.Expr) -> pl.Expr:
    return word.str.head(1).str.to_uppercase() + word.str.slice(1)


capitalize = api.Function(
    name="capitalize",
    doc="The text with its first character in upper case and all others in lower case.",
    parameters=(_X,),
    returns=api.STRING,
    build=_capitalize,
    examples=(
        api.Example("capitalize('hello World')", "Hello world"),
        api.Example("capitalize('éTÉ')", "Été"),
        api.Example("capitalize('')", ""),
    ),
)

title = api.Function(
    name="title",
    doc="The text with the first letter of each word in upper case and all others in lower case. A word begins after everything that is no letter.",
    parameters=(_X,),
    returns=api.STRING,
    build=_title,
    examples=(
        api.Example("title('the OLD man')", "The Old Man"),
        api.Example("title('jean-luc')", "Jean-Luc"),
    ),
)

snake_case = api.Function(
    name="snake_case",
    doc="The words of a name in lower case with `_` between them. Words begin at capitals and end at everything that is no letter or digit; "
    "`upper(snake_case(x))` gives constants.",
    parameters=(_NAME,),
    returns=api.STRING,
    build=_snake,
    examples=(
        api.Example("snake_case('userId')", "user_id"),
        api.Example("snake_case('HTTPStatus-Code')", "http_status_code"),
        api.Example("snake_case('@timestamp')", "timestamp"),
    ),
)

kebab_case = api.Function(
    name="kebab_case",
    doc="The words of a name in lower case with `-` between them.",
    parameters=(_NAME,),
    returns=api.STRING,
    build=_kebab,
    examples=(
        api.Example("kebab_case('userId')", "user-id"),
        api.Example("kebab_case('X Forwarded For')", "x-forwarded-for"),
    ),
)

camel_case = api.Function(
    name="camel_case",
    doc="The words of a name in one, all but the first with a capital.",
    parameters=(_NAME,),
    returns=api.STRING,
    build=_camel,
    examples=(api.Example("camel_case('user_id')", "userId"), api.Example("camel_case('HTTP-status')", "httpStatus")),
)

pascal_case = api.Function(
    name="pascal_case",
    doc="The words of a name in one, each with a capital.",
    parameters=(_NAME,),
    returns=api.STRING,
    build=_pascal,
    examples=(api.Example("pascal_case('user_id')", "UserId"), api.Example("pascal_case('x-real-ip')", "XRealIp")),
)
