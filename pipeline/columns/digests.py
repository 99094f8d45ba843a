"""Digests and encodings of texts and bytes. Texts are hashed as their UTF-8 bytes."""

from __future__ import annotations

import hashlib
import hmac
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import polars as pl

from pipeline.columns.distinct import map_distinct

Algorithm = Literal["md5", "sha1", "sha256", "sha512", "sha3_256"]


def digest(x: pl.Expr, algorithm: Algorithm) -> pl.Expr:
    """The digest of a String or Binary column in lower-case hex (String)."""
    return map_distinct(x, _Digest(algorithm), pl.String())


def keyed(x: pl.Expr, key: str, algorithm: Algorithm = "sha256") -> pl.Expr:
    """HMAC (RFC 2104) under a key, in lower-case hex (String)."""
    return map_distinct(x, _Keyed(key.encode(), algorithm), pl.String())


def checksum(x: pl.Expr) -> pl.Expr:
    """CRC-32 as gzip and zip have it (Int64, 0 to 2³² - 1)."""
    return map_distinct(x, crc32, pl.Int64())


def fingerprint(x: pl.Expr) -> pl.Expr:
    """A 64-bit hash (Int64), the same on every machine and in every version: the first 8 bytes of unkeyed BLAKE2b-64, little-endian."""
    return map_distinct(x, hash64, pl.Int64())


def scattered(seed: int, *parts: pl.Series) -> pl.Series:
    """A 64-bit hash (UInt64) of numbers (Int64; at least one column), the same on every machine and in every version: the finalizer
    of SplitMix64 over the seed and each of them, one after the other. Null is 0."""
    # By series: in an expression, what is used twice would be computed twice, and this doubles nine times.
    found = _scattered(pl.Series([seed], dtype=pl.Int64).reinterpret(signed=False))
    for part in parts:
        found = _scattered(part.fill_null(0).reinterpret(signed=False) ^ found)
    return found


def _scattered(numbers: pl.Series) -> pl.Series:
    # Division by a power of two is a shift, and sums and products wrap.
    mixed = numbers + _number(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed // 2**30)) * _number(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed // 2**27)) * _number(0x94D049BB133111EB)
    return mixed ^ (mixed // 2**31)


def _number(value: int) -> pl.Series:
    return pl.Series([value], dtype=pl.UInt64)


def crc32(value: str | bytes) -> int:
    return zlib.crc32(_bytes(value))


def hash64(value: str | bytes) -> int:
    return int.from_bytes(hashlib.blake2b(_bytes(value), digest_size=8).digest(), "little", signed=True)


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class _Digest:
    algorithm: Algorithm

    def __call__(self, value: str | bytes) -> str:
        function: Callable[[bytes], hashlib._Hash] = getattr(hashlib, self.algorithm)
        return function(_bytes(value)).hexdigest()


@dataclass(frozen=True, slots=True)
class _Keyed:
    key: bytes
    algorithm: Algorithm

    def __call__(self, value: str | bytes) -> str:
        return hmac.digest(self.key, _bytes(value), self.algorithm).hex()
