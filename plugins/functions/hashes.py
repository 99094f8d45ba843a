"""Digests, checksums and encodings of texts and bytes."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from pipeline import api
from pipeline.api import texts
from pipeline.api.conversions import to_text
from pipeline.api.digests import Algorithm, checksum, digest, fingerprint, keyed

_X = api.Parameter("x", "The text (its UTF-8 bytes are taken) or bytes.", ("string", "bytes"))
_ENCODED = api.Parameter("x", "The encoded text.", ("string",))


def _digest(algorithm: Algorithm) -> Callable[[pl.Expr], pl.Expr]:
    def build(x: pl.Expr) -> pl.Expr:
        return digest(x, algorithm)

    return build


def _keyed(algorithm: Algorithm) -> Callable[[pl.Expr, str], pl.Expr]:
    def build(x: pl.Expr, key: str) -> pl.Expr:
        return keyed(x, key, algorithm)

    return build


def _to_base64(x: pl.Expr, url: bool) -> pl.Expr:
    standard = texts.encode_base64(x)
    return standard.str.strip_chars_end("=").str.replace_many(["+", "/"], ["-", "_"]) if url else standard


def _from_base64(x: pl.Expr) -> pl.Expr:
    return to_text(texts.decode_base64(x), api.BYTES)


def _from_hex(x: pl.Expr) -> pl.Expr:
    return to_text(texts.decode_hex(x), api.BYTES)


md5 = api.Function(
    name="md5",
    doc="The MD5 digest in hex, for matching with what others wrote; it protects nothing.",
    parameters=(_X,),
    returns=api.STRING,
    build=_digest("md5"),
    examples=(api.Example("md5('abc')", "900150983cd24fb0d6963f7d28e17f72"),),
    by_value=True,
)

sha1 = api.Function(
    name="sha1",
    doc="The SHA-1 digest in hex, for matching with what others wrote; it protects nothing.",
    parameters=(_X,),
    returns=api.STRING,
    build=_digest("sha1"),
    examples=(api.Example("sha1('abc')", "a9993e364706816aba3e25717850c26c9cd0d89d"),),
    by_value=True,
)

sha256 = api.Function(
    name="sha256",
    doc="The SHA-256 digest in hex.",
    parameters=(_X,),
    returns=api.STRING,
    build=_digest("sha256"),
    examples=(
        api.Example("sha256('abc')", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        api.Example("sha256(null)", None),
    ),
    by_value=True,
)

sha512 = api.Function(
    name="sha512",
    doc="The SHA-512 digest in hex.",
    parameters=(_X,),
    returns=api.STRING,
    build=_digest("sha512"),
    examples=(
        api.Example(
            "sha512('abc')",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        ),
    ),
    by_value=True,
)

sha3_256 = api.Function(
    name="sha3_256",
    doc="The SHA3-256 digest in hex.",
    parameters=(_X,),
    returns=api.STRING,
    build=_digest("sha3_256"),
    examples=(api.Example("sha3_256('abc')", "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"),),
    by_value=True,
)

_KEY = api.Parameter("key", "The secret key.", ("string",), constant=True)

hmac_sha256 = api.Function(
    name="hmac_sha256",
    doc="HMAC with SHA-256 in hex: a digest that only those who have the key can compute. Use it to hide addresses or names that must stay "
    "countable.",
    parameters=(_X, _KEY),
    returns=api.STRING,
    build=_keyed("sha256"),
    examples=(
        api.Example(
            "hmac_sha256('what do ya want for nothing?', 'Jefe')",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
    ),
    by_value=True,
)

hmac_sha1 = api.Function(
    name="hmac_sha1",
    doc="HMAC with SHA-1 in hex, for matching with what others wrote.",
    parameters=(_X, _KEY),
    returns=api.STRING,
    build=_keyed("sha1"),
    examples=(
        api.Example("hmac_sha1('what do ya want for nothing?', 'Jefe')", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
    ),
    by_value=True,
)

hmac_sha512 = api.Function(
    name="hmac_sha512",
    doc="HMAC with SHA-512 in hex.",
    parameters=(_X, _KEY),
    returns=api.STRING,
    build=_keyed("sha512"),
    examples=(
        api.Example(
            "hmac_sha512('what do ya want for nothing?', 'Jefe')",
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
            "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
        ),
    ),
    by_value=True,
)

crc32 = api.Function(
    name="crc32",
    doc="The CRC-32 checksum, as gzip and zip have it, 0 to 4294967295.",
    parameters=(_X,),
    returns=api.INT,
    build=checksum,
    examples=(api.Example("crc32('123456789')", 3421780262),),
    by_value=True,
)

hash64 = api.Function(
    name="hash64",
    doc="A 64-bit hash as an integer, the same on every machine and in every version, for sampling and partitioning: "
    "`hash64(id) % 100 == 0` keeps about one in a hundred.",
    parameters=(_X,),
    returns=api.INT,
    build=fingerprint,
    examples=(api.Example("hash64('abc')", 6455300059550759896),),
    by_value=True,
)

base64_encode = api.Function(
    name="base64_encode",
    doc="The text or bytes in Base64, with padding.",
    parameters=(
        _X,
        api.Parameter(
            "url",
            "Whether it is for URLs: `-` and `_` for `+` and `/`, and no padding.",
            ("bool",),
            constant=True,
            default=False,
            required=False,
        ),
    ),
    returns=api.STRING,
    build=_to_base64,
    examples=(
        api.Example("base64_encode('café')", "Y2Fmw6k="),
        api.Example("base64_encode('café?', url: true)", "Y2Fmw6k_"),
    ),
)

base64_decode = api.Function(
    name="base64_decode",
    doc="The text that Base64 stands for, in the standard or the URL alphabet, with or without padding; null for what is no Base64. "
    "Invalid UTF-8 in it becomes U+FFFD.",
    parameters=(_ENCODED,),
    returns=api.STRING,
    build=_from_base64,
    examples=(
        api.Example("base64_decode('Y2Fmw6k=')", "café"),
        api.Example("base64_decode('Y2Fmw6k')", "café"),
        api.Example("base64_decode('!')", None),
    ),
    fallible=True,
)

hex_encode = api.Function(
    name="hex_encode",
    doc="The bytes in lower-case hex digits.",
    parameters=(_X,),
    returns=api.STRING,
    build=texts.encode_hex,
    examples=(api.Example("hex_encode('é')", "c3a9"),),
)

hex_decode = api.Function(
    name="hex_decode",
    doc="The text that hex digits stand for; null for what is no hex. Invalid UTF-8 in it becomes U+FFFD.",
    parameters=(_ENCODED,),
    returns=api.STRING,
    build=_from_hex,
    examples=(api.Example("hex_decode('C3a9')", "é"), api.Example("hex_decode('xy')", None)),
    fallible=True,
)
