"""Grok: text columns into fields by Logstash's named patterns.

What explains lines that do not match (`coverage`, `misses`, `ladder`, `advice`) is not imported here: a run that nobody asks
does not need it.
"""

from pipeline.columns.grok.engine import Grok
from pipeline.columns.grok.expand import Capture, Element, Expanded, FieldType, expand
from pipeline.columns.grok.failure import GrokError
from pipeline.columns.grok.kinds import Example, Kind
from pipeline.columns.grok.names import MATCHED, REASON
from pipeline.columns.grok.patterns import LIBRARY
from pipeline.columns.grok.sampled import Sampler

__all__ = [
    "LIBRARY",
    "MATCHED",
    "REASON",
    "Capture",
    "Element",
    "Example",
    "Expanded",
    "FieldType",
    "Grok",
    "GrokError",
    "Kind",
    "Sampler",
    "expand",
]
