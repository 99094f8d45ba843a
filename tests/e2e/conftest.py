"""Fixtures of `real.py` for all end-to-end tests."""

from real import million, pipe

__all__ = ["million", "pipe"]
