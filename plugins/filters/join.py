"""Add what a slow stream has said of a key."""

from __future__ import annotations

import hashlib
import io
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import polars as pl

from pipeline import api
from pipeline.api.tables import Tabled, TheirField, TheirKeyField, Upstream

from .holding import owned, read

KEY, AT, HIT, ROW = "@key", "@at", "@hit", "@row"

KEYS = ("string", "int", "bool", "time", "duration", "json")

LOST = struct.Struct("<Q")


class Options(api.Options):
    table: Upstream = api.option("The stream whose events make the table: a source or a transform, or a port of one.")
    on: api.Field = api.option("The field of an event whose value is looked for.")
    key: TheirKeyField = api.option(
        "The field of the table that has the keys; without it, the one that is called like the field of the event.",
        default=None,
    )
    columns: tuple[TheirField, ...] = api.option(
        "The fields of the table to add; without it all but the key. Metadata such as `@timestamp` has to be set as a field there first.",
        default=(),
    )
    version: Literal["time", "latest"] = api.option(
        "Which event of the table counts for a key: the last one up to the time of the event (`time`), or the one with the latest time "
        "of all that have come so far (`latest`).",
        default="time",
    )
    ttl: api.Duration | None = api.option(
        "For how long after its time an event of the table counts; `null` for ever.", default=None, ge=1
    )
    missing: Literal["keep", "reject"] = api.option(
        "What becomes of an event for which the table has nothing: `keep` gives null, `reject` rejects it.",
        default="keep",
    )
    count: int = api.option(
        "How many events of the table are kept, over all keys; of more, those with the earliest times leave.",
        default=10_000,
        ge=1,
        le=1_000_000,
    )
    into: api.NewName | None = api.option(
        "Nest the columns under this name; without it they become fields.", default=None, min_length=1, pattern="^[^@]"
    )


@dataclass(frozen=True)
class Known:
    """The table: its versions (KEY, AT in µs, columns), by time; and how many have left because there were more than `count`."""

    versions: pl.DataFrame
    lost: int = 0


class Join(Tabled[Options, Known]):
    """Adds what the events of another stream of the program have said of a key: `join(users, on: user, key: id, columns: [team])`.

    The other stream is a table with versions: each of its events says what holds of its key from its `@timestamp` on. An
    event gets the fields of the last one whose time is not after its own; with `version: latest` of the one with the latest time,
    whatever the time of the event itself. Choose that where the times of the table say when it was read, and
    the events are older. Of two with the same key and time the one that came last counts. A value that is null is one, too: it hides
    the values before it. Use `lookup` for a table that is a file of its own.

    An event whose key is null, or of which the table says nothing, gets null; with `missing: reject` it is rejected (`not_in_table`), and
    `pipe dlq retry` asks the table again. Events of the table without a key are rejected (`no_key`). The others are `joined` in the ledger.

    The table is one, for the events of all files and sources. It is committed in the transaction in which its events are,
    so that after a crash it is what it was. When the program starts, what is there of the table is read before
    the first event, and of what is committed together the events of the table come first. A later one changes nothing that was
    computed already: only events that are computed after it see it.

    `count` events of the table are kept; those with the earliest times leave first, whatever their keys. So choose it above the
    number of keys and of the changes that late events are to see. Their number is the figure `join.lost` of `pipe top --node NAME`, beside
    `join.versions`. All that is kept is in memory, and written in each commit that has events of the table. Another key or other columns
    begin with an empty table; other options go on with the one that is there."""

    name = "join"
    options_model = Options
    example = """
source access = generate(count: 100)
transform parsed = access | grok('%{NGINX_COMBINED}')
transform agents = parsed | where(status == 200) | keep(remote_addr, user_agent)
transform known  = parsed | join(agents, on: remote_addr, into: before) | keep(path, before)
sink out = known -> console()
"""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._columns = _columns(options)
        self._types = {KEY: options.on.type, AT: api.INT, **{name: kind for name, (_, kind) in self._columns.items()}}
        self._metrics: api.Meter | None = None

    def __reduce__(self) -> tuple[object, ...]:
        return Join, (self.options,)

    async def open(self, ctx: api.Context) -> None:
        self._metrics = ctx.metrics

    def schema(self, columns: api.Columns) -> api.Columns:
        on, key = self.options.on, self.options.key
        if on.type != key.type:
            told = f"{on.name} is of type {on.type}, and {key.name} of {self.options.table} is of type {key.type}: they never meet"
            plain = key.type.kind in KEYS
            raise api.OptionError(
                told, "key", f"convert one first: set {{ k = {key.type.kind}({on.name}) }}" if plain else ""
            )
        if on.type.kind not in KEYS:
            raise api.OptionError(f"{on.name} is of type {on.type}, which cannot be a key", "on", "convert it first")
        if self.options.table.columns.open and not self.options.columns:
            told = f"{self.options.table} has fields that nobody has named"
            raise api.OptionError(told, "table", "name those that are to be added: columns: […]")
        if not self._columns:
            raise api.OptionError(f"{self.options.table} has no field to add", "table")
        if self.options.into is not None:
            return columns.with_field((self.options.into,), api.record(self._added))
        for name, kind in self._added.items():
            # In an open record nobody can say whether there is a member of that name: it makes room, as for `set`.
            if name in columns.fields and not (columns.open and columns.fields[name].kind == "json"):
                told = f"the event has a field {name} already"
                raise api.OptionError(told, "columns", "leave it out, rename it there, or nest the columns: into: …")
            columns = columns.with_field((name,), kind)
        return columns

    @property
    def _added(self) -> dict[str, api.Type]:
        return {name: kind for name, (_, kind) in self._columns.items()}

    @property
    def fingerprint(self) -> str:
        """Of what the table is made of. What is asked of it may change."""
        told = [
            str(self.options.table),
            self.options.key.path,
            *((name, str(kind)) for name, kind in self._types.items()),
        ]
        return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode()).hexdigest()[:16]

    def describe(self) -> Mapping[str, str]:
        options = self.options
        which = "the last before the event" if options.version == "time" else "the latest"
        return {"table": f"{options.table} by {options.key.name}, {which}; {options.count:,} events of it at most"}

    def empty(self) -> Known:
        return Known(pl.DataFrame(schema={name: api.dtype(kind) for name, kind in self._types.items()}))

    def learn(self, state: Known, batch: api.Batch) -> tuple[Known, api.Batch]:
        keys = self.options.key.values(batch.frame)
        batch = batch.reject(keys.is_null(), "no_key", field=self.options.key.name)
        if batch.frame.height == 0:
            return state, batch
        rows = batch.frame.select(
            self.options.key.polars.alias(KEY),
            pl.col("@timestamp").to_physical().alias(AT),
            *(field.polars.alias(name) for name, (field, _) in self._columns.items()),
        )
        same = [KEY, AT] if self.options.version == "time" else [KEY]
        versions = pl.concat([state.versions, owned(rows.cast(state.versions.schema))])
        # Which are kept depends on which there were, not on when they came: but for two of one key and time.
        versions = versions.sort(AT, maintain_order=True).unique(same, keep="last").sort(AT, KEY)
        lost = max(0, versions.height - self.options.count)
        after = Known(versions[lost:].rechunk(), state.lost + lost)
        if self._metrics is not None:
            self._metrics.gauge("join.versions", after.versions.height)
            self._metrics.gauge("join.lost", after.lost)
        return after, batch

    def step(self, state: Known, batch: api.Batch, now: int) -> tuple[Known, api.Batch]:
        asked = pl.DataFrame([self.options.on.values(batch.frame).alias(KEY), _times(batch.frame)])
        found = self._at(state.versions, asked) if self.options.version == "time" else self._latest(state, asked)
        into = self.options.into
        if into is None:
            batch = batch.with_columns(*(found.get_column(name) for name in self._added))
        else:
            nested = found.select(pl.when(HIT).then(pl.struct(*self._added)).alias(into))
            batch = batch.with_columns(nested.to_series())
        if self.options.missing == "reject":
            batch = batch.reject(found.get_column(HIT).is_null(), "not_in_table", field=self.options.on.name)
        return state, batch

    def _at(self, versions: pl.DataFrame, asked: pl.DataFrame) -> pl.DataFrame:
        """The last version up to the time of each row."""
        left = asked.with_row_index(ROW).sort(AT, maintain_order=True)
        right = versions.with_columns(pl.lit(value=True).alias(HIT))
        found = left.join_asof(
            right, on=AT, by=KEY, strategy="backward", tolerance=self.options.ttl, check_sortedness=False
        )
        return found.sort(ROW)

    def _latest(self, state: Known, asked: pl.DataFrame) -> pl.DataFrame:
        """The latest version for each row."""
        latest = (
            state.versions.unique(KEY, keep="last").rename({AT: "@since"}).with_columns(pl.lit(value=True).alias(HIT))
        )
        found = asked.join(latest, on=KEY, how="left", maintain_order="left")
        if self.options.ttl is None:
            return found
        over = pl.col(AT) - pl.col("@since") > self.options.ttl
        return found.with_columns(pl.when(~over).then(pl.col(name)).alias(name) for name in (*self._added, HIT))

    def dump(self, state: Known) -> bytes:
        body = io.BytesIO()
        state.versions.write_ipc_stream(body, compression="zstd")
        return LOST.pack(state.lost) + body.getvalue()

    def load(self, data: bytes, version: int) -> Known:
        if version != self.state_version or len(data) <= LOST.size:
            raise ValueError(f"{len(data)} bytes of version {version} are not a table of join")
        versions = read(data[LOST.size :])
        if versions.schema != self.empty().versions.schema:
            raise ValueError("the table has other columns")
        return Known(versions, *LOST.unpack(data[: LOST.size]))


def _times(frame: pl.DataFrame) -> pl.Series:
    return frame.get_column("@timestamp").to_physical().alias(AT)


def _columns(options: Options) -> dict[str, tuple[api.Field, api.Type]]:
    """What is added: name → the field of the table, and its type."""
    table = options.table.columns
    fields = options.columns or [
        api.Field((name,), kind)
        for name, kind in table.fields.items()
        if (name,) != options.key.path and not name.startswith("@")
    ]
    found: dict[str, tuple[api.Field, api.Type]] = {}
    for field in fields:
        name = field.path[-1]
        if name in found:
            raise api.OptionError(f"{name} is there twice", "columns", "name each field once")
        if name.startswith("@"):
            told = f"{name} is metadata of the table's events, and would be that of the event"
            raise api.OptionError(told, "columns", f"set it as a field there: set {{ since = {name} }}")
        found[name] = (field, field.type)
    return found
