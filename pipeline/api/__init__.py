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
Codec          decode(texts) -> columns · encode(rows) -> bytes          no memory, and no knowledge of files

The names of this module are the contract: API 1 only gains (docs/decisions/0021). So are those of three submodules:

formats        encoders of rows
nested         members of records by path
windows        `How`, `Reduction` and `bucket`, for the states of aggregates

The other submodules, and the other names of `windows`, are what the plugins of the house are made of: they may change with any
version.
"""

from pipeline.api.aggregates import Aggregate, Argument, Parameter
from pipeline.api.codecs import Codec, Decoded, Decoder, Encoder
from pipeline.api.context import Context, Log, Meter
from pipeline.api.decoding import Decoding, DecodingOptions, demand_codec
from pipeline.api.events import Event, EventFilter, Reject
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
from pipeline.api.layouts import Layout, Roll
from pipeline.api.members import Members
from pipeline.api.options import Duration, NewName, OptionError, Options, Patterns, Size, option
from pipeline.api.plugins import Delta, Filter, Guarantee, Input, OptionsT, Output, Plugin, Window
from pipeline.api.resolvers import Resolver, ResolverOptions
from pipeline.api.secrets import Secret
from pipeline.api.segments import Refusal, Result, Segment, Writer
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
from pipeline.errors import ConfigurationError, InternalError, NoInputError, PipeError, StateError

API = 1
"""The version of this contract."""

SUPPORTED = frozenset({1})
"""The versions for which a plugin may have been written that runs here."""

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
    "SUPPORTED",
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
    "Event",
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
    "InternalError",
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
    "OptionsT",
    "Output",
    "Parameter",
    "Patterns",
    "PipeError",
    "Plugin",
    "Position",
    "Refusal",
    "Reject",
    "Rename",
    "Renames",
    "Resolver",
    "ResolverOptions",
    "Result",
    "Roll",
    "Secret",
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
