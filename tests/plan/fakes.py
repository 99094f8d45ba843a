"""Small plugins that stand for the real ones: enough to check programs, and to see what the checker hands over."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Literal

import polars as pl
from pipeline_plugins.filters.join import Join

from pipeline import api
from pipeline.plan.catalog import Catalog


class ReadOptions(api.Options):
    paths: list[str] = api.option("Files to read.")
    start: Literal["start", "end"] = api.option("Where to begin.", default="start")

    rest = "paths"


class Read(api.Input[ReadOptions]):
    name = "file"
    options_model = ReadOptions

    def schema(self) -> api.Columns:
        return api.Columns({})

    async def read(self, progress: Mapping[str, api.Position]) -> AsyncIterator[api.Batch]:
        for batch in ():
            yield batch


class MakeOptions(api.Options):
    count: int = api.option("How many.", default=10, ge=1)


class Make(Read):
    """An input whose events have fields."""

    name = "make"
    options_model = MakeOptions

    def schema(self) -> api.Columns:
        return api.Columns(
            {
                "i": api.INT,
                "f": api.FLOAT,
                "s": api.STRING,
                "b": api.BOOL,
                "t": api.TIME,
                "d": api.DURATION,
                "li": api.list_of(api.INT),
                "geo": api.record({"country": api.STRING, "lat": api.FLOAT}),
            }
        )


class GrokOptions(api.Options):
    patterns: list[str] | str = api.option("Patterns.")
    on: api.Field = api.option("The field.", default=api.Field(("@raw",), api.BYTES))
    definitions: api.Patterns = api.option("Patterns of the program.", default={})


class Grok(api.Filter[GrokOptions]):
    """`%{NGINX_COMBINED}` gives the fields of nginx; `%{NAME:field:int}` one field each."""

    name = "grok"
    options_model = GrokOptions

    def __init__(self, options: GrokOptions) -> None:
        super().__init__(options)
        self.patterns = [options.patterns] if isinstance(options.patterns, str) else options.patterns
        known = {"NGINX_COMBINED", "WORD", "INT", "GREEDYDATA", *options.definitions}
        for pattern in self.patterns:
            for name in re.findall(r"%\{(\w+)", pattern):
                if name not in known:
                    raise api.OptionError(f"unknown pattern `{name}`", "patterns", "define it: pattern NAME = '…'")

    def schema(self, columns: api.Columns) -> api.Columns:
        if self.options.on.type not in (api.STRING, api.BYTES):
            raise api.OptionError(f"grok reads a text, not {self.options.on.type}", "on")
        for pattern in self.patterns:
            if "NGINX_COMBINED" in pattern:
                for name in ("remote_addr", "remote_user", "time_local", "method", "path", "referer", "user_agent"):
                    columns = columns.with_field((name,), api.STRING)
                for name in ("status", "body_bytes_sent"):
                    columns = columns.with_field((name,), api.INT)
            for field, kind in re.findall(r"%\{\w+:(\w+)(?::(\w+))?\}", pattern):
                columns = columns.with_field((field,), {"int": api.INT, "float": api.FLOAT}.get(kind, api.STRING))
        return columns

    def apply(self, batch: api.Batch) -> api.Batch:
        return batch

    def describe(self) -> Mapping[str, str]:
        return {"engine": "fake"}

    def warnings(self) -> Sequence[tuple[str | None, str, str]]:
        return [("patterns", "this pattern is slow", "anchor it")] if any("GREEDY" in p for p in self.patterns) else []


class JsonOptions(api.Options):
    field: api.Field = api.option("The text.", default=api.Field(("@raw",), api.BYTES))
    into: str | None = api.option("Where to nest.", default=None)


class Json(api.Filter[JsonOptions]):
    name = "json"
    options_model = JsonOptions

    def __init__(self, options: JsonOptions) -> None:
        super().__init__(options)
        self.demanded: dict[tuple[str, ...], api.Type] = {}

    def schema(self, columns: api.Columns) -> api.Columns:
        if self.options.field.type not in (api.STRING, api.BYTES):
            raise api.OptionError(f"json reads a text, not {self.options.field.type}", "field")
        if self.options.into is not None:
            columns = columns.with_field((self.options.into,), api.record({}, open=True))
        for path, kind in self.demanded.items():
            for at in range(1, len(path)):
                if columns.get(path[:at]) is None:
                    columns = columns.with_field(path[:at], api.record({}, open=True))
            columns = columns.with_field(path, kind)
        return api.Columns(columns.fields, self.options.into is None or columns.open)

    def demand(self, fields: Mapping[tuple[str, ...], api.Type]) -> None:
        self.demanded = dict(fields)

    def apply(self, batch: api.Batch) -> api.Batch:
        return batch


class ConditionOptions(api.Options):
    condition: api.Expr = api.option("What must hold.")


class Where(api.Filter[ConditionOptions]):
    name = "where"
    options_model = ConditionOptions

    def schema(self, columns: api.Columns) -> api.Columns:
        if self.options.condition.type != api.BOOL:
            raise api.OptionError(f"`where` takes a condition, not {self.options.condition.type}", "condition")
        return columns

    def apply(self, batch: api.Batch) -> api.Batch:
        return self.options.condition.require(batch)


class FieldsOptions(api.Options):
    fields: tuple[api.Field, ...] = api.option("The fields.", min_length=1)

    rest = "fields"


class Keep(api.Filter[FieldsOptions]):
    name = "keep"
    options_model = FieldsOptions

    def schema(self, columns: api.Columns) -> api.Columns:
        kept = api.Columns({}, open=False)
        for field in self.options.fields:
            kept = kept.with_field(field.path, field.type)
        return kept

    def apply(self, batch: api.Batch) -> api.Batch:
        return batch


class Remove(Keep):
    name = "remove"

    def schema(self, columns: api.Columns) -> api.Columns:
        for field in self.options.fields:
            columns = columns.without(field.path)
        return columns


class SetOptions(api.Options):
    block: api.Assignments = api.option("What to set.")


class Set(api.Filter[SetOptions]):
    name = "set"
    options_model = SetOptions

    def schema(self, columns: api.Columns) -> api.Columns:
        for entry in self.options.block:
            columns = columns.with_field(entry.target, entry.value.type)
        return columns

    def apply(self, batch: api.Batch) -> api.Batch:
        return batch


class RenameOptions(api.Options):
    block: api.Renames = api.option("New names.")


class Rename(api.Filter[RenameOptions]):
    name = "rename"
    options_model = RenameOptions

    def schema(self, columns: api.Columns) -> api.Columns:
        for entry in self.options.block:
            columns = columns.without(entry.field.path).with_field(entry.target, entry.field.type)
        return columns

    def apply(self, batch: api.Batch) -> api.Batch:
        return batch


class RouteOptions(api.Options):
    block: api.Cases = api.option("Ports.")


class Route(api.Filter[RouteOptions]):
    name = "route"
    options_model = RouteOptions

    def __init__(self, options: RouteOptions) -> None:
        super().__init__(options)
        self.ports = (*(case.name for case in options.block), "else")  # type: ignore[misc]

    def schema(self, columns: api.Columns) -> api.Columns:
        return columns

    def apply(self, batch: api.Batch) -> api.Batch:
        return batch


class GeoOptions(api.Options):
    field: api.Field = api.option("The address.")
    into: str = api.option("Where to put it.", default="geo")


class Geo(api.Filter[GeoOptions]):
    name = "geoip"
    options_model = GeoOptions

    def schema(self, columns: api.Columns) -> api.Columns:
        if self.options.field.type != api.STRING:
            raise api.OptionError(f"an address is a text, not {self.options.field.type}", "field")
        return columns.with_field((self.options.into,), api.record({"country": api.STRING, "city": api.STRING}))

    def apply(self, batch: api.Batch) -> api.Batch:
        return batch


class Agent(Geo):
    name = "user_agent"

    def schema(self, columns: api.Columns) -> api.Columns:
        return columns.with_field(("ua",), api.record({"family": api.STRING}))


class WindowOptions(api.Options):
    size: api.Duration = api.option("Length of a window.", ge=0)
    lateness: api.Duration = api.option("How long to wait for late events.", default=0, ge=0)
    on: api.Field | None = api.option("The time.", default=None)
    by: tuple[api.Field, ...] = api.option("Groups.", default=())
    block: api.Metrics = api.option("The metrics: `name = aggregate(…)`.")


class Window(api.Window[WindowOptions]):
    name = "window"
    options_model = WindowOptions

    def schema(self, columns: api.Columns) -> api.Columns:
        return api.Columns(
            {
                "id": api.STRING,
                "metric": api.STRING,
                "value": api.FLOAT,
                "window_start": api.TIME,
                "host": api.STRING,
                "revision": api.INT,
            }
        )

    @property
    def size(self) -> int:
        return self.options.size

    @property
    def lateness(self) -> int:
        return self.options.lateness

    @property
    def keep(self) -> int:
        return 3_600_000_000

    @property
    def on(self) -> str:
        return self.options.on.name if self.options.on else "@timestamp"

    @property
    def fingerprint(self) -> str:
        return "fake"

    def deltas(self, batch: api.Batch) -> tuple[api.Batch, Mapping[int, api.Delta]]:
        return batch, {}

    def merge(self, deltas: Sequence[api.Delta]) -> api.Delta:
        return deltas[0]

    def rows(self, start: int, state: api.Delta) -> pl.DataFrame:
        return pl.DataFrame()


class WriteOptions(api.Options):
    path: api.Template = api.option("Where to write.")
    format: Literal["json", "raw", "csv"] = api.option("The format.", default="json")
    compression: Literal["none", "gzip", "zstd"] | None = api.option("The compression.", default=None)
    roll: api.Roll | None = api.option("When to begin a new file.", default=None)
    batch: api.Size = api.option("Bytes at once.", default=1 << 20, ge=1024, le=1 << 30)
    headers: dict[str, str] = api.option("Headers.", default={})


class Write(api.Output[WriteOptions]):
    name = "file"
    options_model = WriteOptions

    def schema(self, columns: api.Columns) -> None:
        if self.options.format == "csv" and columns.open:
            raise api.OptionError("csv needs columns that are known", "format", "keep(…) names them")

    def guarantee(self) -> tuple[api.Guarantee, str]:
        return "exactly once", "the file is cut back to what was committed"

    @property
    def layout(self) -> api.Layout:
        return api.Layout(path=self.options.path, in_place=True)

    def encode(self, frame: pl.DataFrame) -> bytes:
        return b""

    async def deliver(self, segment: api.Segment) -> api.Result:
        return api.Result()


class ShowOptions(api.Options):
    pass


class Show(Write):
    name = "console"
    options_model = ShowOptions

    def schema(self, columns: api.Columns) -> None:
        return None

    def guarantee(self) -> tuple[api.Guarantee, str]:
        return "at most once", "a screen forgets"

    @property
    def layout(self) -> api.Layout:
        return api.Layout()


class Count(api.Aggregate):
    name = "count"
    doc = "The number of events."
    example = "n = count()"
    parameters: tuple[api.Parameter, ...] = ()

    def returns(self, arguments: tuple[api.Type | None, ...]) -> api.Type:
        return api.INT

    def step(self, arguments: tuple[api.Argument, ...]) -> Mapping[str, pl.Expr]:
        return {"count": pl.len()}

    def merge(self) -> Mapping[str, pl.Expr]:
        return {"count": pl.col("count").sum()}

    def finish(
        self, state: pl.DataFrame, group: list[str], arguments: tuple[api.Argument, ...], seconds: float
    ) -> pl.DataFrame:
        return state


class Sum(Count):
    name = "sum"
    parameters = (api.Parameter("x", "The number to add.", ("int", "float")),)


class Top(Count):
    name = "top"
    ranking = True
    parameters = (
        api.Parameter("k", "How many.", ("int",), constant=True),
        api.Parameter("x", "The value.", ("string", "int")),
    )


def _number(types: tuple[api.Type | None, ...]) -> api.Type:
    if types[0] is not None and types[0].kind == "list":
        raise TypeError("a list is no number")
    return api.INT


def _duration(text: pl.Expr) -> pl.Expr:
    number = text.str.extract(r"^(\d+)s$").cast(pl.Int64)
    return (number * 1_000_000).cast(pl.Duration("us"))


FUNCTIONS: dict[str, object] = {
    function.name: function
    for function in (
        api.Function(
            "int", "A whole number.", (api.Parameter("x", "The value."),), _number,
            lambda x: x.cast(pl.Int64, strict=False), (), fallible=True,
        ),
        api.Function(
            "string", "A text.", (api.Parameter("x", "The value."),), api.STRING, lambda x: x.cast(pl.String), ()
        ),
        api.Function(
            "lower", "Lower case.", (api.Parameter("s", "The text.", ("string",)),), api.STRING,
            lambda s: s.str.to_lowercase(), (),
        ),
        api.Function(
            "abs", "Distance from zero.", (api.Parameter("x", "The number.", ("float",)),), api.FLOAT,
            lambda x: x.abs(), (),
        ),
        api.Function(
            "duration", "A length of time.", (api.Parameter("s", "The text.", ("string",)),), api.DURATION, _duration, (),
            fallible=True,
        ),
        api.Function(
            "time", "A time.",
            (
                api.Parameter("s", "The text.", ("string",)),
                api.Parameter("format", "How it is written.", ("string",), constant=True, default="iso8601", required=False),
            ),
            api.TIME,
            lambda s, how: s.str.to_datetime(
                "%Y-%m-%dT%H:%M:%S%z" if how == "iso8601" else how, strict=False, time_unit="us", time_zone="UTC"
            ),
            (), fallible=True,
        ),
        api.Function(
            "replace", "Replace parts.",
            (
                api.Parameter("s", "The text.", ("string",)),
                api.Parameter("pattern", "A regex.", ("string",), constant=True),
                api.Parameter("by", "The new text.", ("string",), constant=True),
            ),
            api.STRING, lambda s, pattern, by: s.str.replace_all(pattern, by), (),
        ),
        api.Function(
            "join", "Texts in a row.", (api.Parameter("s", "A text.", ("string",)),), api.STRING,
            lambda *s: pl.concat_str(s), (), variadic=True,
        ),
        api.Function(
            "normalize_path", "A path without its ids.", (api.Parameter("s", "The text.", ("string",)),), api.STRING,
            lambda s: s, (),
        ),
    )
}  # fmt: skip

CATALOG = Catalog(
    {
        "inputs": {"file": Read, "make": Make},
        "filters": {
            kind.name: kind for kind in (Grok, Json, Where, Keep, Remove, Set, Rename, Route, Geo, Agent, Window, Join)
        },
        "outputs": {"file": Write, "console": Show},
        "aggregates": {"count": Count, "sum": Sum, "top": Top},
        "functions": FUNCTIONS,
    }
)
