"""Fill what is missing with what was there before."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence

import polars as pl

from pipeline import api
from pipeline.api import nested

from .remembered import KEYS, check, hashed, oldest


class Options(api.Options):
    fields: list[api.Field] = api.option("The fields to fill.")
    default: api.Expr | None = api.option("What is taken where no value is remembered.", default=None)
    max_age: api.Duration | None = api.option(
        "A value that is older, by the time of the events, fills nothing.", default=None, ge=1
    )
    count: int = api.option(
        "For how many keys values are remembered, of each field and partition; that which was set first goes first.",
        default=10_000,
        ge=1,
        le=1_000_000,
    )
    by: tuple[api.Field, ...] = api.option("The fields that make the key; without, all events have one.", default=())

    rest = "fields"


ALL = 0
"""The key of all events, where none is named."""

_TIME, _KEY, _VALUE = "time", "key", "value"

State = tuple[pl.DataFrame, ...]
"""Of each field the keys (hashes), their last values and when these were (µs), in the order in which they were set."""


class Fill(api.Fold[Options, State]):
    """Fills a field that is null with its last value: that of the latest event before it in which it was not null, in the order of
    the source. With `by`, the latest event with the same key. Where there is none, `default` is taken, or the field stays null.

    What was seen is remembered for each partition by itself: of a file, or of whatever the input calls one. `max_age` compares the
    `@timestamp` of both events: a value that is older fills nothing, and stays until there is another one. An event that has
    none of the fields of `by` is not filled but with `default`.

    Of each field and partition the values of `count` keys are remembered, those that were set last. They are the state, which is written in
    every commit in which one was set: keep it small. Lists and records cannot be filled, members of records can.

    To fill with a constant alone, `set { a = a ?? 0 }` is faster: it needs no memory."""

    name = "fill"
    options_model = Options
    example = """
source access = generate(count: 100)
transform whole = access
  | grok('%{NGINX_COMBINED}')
  | fill(referer, default: 'none', max_age: 30m, count: 50_000) by remote_addr
sink out = whole -> console()
"""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        names = [field.name for field in options.fields]
        if not names:
            raise api.OptionError("there is nothing to fill", "fields", "name a field")
        for field in options.fields:
            if field.name.startswith("@"):
                raise api.OptionError(f"{field.name} is metadata", "fields", "name a field of your own")
            if names.count(field.name) > 1:
                raise api.OptionError(f"{field.name} is named twice", "fields", "name it once")

    def schema(self, columns: api.Columns) -> api.Columns:
        check(self.options.by, columns)
        default = self.options.default
        for field in self.options.fields:
            kind = columns.get(field.path) or field.type
            if kind.kind not in KEYS or kind == api.NULL:
                help = "name its members" if kind.kind == "record" else "leave it out"
                raise api.OptionError(f"{field.name} is of type {kind}, which cannot be filled", "fields", help)
            if (
                default is not None
                and default.type not in (kind, api.NULL)
                and (default.type, kind) != (api.INT, api.FLOAT)
            ):
                raise api.OptionError(
                    f"{field.name} is of type {kind}, not {default.type}", "default", f"give a {kind}"
                )
        return columns

    def empty(self) -> State:
        return tuple(
            pl.DataFrame(schema={_KEY: pl.Int64(), _TIME: pl.Int64(), _VALUE: api.dtype(field.type)})
            for field in self.options.fields
        )

    def step(self, state: State, batch: api.Batch, now: int) -> tuple[State, api.Batch]:
        options = self.options
        if options.default is not None:
            batch = options.default.require(batch)
        frame = batch.frame
        if frame.height == 0:
            return state, batch
        keys = hashed(frame, options.by) if options.by else [ALL] * frame.height
        times = frame["@timestamp"].to_physical()
        after: list[pl.DataFrame] = []
        found: dict[api.Field, pl.Series] = {}
        for field, known in zip(options.fields, state, strict=True):
            values = field.values(frame)
            places, last = self._places(known, keys, times, values)
            both = pl.concat([known[_VALUE], values.alias(_VALUE)])
            if values.null_count():
                found[field] = both[places]
            if last is None:
                after.append(known)
            else:
                when = pl.concat([known[_TIME], times.alias(_TIME)])
                rows = pl.Series(last.values(), dtype=pl.UInt32)
                after.append(
                    _owned(pl.DataFrame([pl.Series(_KEY, list(last), dtype=pl.Int64), when[rows], both[rows]]))
                )
        for field, values in found.items():
            if options.default is not None:
                given = options.default.polars.cast(values.dtype)
                values = batch.frame.select(pl.lit(values).fill_null(given).alias(_VALUE)).to_series()
            batch = _put(batch, field.path, values)
        return tuple(after), batch

    def _places(
        self, known: pl.DataFrame, keys: Sequence[int | None], times: pl.Series, values: pl.Series
    ) -> tuple[pl.Series, dict[int, int] | None]:
        """Where each row's value is, in what is known and the batch after it (null: nowhere); and where those are that are known
        then, None where none was set. A row loop, on numbers: what is known to a row depends on each before it."""
        count, age, base = self.options.count, self.options.max_age, known.height
        last = dict(zip(known[_KEY].to_list(), range(base), strict=True))
        again = set[int]()
        first = oldest(last, again)
        when = [*known[_TIME].to_list(), *times.to_list()] if age is not None else []
        missing = values.is_null().to_list()
        places: list[int | None] = []
        for row, (key, null) in enumerate(zip(keys, missing, strict=True), base):
            if null:
                place = None if key is None else last.get(key)
                if place is not None and age is not None and when[row] - when[place] > age:
                    place = None
                places.append(place)
                continue
            places.append(row)
            if key is not None:
                if key in last:
                    del last[key]
                    again.add(key)
                elif len(last) >= count:
                    del last[next(first)]
                last[key] = row
        changed = any(place >= base for place in last.values())
        return pl.Series(places, dtype=pl.UInt32), last if changed else None

    def dump(self, state: State) -> bytes:
        parts = [_bytes(known) for known in state]
        return b"".join([struct.pack("<q", len(part)) + part for part in parts])

    def load(self, data: bytes, version: int) -> State:
        found: list[pl.DataFrame] = []
        wanted = [known.schema for known in self.empty()]
        try:
            while data and version == self.state_version:
                (size,) = struct.unpack_from("<q", data)
                found.append(pl.read_ipc_stream(io.BytesIO(data[8 : 8 + size])))
                data = data[8 + size :]
        except (pl.exceptions.PolarsError, struct.error, OSError) as error:
            raise ValueError(f"not what fill remembers: {error}") from error
        if [known.schema for known in found] != wanted:
            raise ValueError(f"{len(data)} bytes of version {version} are not what fill remembers")
        return tuple(found)


def _put(batch: api.Batch, path: tuple[str, ...], values: pl.Series) -> api.Batch:
    if len(path) == 1:
        return batch.with_columns(values.alias(path[0]))
    return batch.with_columns(nested.put(batch.frame.schema, path, pl.lit(values)))


def _bytes(known: pl.DataFrame) -> bytes:
    body = io.BytesIO()
    # Offsets instead of views: the same values are the same bytes.
    known.rechunk().write_ipc_stream(body, compat_level=pl.CompatLevel.oldest())
    return body.getvalue()


def _owned(known: pl.DataFrame) -> pl.DataFrame:
    """What is known, without the batch that it comes from."""
    return pl.read_ipc_stream(io.BytesIO(_bytes(known)))
