"""Kinds of texts, for plugins: numbers, addresses and the like replaced by masks, and templates of what is left."""

from pipeline.columns.grok.drain import OTHER, Templates
from pipeline.columns.grok.masks import masked

__all__ = ["OTHER", "Templates", "masked"]
