"""The types of `ctx.files` and `ctx.clock`, for plugins that pass them on."""

from pipeline.env import Clock, Files, ReadFile, Stat

__all__ = ["Clock", "Files", "ReadFile", "Stat"]
