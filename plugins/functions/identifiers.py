"""UUIDs (RFC 9562)."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

import polars as pl

from pipeline import api
from pipeline.api.distinct import map_distinct
from pipeline.api.times import TIME

_X = api.Parameter("x", "The UUID as a text.", ("string",))
_FORM = r"^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"
_SPACES = {
    "dns": "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
    "url": "6ba7b811-9dad-11d1-80b4-00c04fd430c8",
    "oid": "6ba7b812-9dad-11d1-80b4-00c04fd430c8",
    "x500": "6ba7b814-9dad-11d1-80b4-00c04fd430c8",
}
_GREGORIAN = 0x01B21DD213814000
"""1970 in the units of time UUIDs: 100 ns since October 1582."""


def _is_uuid(x: pl.Expr) -> pl.Expr:
    return x.str.contains(_FORM).fill_null(value=False)


@dataclass(frozen=True, slots=True)
class _Named:
    space: bytes

    def __call__(self, name: str) -> str:
        digest = bytearray(hashlib.sha1(self.space + name.encode(), usedforsecurity=False).digest()[:16])
        digest[6] = digest[6] & 0x0F | 0x50
        digest[8] = digest[8] & 0x3F | 0x80
        digits = digest.hex()
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _uuid_v5(x: pl.Expr, namespace: str) -> pl.Expr:
    space = _SPACES.get(namespace, namespace)
    if not re.match(_FORM, space):
        raise TypeError(f"a namespace is dns, url, oid, x500 or a UUID, not {namespace!r}")
    return map_distinct(x, _Named(bytes.fromhex(space.replace("-", ""))), pl.String())


def _uuid_time(x: pl.Expr) -> pl.Expr:
    """Versions 1 and 6 hold 60 bits of 100 ns, in other orders; version 7 holds 48 bits of milliseconds."""
    digits = pl.when(x.str.contains(_FORM)).then(x.str.replace_all("-", "", literal=True))
    version = digits.str.slice(12, 1)
    ordered = (
        pl.when(version == "1")
        .then(digits.str.slice(13, 3) + digits.str.slice(8, 4) + digits.str.slice(0, 8))
        .when(version == "6")
        .then(digits.str.slice(0, 12) + digits.str.slice(13, 3))
    )
    ticks = ordered.str.to_integer(base=16, strict=False) - _GREGORIAN
    millis = pl.when(version == "7").then(digits.str.slice(0, 12)).str.to_integer(base=16, strict=False)
    micros = pl.coalesce(ticks.floordiv(10), millis * 1000)
    return pl.when(micros < _END).then(micros).cast(TIME)


_END = 253_402_300_800_000_000
"""The year 10000, in microseconds."""

is_uuid = api.Function(
    name="is_uuid",
    doc="Whether a text is a UUID of any version, with hyphens. False for null.",
    parameters=(_X,),
    returns=api.BOOL,
    build=_is_uuid,
    examples=(
        api.Example("is_uuid('550e8400-e29b-41d4-a716-446655440000')", True),
        api.Example("is_uuid('550e8400')", False),
    ),
)

uuid_v5 = api.Function(
    name="uuid_v5",
    doc="The UUID of a name in a namespace: the same name has the same UUID everywhere, so it can identify an event that is read again.",
    parameters=(
        api.Parameter("x", "The name.", ("string",)),
        api.Parameter(
            "namespace", "`'dns'`, `'url'`, `'oid'`, `'x500'`, or a UUID of your own.", ("string",), constant=True
        ),
    ),
    returns=api.STRING,
    build=_uuid_v5,
    examples=(api.Example("uuid_v5('python.org', 'dns')", "886313e1-3b8a-5372-9b90-0c9aee199e5d"),),
    by_value=True,
)

uuid_time = api.Function(
    name="uuid_time",
    doc="The time in a UUID of version 1, 6 or 7; null for others.",
    parameters=(_X,),
    returns=api.TIME,
    build=_uuid_time,
    examples=(
        api.Example("string(uuid_time('017f22e2-79b0-7cc3-98c4-dc0c0c07398f'))", "2022-02-22T19:22:22Z"),
        api.Example("string(uuid_time('c232ab00-9414-11ec-b3c8-9f6bdeced846'))", "2022-02-22T19:22:22Z"),
        api.Example("uuid_time('550e8400-e29b-41d4-a716-446655440000')", None),
    ),
)
