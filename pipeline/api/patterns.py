"""Regular expressions as columns, for plugins. A `Regex` is the value of a regex literal given to a constant parameter."""

from pipeline.columns.patterns import Regex, checked, count, every, extract, replace, split

__all__ = ["Regex", "checked", "count", "every", "extract", "replace", "split"]
