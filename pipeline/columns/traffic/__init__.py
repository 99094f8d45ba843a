"""A generator of realistic web traffic: an access log whose every line is a function of (seed, line number)."""

from pipeline.columns.traffic.formats import FormatName
from pipeline.columns.traffic.traffic import Traffic

__all__ = ["FormatName", "Traffic"]
