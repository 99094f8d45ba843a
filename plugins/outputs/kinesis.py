"""Records in Kinesis."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from pipeline import api

from ..clients import aws
from .records import Record, Records, read
from .written import Metadata, check_times

AGE = 1_000_000
"""How long (µs) a segment is added to, where nothing else is said."""

SIZE = 8 << 20
"""Bytes of a segment, where nothing else is said."""

COUNT, BYTES = 500, 5 << 20
"""The most records of a request, and their bytes."""

KEY = 256
"""Characters of a partition key, at most."""

TRIES = 8
"""How often the records of a request are sent that the service did not take, before the engine is asked to wait."""

FIRST, LONGEST = 0.1, 5.0
"""Seconds between these tries: twice as many each time, at most so many, by chance some less."""


class Target(api.Options):
    stream: str = api.option("The name of the stream.", min_length=1, max_length=128)
    partition_key: api.Template | None = api.option(
        "What says which shard a record goes to, such as `{client}`. The identity of the event when not given, which "
        "spreads them.",
        default=None,
    )
    format: api.Encoder = api.option("How an event is written: a codec, or a template.", default="json")
    metadata: list[Metadata] = api.option("Metadata to write besides `@timestamp` and `@rid`.", default=[])
    aggregate: api.Size | None = api.option(
        "Put several events into a record, one a line, up to so many bytes: `64KiB`.", default=None
    )
    max_record: api.Size = api.option(
        "The most bytes of a record with its key; a stream may have been set to take up to 10MiB.",
        default=1 << 20,
        ge=1024,
        le=10 << 20,
    )
    roll: api.Roll = api.option(
        "How much is taken up together, and how long events wait for more: `{age: 1s, size: 8MiB}`.",
        default=api.Roll(AGE, size=SIZE),
    )


class Options(aws.Options, Target):
    pass


@dataclass(frozen=True)
class Entry:
    key: str
    data: bytes

    @property
    def size(self) -> int:
        return len(self.data) + len(self.key.encode())


@dataclass
class _Rest:
    """What is left of a segment that was not taken as a whole."""

    name: str
    entries: list[Entry] = field(default_factory=list)


class Kinesis(api.Output[Options]):
    """Records in Kinesis Data Streams, each with one event or several lines.

    Records that the service does not take, because a shard is busy, are sent again alone, with growing pauses. A request
    whose reply is lost, and a segment in the middle of which the process ends, are sent again: events may come twice, each time
    with the same identity. That is the partition key where `partition_key` is not given (the instance of the state and `@rid`;
    of an aggregated record, that of its first event), and `@rid` is in each event with `format: json`. Drop what you have seen. The
    order of events is kept but for those that are sent again.

    An event that is too large for a record is refused as `too_large`.

    It needs `kinesis:PutRecords`.

    Needs the extra: `pip install 'pipe-engine[kinesis]'`."""

    name = "kinesis"
    options_model = Options
    example = """
source access = generate(count: 100)
transform parsed = access | grok('%{NGINX_COMBINED}')
sink away = parsed -> kinesis("access", partition_key: "{remote_addr}")
"""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        if options.partition_key is not None:
            check_times(options.partition_key, "partition_key")
        if options.aggregate is not None and options.aggregate > options.max_record:
            raise api.OptionError(f"a record has at most {options.max_record:,} bytes", "aggregate", "make it smaller")
        aws.check(options)
        self._json = options.format.name == "json"
        metadata: list[Metadata] = ["@rid", *options.metadata] if self._json else options.metadata
        self._records = Records(options.format, options.partition_key, metadata)
        roll = replace(options.roll, age=options.roll.age or AGE, size=options.roll.size or SIZE)
        self._layout = api.Layout(roll=roll)
        self._service = aws.Client("kinesis", "kinesis", options)
        self._client: Any = None
        self._ctx: api.Context | None = None
        self._instance = ""
        self._rest: _Rest | None = None

    def schema(self, columns: api.Columns) -> None:
        self._records.accept(columns)
        self._layout = replace(self._layout, form=self._records.form)

    def warnings(self) -> Sequence[tuple[str | None, str, str]]:
        if self._json or (self.options.partition_key is None and self.options.aggregate is None):
            return ()
        told = "nothing in a record tells an event that comes twice"
        return (("format", told, "use `format: json`, which has `@rid`"),)

    def guarantee(self) -> tuple[api.Guarantee, str]:
        return "at least once", "a request whose reply is lost is sent again; the identity of events tells"

    @property
    def layout(self) -> api.Layout:
        return self._layout

    def uses(self) -> frozenset[str] | None:
        return self._records.uses()

    async def open(self, ctx: api.Context) -> None:
        self._client = await self._service.open()
        self._ctx = ctx

    async def close(self) -> None:
        await self._service.close()

    def encode(self, frame: pl.DataFrame) -> bytes:
        return self._records.encode(frame)

    async def fence(self, writer: api.Writer) -> api.Writer:
        """The service remembers nobody. The state's name is a part of the identity of events."""
        self._instance = writer.instance
        return writer

    async def deliver(self, segment: api.Segment) -> api.Result:
        ctx = self._ctx
        if ctx is None:
            raise ValueError("deliver before open")
        records = await ctx.run(lambda: list(read(segment.read(ctx.files))))
        entries, refused = await ctx.run(self._entries, records)
        if self._rest is None or self._rest.name != segment.name:
            self._rest = _Rest(segment.name, entries)
        rest = self._rest
        while rest.entries:
            request = _request(rest.entries)
            left, result = await self._put(ctx, request)
            rest.entries[: len(request)] = left
            if not result.accepted:
                return result
        self._rest = None
        return api.Result(refused=refused)

    async def _put(self, ctx: api.Context, entries: list[Entry]) -> tuple[list[Entry], api.Result]:
        """Those that the service has not taken, and why not."""
        pause = FIRST
        for left in reversed(range(TRIES)):
            rows = [{"Data": entry.data, "PartitionKey": entry.key} for entry in entries]
            try:
                reply = await self._client.put_records(StreamName=self.options.stream, Records=rows)
            except aws.failures() as error:
                return entries, _again(error, self.options.stream)
            told = reply.get("Records") or []
            if len(told) != len(entries):
                return entries, api.Result(accepted=False, reason="the answer does not say what became of each record")
            failed = [(entry, found) for entry, found in zip(entries, told, strict=True) if found.get("ErrorCode")]
            if not failed:
                return [], api.Result()
            entries = [entry for entry, _ in failed]
            ctx.metrics.count("kinesis.retried", len(entries))
            if left:
                # Some less, so that those who were refused together do not come again together.
                await ctx.clock.sleep(pause * (0.5 + int(ctx.unique(), 16) % 1000 / 2000))
                pause = min(pause * 2, LONGEST)
        return entries, api.Result(accepted=False, after=LONGEST, reason=_told(failed[0][1], len(failed)))

    def _entries(self, records: Sequence[Record]) -> tuple[list[Entry], tuple[api.Refusal, ...]]:
        """What is sent, and what is refused. The same for the same segment."""
        most = self.options.max_record
        taken: list[tuple[str, bytes, bytes | None]] = []
        refused = []
        for row, record in enumerate(records):
            id = f"{self._instance}:{record.id}" if self._instance else record.id
            key = _fitting(record.key.decode() if record.key is not None else id)
            size = Entry(key, record.value).size + (self.options.aggregate is not None)
            if size > most:
                told = f"{size:,} bytes with its key, and the most are {most:,}"
                refused.append(api.Refusal(row, "too_large", told))
            else:
                taken.append((key, record.value, record.key))
        if self.options.aggregate is None:
            return [Entry(key, value) for key, value, _ in taken], tuple(refused)
        return list(_aggregated(taken, self.options.aggregate)), tuple(refused)


def _aggregated(taken: Sequence[tuple[str, bytes, bytes | None]], most: int) -> Iterator[Entry]:
    """Lines of events with the same key, or of any without one, under the key of the first. In the order of the first events."""
    open_: dict[bytes | None, int] = {}
    made: list[tuple[str, bytearray]] = []
    for key, value, given in taken:
        at = open_.get(given)
        if at is None or len(made[at][1]) + len(value) + 1 + len(made[at][0].encode()) > most:
            at = open_[given] = len(made)
            made.append((key, bytearray()))
        made[at][1].extend(value + b"\n")
    return (Entry(key, bytes(data)) for key, data in made)


def _request(entries: Sequence[Entry]) -> list[Entry]:
    """As many as a request may have, and at least one."""
    size = 0
    for count, entry in enumerate(entries[:COUNT]):
        size += entry.size
        if count and size > BYTES:
            return list(entries[:count])
    return list(entries[:COUNT])


def _fitting(key: str) -> str:
    """A partition key; a long one is cut, and ends in its hash."""
    if not key:
        return "_"
    return key if len(key) <= KEY else f"{key[: KEY - 17]}-{hashlib.blake2b(key.encode(), digest_size=8).hexdigest()}"


def _told(found: Mapping[str, Any], count: int) -> str:
    return f"{count:,} records were not taken: {found.get('ErrorCode')}: {found.get('ErrorMessage', '')}"


def _again(error: BaseException, stream: str) -> api.Result:
    result = aws.again(error)
    if aws.code(error) == "ResourceNotFoundException":
        return replace(result, after=5.0, reason=f"{result.reason}; create the stream {stream}")
    return result
