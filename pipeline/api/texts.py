"""Kernels of texts, for plugins."""

from pipeline.columns.texts import (
    decode_base64,
    decode_hex,
    encode_base64,
    encode_hex,
    index_of,
    substring,
    trim,
    truncate,
)

__all__ = [
    "decode_base64",
    "decode_hex",
    "encode_base64",
    "encode_hex",
    "index_of",
    "substring",
    "trim",
    "truncate",
]
