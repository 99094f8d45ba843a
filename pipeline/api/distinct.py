"""Functions over the distinct values of a column, for plugins."""

from pipeline.columns.distinct import Distinct, map_distinct, mapped, over_distinct

__all__ = ["Distinct", "map_distinct", "mapped", "over_distinct"]
