"""A session: one producer with its connection. The first trouble that does not pass ends it, and the next session takes its place:
brokers then refuse what is still on its way from this one."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from pipeline import api

from ...clients import kafka
from .batches import Compression, Message, Producer, batches
from .marks import Mark

TRANSACTION = 60.0
"""Seconds after which brokers end a transaction by themselves. Longer than a delivery may take."""

TRIES = 40
"""How often a request is sent whose trouble may pass, with PAUSE seconds between."""

PAUSE = 0.25

SHORT = 0.02
"""Seconds between tries where the brokers only finish what was before."""


class Session:
    """`transactional`: the id under which brokers know the producer, which is that of the group for marks, too; None for a producer
    of no transactions, which nobody takes the place of."""

    def __init__(self, client: Any, ctx: api.Context, transactional: str | None) -> None:  # noqa: ANN401 — the library has no types
        self._client = client
        self._ctx = ctx
        self._transactional = transactional
        self._coordinators: dict[bool, int] = {}
        self._producer = Producer(-1, -1, False)
        self._numbers: dict[str, dict[int, int]] = defaultdict(dict)
        self._marks: dict[str, Mark] = {}
        self._limits: dict[str, int | None] = {}
        requests, produce, commit, admin = api.libraries(
            "kafka",
            "aiokafka.protocol.transaction",
            "aiokafka.protocol.produce",
            "aiokafka.protocol.commit",
            "aiokafka.protocol.admin",
        )
        self._requests = requests
        self._produce_request = produce.ProduceRequest
        self._fetch_request = commit.OffsetFetchRequest
        self._describe_request = admin.DescribeConfigsRequest

    async def begin(self) -> None:
        """Take the place of the session before, whose open transaction is ended by that. Raises what `kafka.failures` names."""
        request = self._requests.InitProducerIdRequest(self._transactional, int(TRANSACTION * 1000))

        async def ask() -> Any:  # noqa: ANN401 — the library has no types
            if self._transactional is None:
                return await self._client.send(self._client.get_random_node(), request)
            return await self._ask(request)

        reply = await self._settled(ask, lambda reply: reply.error_code, "a producer cannot begin")
        self._producer = Producer(reply.producer_id, reply.producer_epoch, self._transactional is not None)

    async def close(self) -> None:
        await self._client.close()

    async def partitions(self, topic: str) -> Sequence[int]:
        """Raises BrokerError where there is no such topic."""
        for _ in range(TRIES // 4):
            found = self._client.cluster.partitions_for_topic(topic)
            if found:
                return sorted(found)
            if topic in self._client.cluster.unauthorized_topics:
                raise kafka.BrokerError(29, f"topic {topic}")
            await self._client.add_topic(topic)
            await self._client.force_metadata_update()
            await self._ctx.clock.sleep(PAUSE / 2)
        raise kafka.BrokerError(3, f"topic {topic}")

    async def limit(self, topic: str) -> int | None:
        """The bytes that a batch may have, if we may know."""
        if topic not in self._limits:
            name = "max.message.bytes"
            reply = await self._client.send(
                self._client.get_random_node(), self._describe_request([(2, topic, [name])])
            )
            found = [entry[1] for resource in reply.resources for entry in resource[4] if entry[0] == name]
            self._limits[topic] = int(found[0]) if found and found[0] else None
        return self._limits[topic]

    async def mark(self, topic: str) -> Mark:
        """Read once: later ones are ours."""
        if topic not in self._marks:
            request = self._fetch_request(self._transactional, [(topic, [0])])
            reply = await self._settled(
                lambda: self._ask(request, group=True),
                lambda reply: next((row[3] for _, rows in reply.topics for row in rows if row[3]), reply.error_code),
                "the mark cannot be read",
            )
            told = [row[2] for _, rows in reply.topics for row in rows if row[1] >= 0]
            self._marks[topic] = Mark.of(told[0] if told else None)
        return self._marks[topic]

    async def send(self, topic: str, sent: Sequence[Message], compression: Compression, most: int) -> None:
        """Store messages: at once, or as a part of the transaction that `commit` ends."""
        partitions = await self.partitions(topic)
        numbers = self._numbers[topic]
        now = self._ctx.clock.now() // 1000
        queues = await self._ctx.run(batches, sent, self._producer, numbers, partitions, compression, most, now)
        if self._transactional is not None:
            request = self._requests.AddPartitionsToTxnRequest(
                self._transactional, self._producer.id, self._producer.epoch, [(topic, sorted(queues))]
            )
            await self._settled(
                lambda: self._ask(request),
                lambda reply: max((code for _, rows in reply.errors for _, code in rows if code != 55), default=0),
                f"topic {topic}",
            )
        tries = 0
        while queues:
            done = await self._round(topic, {partition: queue[0] for partition, queue in queues.items()})
            for partition in done:
                queues[partition].pop(0)
                if not queues[partition]:
                    del queues[partition]
            tries = 0 if done else tries + 1
            if queues and not done:
                if tries >= TRIES:
                    raise TimeoutError(f"topic {topic}: no partition takes anything")
                await self._ctx.clock.sleep(PAUSE)
                await self._client.force_metadata_update()

    async def commit(self, topic: str, mark: Mark, number: int) -> None:
        """End the transaction, with the mark in it. When it raises, nobody knows whether it was: the next session finds out."""
        producer = (self._producer.id, self._producer.epoch)
        add = self._requests.AddOffsetsToTxnRequest(self._transactional, *producer, self._transactional)
        await self._settled(lambda: self._ask(add), lambda reply: reply.error_code, "the mark")
        offset = self._requests.TxnOffsetCommitRequest(
            self._transactional, self._transactional, *producer, [(topic, [(0, number, mark.text())])]
        )
        await self._settled(
            lambda: self._ask(offset, group=True),
            lambda reply: max((code for _, rows in reply.errors for _, code in rows), default=0),
            "the mark",
        )
        end = self._requests.EndTxnRequest(self._transactional, *producer, True)
        await self._settled(lambda: self._ask(end), lambda reply: reply.error_code, "the transaction")
        self._marks[topic] = mark

    async def _round(self, topic: str, firsts: dict[int, bytes]) -> list[int]:
        """Send one batch to each of the partitions. Gives those that have it; raises for what does not pass."""
        (structs,) = api.libraries("kafka", "aiokafka.structs")
        leaders: dict[int, list[tuple[int, bytes]]] = defaultdict(list)
        for partition, batch in firsts.items():
            leader = self._client.cluster.leader_for_partition(structs.TopicPartition(topic, partition))
            if leader is not None and leader != -1:
                leaders[leader].append((partition, batch))
        replies = await asyncio.gather(
            *(self._client.send(leader, self._request(topic, rows)) for leader, rows in leaders.items()),
            return_exceptions=True,
        )
        done = []
        for reply in replies:
            if isinstance(reply, BaseException):
                if not getattr(reply, "retriable", False):
                    raise reply
                continue
            for row in (row for _, rows in reply.topics for row in rows):
                # 46: it is there already.
                if row[1] in (0, 46):
                    done.append(row[0])
                elif row[1] not in kafka.PASSING:
                    raise kafka.BrokerError(row[1], f"topic {topic}")
        return done

    def _request(self, topic: str, rows: list[tuple[int, bytes]]) -> object:
        return self._produce_request(self._transactional, -1, int(kafka.REQUEST * 1000), [(topic, rows)])

    async def _settled(self, ask: Callable[[], Awaitable[Any]], code: Callable[[Any], int], what: str) -> Any:  # noqa: ANN401 — the library has no types
        """A reply without an error, after some tries where the brokers are not ready."""
        for left in reversed(range(TRIES)):
            reply = await ask()
            found = code(reply)
            if not (left and found in kafka.BUSY | {3}):
                break
            if found != 51:
                self._coordinators.clear()
            await self._ctx.clock.sleep(SHORT if found == 51 and left > TRIES // 2 else PAUSE)
        kafka.check(found, what)
        return reply

    async def _ask(self, request: object, *, group: bool = False) -> Any:  # noqa: ANN401 — the library has no types
        """Of the coordinator of our transactions, or of our group."""
        (library,) = api.libraries("kafka", "aiokafka.client")
        kinds = library.CoordinationType
        if group not in self._coordinators:
            self._coordinators[group] = await self._coordinator(kinds.GROUP if group else kinds.TRANSACTION)
        return await self._client.send(self._coordinators[group], request, group=library.ConnectionGroup.COORDINATION)

    async def _coordinator(self, kind: int) -> int:
        (errors,) = api.libraries("kafka", "aiokafka.errors")
        for left in reversed(range(TRIES)):
            try:
                return int(await self._client.coordinator_lookup(kind, self._transactional))
            except errors.GroupCoordinatorNotAvailableError:
                # It is made when somebody asks for the first time.
                if not left:
                    raise
                await self._ctx.clock.sleep(PAUSE)
        raise AssertionError("the last try returns or raises")
