"""Kernels of IP addresses, for plugins."""

from pipeline.columns.addresses import PRIVATE, is_address, masked, within

__all__ = ["PRIVATE", "is_address", "masked", "within"]
