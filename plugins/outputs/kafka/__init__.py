"""Messages in Kafka."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from typing import Any

import polars as pl

from pipeline import api

from ...clients import kafka
from ..records import Records, read
from ..written import Metadata, check_times
from .batches import Compression, messages
from .sessions import Session

LONGEST = 50.0
"""Seconds that a delivery may take. Less than a transaction may."""

AGE = 1_000_000
"""How long (µs) a segment is added to, where nothing else is said."""

SIZE = 8 << 20
"""Bytes of a segment, where nothing else is said."""

NAME = re.compile(r"[A-Za-z0-9._-]*")
FOREIGN = re.compile(r"%[0-9A-F]{2}|[^A-Za-z0-9._-]")
LENGTH = 249
"""Of a topic's name, at most."""


class Target(api.Options):
    topic: api.Template = api.option("The topic, which begins with a text: `logs` or `logs-{service}`.")
    key: api.Template | None = api.option(
        "The key of each message, such as `{client}`: those with the same key are in one partition, in their order. An empty one is "
        "no key.",
        default=None,
    )
    format: api.Encoder = api.option("How an event is written: a codec, or a template.", default="json")
    metadata: list[Metadata] = api.option("Metadata to write besides `@timestamp`.", default=[])
    compression: Compression = api.option("`none`, `gzip`, `snappy`, `lz4` or `zstd`.", default="zstd")
    transactional: bool = api.option(
        "Whether each segment is one transaction, for readers that ask for `read_committed`. Else events may come twice after a "
        "crash, with the same `pipe-id`.",
        default=True,
    )
    roll: api.Roll = api.option(
        "How much is sent together, and how long events wait for more: `{age: 1s, size: 8MiB}`.",
        default=api.Roll(AGE, size=SIZE),
    )
    max_message: api.Size = api.option(
        "The most bytes of a message with its key and header, before compression. Where the topic's `max.message.bytes` can be read "
        "and is less, that.",
        default=1 << 20,
        ge=1024,
    )


class Options(kafka.Access, Target, kafka.Options):
    pass


class Kafka(api.Output[Options]):
    """Messages in Kafka, one an event.

    A segment of events is sent when it is complete, by age or size. With `transactional` it is one transaction, and the number
    and hash of the segment are committed in it, as the offset of a consumer group `pipe-INSTANCE-SINK` that has no
    consumers. So a segment that comes again after a crash or a lost reply is recognised, and readers with
    `isolation.level=read_committed` see each event once. This holds for as long as brokers keep such an offset (7 days,
    `offsets.retention.minutes`) and needs Kafka 4.0. Without it, or for readers of uncommitted messages, events may
    come twice, each time with the same header `pipe-id`: the instance of the state and `@rid`. An event that a sink gets from two
    upstreams has the same `pipe-id` both times.

    Of two copies of a state the one that delivered last goes on, and the other one stops.

    The topic may have fields in it, behind a literal text. What a topic's name cannot have is `_` there; a name of more than
    249 characters is refused as `bad_topic`. Every topic has segments of its own. Topics must be there, or be made by the brokers.
    Messages have the time at which they were sent; that of the event is in it as `@timestamp`.

    It needs Write and Describe on the topics; for `transactional` Read on them and on groups and Write and Describe on
    transactional ids, both with the prefix `pipe-`. DescribeConfigs on the topics tells it the largest message.

    Needs the extra: `pip install 'pipe-engine[kafka]'`."""

    name = "kafka"
    options_model = Options
    example = """
source access = generate(count: 100)
transform parsed = access | grok('%{NGINX_COMBINED}')
sink away = parsed -> kafka("localhost:9092", "access", key: "{remote_addr}")
"""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        topic = options.topic
        literal = "".join(part for part in topic.parts if isinstance(part, str))
        if not NAME.fullmatch(literal) or literal in (".", ".."):
            raise api.OptionError(f"{topic.text} is no topic", "topic", "a name has letters, digits, `.`, `_` and `-`")
        if not topic.prefix:
            raise api.OptionError(
                "the topic begins with a field, so events could name any topic",
                "topic",
                'begin with a text: "logs-{x}"',
            )
        kafka.demand(options.brokers, options)
        check_times(topic, "topic")
        if options.key is not None:
            check_times(options.key, "key")
        self._records = Records(options.format, options.key, options.metadata)
        roll = replace(options.roll, age=options.roll.age or AGE, size=options.roll.size or SIZE)
        self._layout = api.Layout(path=topic, roll=roll)
        self._cluster = kafka.Cluster(options.brokers, options)
        self._writer = api.Writer("", 0, "")
        self._ctx: api.Context | None = None
        self._session: Session | None = None
        self._fenced = False
        """The last session ended because another producer took its place, or a transaction took too long."""
        self._known: dict[str, str] = {}
        """By topic, the nonce of the last writer that we know of."""
        self._taken: api.Writer | None = None
        """The copy of our state that has the topics now."""

    def schema(self, columns: api.Columns) -> None:
        self._records.accept(columns)
        self._layout = replace(self._layout, form=self._records.form)

    def guarantee(self) -> tuple[api.Guarantee, str]:
        if self.options.transactional:
            return (
                "exactly once",
                "a segment is one transaction that remembers its number, for readers of committed messages",
            )
        return "at least once", "a segment whose reply is lost is sent again; the header pipe-id tells"

    @property
    def layout(self) -> api.Layout:
        return self._layout

    def uses(self) -> frozenset[str] | None:
        used = self._records.uses()
        return None if used is None else used | {hole.field.path[0] for hole in self.options.topic.holes}

    async def open(self, ctx: api.Context) -> None:
        await self._cluster.open(ctx)
        self._ctx = ctx

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def encode(self, frame: pl.DataFrame) -> bytes:
        return self._records.encode(frame)

    async def fence(self, writer: api.Writer) -> api.Writer:
        """Brokers let only the newest producer of a transactional id write. What it wrote tells the others."""
        self._writer = writer
        return self._taken or writer

    async def deliver(self, segment: api.Segment) -> api.Result:
        ctx = self._ctx
        if ctx is None:
            raise ValueError("deliver before open")
        topic = FOREIGN.sub("_", segment.path or self.options.topic.prefix)
        records = await ctx.run(lambda: list(read(segment.read(ctx.files))))
        if len(topic) > LENGTH:
            told = f"its name has {len(topic)} characters, and the most are {LENGTH}: {topic[:60]}…"
            return api.Result(refused=tuple(api.Refusal(row, "bad_topic", told) for row in range(len(records))))
        sound = False
        try:
            async with asyncio.timeout(LONGEST):
                result = await self._send(ctx, segment, topic, records)
            sound = True
        except kafka.failures() as error:
            if isinstance(error, kafka.BrokerError) and error.code in kafka.FENCED:
                self._fenced = True
            if isinstance(error, TimeoutError) and not str(error):
                error = TimeoutError(f"the brokers did not take it within {LONGEST:.0f} seconds")
            return kafka.again(error)
        finally:
            if not sound:
                await self.close()
        return result

    async def _send(self, ctx: api.Context, segment: api.Segment, topic: str, records: list[Any]) -> api.Result:
        options = self.options
        session = self._session or await self._begin(ctx, segment.sink)
        await session.partitions(topic)
        most = min(options.max_message, await session.limit(topic) or options.max_message)
        sent, refused = await ctx.run(messages, records, self._writer.instance, most)
        done = api.Result(refused=refused)
        if not options.transactional:
            await session.send(topic, sent, options.compression, most)
            return done
        mark = await session.mark(topic)
        found = mark.writer or self._writer
        if self._fenced and found.nonce not in (self._writer.nonce, self._known.get(topic, found.nonce)):
            self._taken = found
            return api.Result(accepted=False, reason="a copy of this state delivers to the topic")
        self._fenced = False
        self._known[topic] = found.nonce
        if not mark.has(segment) and sent:
            await session.send(topic, sent, options.compression, most)
            await session.commit(topic, mark.after(segment, self._writer), segment.number)
            self._known[topic] = self._writer.nonce
        return done

    async def _begin(self, ctx: api.Context, sink: str) -> Session:
        """A new session. Where this is cancelled or fails, nothing is left of it but what `close` closes."""
        transactional = f"pipe-{self._writer.instance}-{sink}" if self.options.transactional else None
        self._session = Session(await self._cluster.connect(ctx), ctx, transactional)
        await self._session.begin()
        return self._session
