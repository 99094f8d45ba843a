"""Grok patterns on columns of text."""

from pipeline.columns.grok import MATCHED, REASON, Grok, GrokError, Sampler

__all__ = ["MATCHED", "REASON", "Grok", "GrokError", "Sampler"]
