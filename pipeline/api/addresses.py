"""Kernels of IP addresses, for plugins."""

from pipeline.columns.addresses import (
    PRIVATE,
    expanded,
    from_number,
    is_address,
    masked,
    normal,
    to_number,
    versions,
    within,
)

__all__ = [
    "PRIVATE",
    "expanded",
    "from_number",
    "is_address",
    "masked",
    "normal",
    "to_number",
    "versions",
    "within",
]
