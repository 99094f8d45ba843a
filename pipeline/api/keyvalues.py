"""Kernels of `key=value` pairs, for plugins."""

from pipeline.columns.keyvalues import objects

__all__ = ["objects"]
