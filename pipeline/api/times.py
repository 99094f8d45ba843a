"""Kernels of times, for plugins."""

from pipeline.columns.times import TIME, floor_time, format_time, parse, start_of, unix, within

__all__ = ["TIME", "floor_time", "format_time", "parse", "start_of", "unix", "within"]
