"""URLs and request targets: their parts (RFC 3986, appendix B), percent-encoding, and pages without identifiers.

Inputs are String columns. A request target without scheme and host (`/a?b=1`) is a URL with only a path and a query.
"""

from __future__ import annotations

import urllib.parse
from dataclasses import dataclass

import polars as pl

from pipeline.columns.distinct import map_distinct, over_distinct
from pipeline.columns.native import kernels

_STRING = pl.String()
_SCHEME = r"^(?:[A-Za-z][A-Za-z0-9+.\-]*:)?"
# A password may have an `@` in it: the last one ends what is before the host, as for urllib and WHATWG.
_AUTHORITY = rf"{_SCHEME}//(?:[^/?#]*@)?"


def scheme(x: pl.Expr) -> pl.Expr:
    """`https`, in lower case; null where there is none."""
    return x.str.extract(r"^([A-Za-z][A-Za-z0-9+.\-]*):").str.to_lowercase()


def host(x: pl.Expr) -> pl.Expr:
    """The host in lower case, IPv6 without brackets; null where there is none."""
    bracketed = x.str.extract(_AUTHORITY + r"\[([^\]/?#]*)\](?::[0-9]*)?(?:[/?#]|$)")
    plain = x.str.extract(_AUTHORITY + r"([^/?#:\[\]]+)(?::[0-9]*)?(?:[/?#]|$)")
    return pl.coalesce(bracketed, plain).str.to_lowercase()


def port(x: pl.Expr) -> pl.Expr:
    """The port that is written (Int64); null where there is none or it exceeds 65535."""
    written = x.str.extract(_AUTHORITY + r"(?:\[[^\]/?#]*\]|[^/?#:\[\]]*):([0-9]+)(?:[/?#]|$)").cast(
        pl.Int64, strict=False
    )
    return pl.when(written <= 65_535).then(written)


def path(x: pl.Expr) -> pl.Expr:
    """The path as it is written, without decoding; empty where there is none."""
    return x.str.extract(_SCHEME + r"(?://[^/?#]*)?([^?#]*)")


def query(x: pl.Expr) -> pl.Expr:
    """What stands between `?` and `#`, without decoding; null where there is no `?`."""
    return x.str.extract(r"^[^?#]*\?([^#]*)")


def fragment(x: pl.Expr) -> pl.Expr:
    """What stands behind `#`, without decoding; null where there is no `#`."""
    return x.str.extract(r"(?s)#(.*)$")


def parameter(x: pl.Expr, name: str) -> pl.Expr:
    """The first value of a query parameter, decoded, with `+` as a space; empty for `name` without `=`; null where it is not.

    `x` is a URL, a request target, or a query string."""
    return over_distinct(x, _Parameter("".join(_spellings(char) for char in name)), _STRING)


@dataclass(frozen=True, slots=True)
class _Parameter:
    """The parameter of a name that is written so (a regex). In steps, as Polars would compute a shared part again for each use."""

    written: str

    def __call__(self, values: pl.Series) -> pl.Series:
        x, step = pl.col("x"), values.alias("x").to_frame()
        step = step.select(x=pl.coalesce(query(x), x.str.extract(r"^([^?#]*)")))
        step = step.select(x=x.str.extract(rf"(?:^|&)({self.written}(?:=[^&]*)?)(?:&|$)"))
        step = step.select(x=pl.when(x.is_not_null()).then(x.str.extract(r"(?s)^[^=]*=(.*)$").fill_null("")))
        return step.select(decode(x, plus=True)).to_series()


def _spellings(char: str) -> str:
    """A regex for a character as it may be written in a query: itself, or percent-encoded in either case."""
    encoded = "".join(
        "%" + "".join(f"[{d}{d.lower()}]" if d.isalpha() else d for d in f"{byte:02X}") for byte in char.encode()
    )
    plain = r"\+" if char == " " else "" if char in "&=#+%" else _escaped(char)
    return f"(?:{plain}|{encoded})" if plain else f"(?:{encoded})"


def _escaped(char: str) -> str:
    return char if char.isalnum() or char == "_" else rf"\x{{{ord(char):x}}}"


def segment(x: pl.Expr, index: int) -> pl.Expr:
    """One segment of the path, without decoding; 0 is the first, -1 the last; null where there is none."""
    return path(x).str.strip_prefix("/").str.split("/").list.get(index, null_on_oob=True)


# ── percent-encoding ─────────────────────────────────────────────────────────────────────────────────────────────────


_ASCII = {
    f"%{digits}": chr(byte)
    for byte in range(128)
    for digits in {
        f"{byte:02X}",
        f"{byte:02x}",
        f"{byte:02X}"[0] + f"{byte:02x}"[1],
        f"{byte:02x}"[0] + f"{byte:02X}"[1],
    }
}
"""Every escape of an ASCII character."""


def decode(x: pl.Expr, *, plus: bool = False) -> pl.Expr:
    """Percent-decoded text. Invalid UTF-8 becomes U+FFFD, an invalid escape stays. With `plus`, `+` is a space."""
    spaced = x.str.replace_all("+", " ", literal=True) if plus else x
    foreign = spaced.str.contains("%[89A-Fa-f][0-9A-Fa-f]")
    unescaped = map_distinct(pl.when(foreign).then(spaced), urllib.parse.unquote, _STRING)
    return pl.when(foreign).then(unescaped).otherwise(spaced.str.replace_many(_ASCII))


def encode(x: pl.Expr) -> pl.Expr:
    """Percent-encoded text: all but letters, digits and `-._~`."""
    reserved = x.str.contains(r"[^A-Za-z0-9\-._~]")
    return pl.when(reserved).then(map_distinct(pl.when(reserved).then(x), _quoted, _STRING)).otherwise(x)


def _quoted(text: str) -> str:
    return urllib.parse.quote(text, safe="", errors="replace")


# ── pages ────────────────────────────────────────────────────────────────────────────────────────────────────────────

LONGEST = 32
"""A path segment with more characters is a `:long` one."""

SEGMENTS = 3
"""Path segments that `page` keeps."""

_ABSOLUTE = r"^[A-Za-z][A-Za-z0-9+.\-]*://[^/?#]*"
_EXTENSION = r"(?:\.[A-Za-z][A-Za-z0-9]{0,4})?"
_UUID = rf"^[0-9A-Fa-f]{{8}}(?:-[0-9A-Fa-f]{{4}}){{3}}-[0-9A-Fa-f]{{12}}{_EXTENSION}$"
_ID = rf"^(?:[0-9]+|[0-9A-Fa-f]{{16,}}){_EXTENSION}$"


def page(x: pl.Expr) -> pl.Expr:
    """The page that a request target asks for, without what differs from request to request (String).

    In this order: percent-decoding (as `decode`); scheme and host of an absolute target are dropped; cut at the first `?` or
    `#`; empty segments are dropped (`//`, a final `/`); the first three segments stay. A segment becomes `:uuid` if it is one,
    `:id` if it is all digits or at least 16 hex digits, `:long` if it has more than 32 characters; a file extension of a
    `:uuid` or `:id` stays. `/` and an empty path of an absolute target are `/`; a target without a leading `/` gets none."""
    if kernels is None:
        return over_distinct(x, _twin, _STRING)
    return x.map_batches(_pages, return_dtype=_STRING, is_elementwise=True)


def _pages(values: pl.Series) -> pl.Series:
    return _twin(values) if kernels is None else pl.DataFrame(kernels.pages(values.to_frame())).to_series()


def _twin(values: pl.Series) -> pl.Series:
    frame = values.alias("value").to_frame().with_columns(decoded=decode(pl.col("value")))
    absolute = pl.col("decoded").str.contains(_ABSOLUTE)
    cut = pl.col("decoded").str.replace(_ABSOLUTE, "").str.replace(r"(?s)[?#].*$", "")
    frame = frame.select("value", rooted=absolute | cut.str.starts_with("/"), cut=cut)
    parts = pl.col("cut").str.replace_all("/{2,}", "/").str.strip_prefix("/").str.splitn("/", SEGMENTS + 1)
    frame = frame.select("value", "rooted", parts.alias("parts")).unnest("parts")
    segments = [_placeholder(pl.col(f"field_{number}").replace("", None)) for number in range(SEGMENTS)]
    joined = pl.concat_str(segments, separator="/", ignore_nulls=True)
    page = pl.when("rooted").then("/" + joined).otherwise(joined)
    return frame.select(pl.when(pl.col("value").is_not_null()).then(page).alias("page")).to_series()


def _placeholder(segment: pl.Expr) -> pl.Expr:
    extension = segment.str.strip_chars_start("0123456789abcdefABCDEF-")
    return (
        pl.when(segment.str.contains(_UUID))
        .then(":uuid" + extension)
        .when(segment.str.contains(_ID))
        .then(":id" + extension)
        .when(segment.str.len_chars() > LONGEST)
        .then(pl.lit(":long"))
        .otherwise(segment)
    )
