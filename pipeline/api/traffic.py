"""Realistic web traffic: for inputs that need no world."""

from pipeline.columns.traffic import FormatName, Traffic

__all__ = ["FormatName", "Traffic"]
