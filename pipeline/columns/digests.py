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
