"""The plugin API, version 1: all that a plugin may import of us.

every plugin   Options · schema · async open(ctx) · async close()
Input          read(progress) -> batches
Filter         apply(batch) -> batch                    pure, columnar
EventFilter    process(event) -> event, events or None  the same for one event at a time: slower
Resolver       async fetch(keys) -> answers             what others know of a key, asked before the commit
Fold           step(state, batch, now) -> (state, batch)   with memory, in the order of the source
Window         deltas, merge, rows                      mergeable, over event time
Sessions       due, turn                        a window that ends when nothing comes: one state for all keys
Output         encode(rows) -> bytes · deliver(segment) -> Result
Aggregate      keys, step, merge, finish                expressions over columns
Function       expressions in, expression out
"""

from pipeline.api.aggregates import Aggregate, Argument, Parameter
from pipeline.api.codecs import Codec, Decoded, Decoder, Encoder
from pipeline.api.context import Context, Log, Meter
from pipeline.api.decoding import Decoding, DecodingOptions, demand_codec
from pipeline.api.events import EventFilter, Reject
from pipeline.api.expressions import (
    Assign,
    Assignments,
    Case,
    Cases,
    Expr,
    Field,
    Guard,
    Hole,
    Metric,
    Metrics,
    Rename,
    Renames,
    Template,
)
from pipeline.api.extras import libraries
from pipeline.api.folds import Fold
from pipeline.api.functions import Example, Function, Given
from pipeline.api.members import Members
from pipeline.api.options import Duration, NewName, OptionError, Options, Size, option
from pipeline.api.plugins import Delta, Filter, Guarantee, Input, Layout, Output, Plugin, Roll, Window
from pipeline.api.resolvers import Resolver, ResolverOptions
from pipeline.api.segments import Result, Segment, Writer
from pipeline.api.sessions import Sessions
from pipeline.columns.batch import CARRIED, RID, Batch, Position, Span, lines
from pipeline.columns.types import (
    BOOL,
    BYTES,
    DURATION,
    FLOAT,
    INT,
    JSON,
    METADATA,
    NULL,
    REST,
    STRING,
    TIME,
    Columns,
    Type,
    dtype,
    list_of,
    record,
)
from pipeline.errors import ConfigurationError, NoInputError, PipeError, StateError

API = 1

__all__ = [
    "API",
    "BOOL",
    "BYTES",
    "CARRIED",
    "DURATION",
    "FLOAT",
    "INT",
    "JSON",
    "METADATA",
    "NULL",
    "REST",
    "RID",
    "STRING",
    "TIME",
    "Aggregate",
    "Argument",
    "Assign",
    "Assignments",
    "Batch",
    "Case",
    "Cases",
    "Codec",
    "Columns",
    "ConfigurationError",
    "Context",
    "Decoded",
    "Decoder",
    "Decoding",
    "DecodingOptions",
    "Delta",
    "Duration",
    "Encoder",
    "EventFilter",
    "Example",
    "Expr",
    "Field",
    "Filter",
    "Fold",
    "Function",
    "Given",
    "Guarantee",
    "Guard",
    "Hole",
    "Input",
    "Layout",
    "Log",
    "Members",
    "Meter",
    "Metric",
    "Metrics",
    "NewName",
    "NoInputError",
    "OptionError",
    "Options",
    "Output",
    "Parameter",
    "PipeError",
    "Plugin",
    "Position",
    "Reject",
    "Rename",
    "Renames",
    "Resolver",
    "ResolverOptions",
    "Result",
    "Roll",
    "Segment",
    "Sessions",
    "Size",
    "Span",
    "StateError",
    "Template",
    "Type",
    "Window",
    "Writer",
    "demand_codec",
    "dtype",
    "libraries",
    "lines",
    "list_of",
    "option",
    "record",
]
