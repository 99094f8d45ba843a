"""Kernels of conversions, for plugins."""

from pipeline.columns.conversions import (
    digits_to_int,
    to_bool,
    to_duration,
    to_float,
    to_int,
    to_json,
    to_size,
    to_text,
)

__all__ = ["digits_to_int", "to_bool", "to_duration", "to_float", "to_int", "to_json", "to_size", "to_text"]
