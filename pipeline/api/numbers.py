"""Kernels of arithmetic, for plugins."""

from pipeline.columns.numbers import absolute, clamped, finite, logarithm, power, root, rounded

__all__ = ["absolute", "clamped", "finite", "logarithm", "power", "root", "rounded"]
