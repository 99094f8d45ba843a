"""Open records: members taken out of JSON text, the rest carried as it came."""

from pipeline.columns.jsontext import DEPTH, NOT_JSON, TOO_DEEP, Extracted, extract, merged, tree
from pipeline.columns.jsonwhole import parsed

__all__ = ["DEPTH", "NOT_JSON", "TOO_DEEP", "Extracted", "extract", "merged", "parsed", "tree"]
