"""Names with values in the writings of logs, for plugins."""

from pipeline.columns.pairs import Grammar, objects

__all__ = ["Grammar", "objects"]
