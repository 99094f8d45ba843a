"""Grok patterns on columns of text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from pipeline.columns.grok import MATCHED, REASON, Grok, GrokError, Sampler
from pipeline.columns.types import BOOL, FLOAT, INT, STRING, Type

TYPES: Mapping[str, Type] = {"string": STRING, "int": INT, "float": FLOAT, "bool": BOOL}
"""The types of captures."""


class Lines:
    """Lines that are read by fixed patterns, the first that matches; `unlike` is the reason of those that none matches."""

    def __init__(self, patterns: Sequence[str], unlike: str) -> None:
        self._grok = Grok(patterns)
        self._unlike = unlike
        self.fields = {capture.field: TYPES[capture.type] for capture in self._grok.captures}

    def read(self, texts: pl.Series) -> tuple[pl.DataFrame, pl.Series | None]:
        """A column for each of `fields`, and the reasons (String, null for lines that match; None when all do)."""
        found = self._grok.match(texts)
        matched = found[MATCHED]
        unlike = None if matched.all() else pl.select(pl.when(~matched).then(pl.lit(self._unlike))).to_series()
        return found.select(*self.fields), unlike


__all__ = ["MATCHED", "REASON", "TYPES", "Grok", "GrokError", "Lines", "Sampler"]
