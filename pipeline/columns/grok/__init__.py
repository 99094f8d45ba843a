"""Grok: text columns into fields by Logstash's named patterns."""

from pipeline.columns.grok.engine import Grok
from pipeline.columns.grok.expand import Capture, Element, Expanded, FieldType, expand
from pipeline.columns.grok.explain import Coverage, Miss, coverage
from pipeline.columns.grok.failure import GrokError
from pipeline.columns.grok.names import MATCHED, REASON
from pipeline.columns.grok.patterns import LIBRARY

__all__ = [
    "LIBRARY",
    "MATCHED",
    "REASON",
    "Capture",
    "Coverage",
    "Element",
    "Expanded",
    "FieldType",
    "Grok",
    "GrokError",
    "Miss",
    "coverage",
    "expand",
]
