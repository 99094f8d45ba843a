"""Functions over the distinct values of a column, for plugins."""

from pipeline.columns.distinct import map_distinct, mapped, over_distinct

__all__ = ["map_distinct", "mapped", "over_distinct"]
