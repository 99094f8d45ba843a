"""Grok: text columns into fields by Logstash's named patterns."""

from pipeline.columns.grok.advice import Advice
from pipeline.columns.grok.coverage import Coverage, FieldUse
from pipeline.columns.grok.engine import Grok
from pipeline.columns.grok.expand import Capture, Element, Expanded, FieldType, expand
from pipeline.columns.grok.failure import GrokError
from pipeline.columns.grok.kinds import Example, Kind
from pipeline.columns.grok.ladder import Ladder, Stop
from pipeline.columns.grok.misses import Explained, Misses, Place
from pipeline.columns.grok.names import MATCHED, REASON
from pipeline.columns.grok.patterns import LIBRARY
from pipeline.columns.grok.sampled import Sampler

__all__ = [
    "LIBRARY",
    "MATCHED",
    "REASON",
    "Advice",
    "Capture",
    "Coverage",
    "Element",
    "Example",
    "Expanded",
    "Explained",
    "FieldType",
    "FieldUse",
    "Grok",
    "GrokError",
    "Kind",
    "Ladder",
    "Misses",
    "Place",
    "Sampler",
    "Stop",
    "expand",
]
