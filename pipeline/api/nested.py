"""Members of records by path, for filters that change fields."""

from pipeline.columns.nested import forgotten, pick, put, without

__all__ = ["forgotten", "pick", "put", "without"]
