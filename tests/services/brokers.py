"""A broker of Kafka, and what is in its topics for who reads committed messages."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.structs import OffsetAndMetadata
from servers import Server, fetched, free_port

T = TypeVar("T")

PATIENCE = 30
"""Seconds that reading may take."""

SETTINGS = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{control}
listeners=PLAINTEXT://127.0.0.1:{port},SASL_PLAINTEXT://127.0.0.1:{sasl},CUT://127.0.0.1:{behind},CONTROLLER://127.0.0.1:{control}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},SASL_PLAINTEXT://127.0.0.1:{sasl},CUT://127.0.0.1:{cut}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,CUT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
sasl.enabled.mechanisms=PLAIN
listener.name.sasl_plaintext.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_pipe="right";
log.dirs={folder}/data
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=2
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=2
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
num.network.threads=2
num.io.threads=2
log.cleaner.dedupe.buffer.size=2097152
"""


@dataclass(frozen=True)
class Message:
    topic: str
    partition: int
    key: bytes | None
    value: bytes
    id: str


@dataclass
class Broker:
    """A cluster of one. Who comes to `behind` is told that it is at `cut`, where a test puts its proxy."""

    port: int
    sasl: int
    behind: int
    cut: int
    server: Server

    @property
    def url(self) -> str:
        return f"127.0.0.1:{self.port}"

    def topic(self, *, partitions: int = 3, name: str = "", **settings: str) -> str:
        """A new one."""
        name = name or f"logs-{uuid.uuid4().hex[:12]}"

        async def make(admin: Any) -> None:
            await admin.create_topics([NewTopic(name, partitions, 1, topic_configs=settings)])

        self._administer(make)
        return name

    def messages(self, *topics: str) -> list[Message]:
        """All that is committed, in the order of each partition. Waits for transactions that are open."""

        async def read() -> list[Message]:
            settings = {"bootstrap_servers": self.url, "enable_auto_commit": False, "auto_offset_reset": "earliest"}
            everything = AIOKafkaConsumer(*topics, isolation_level="read_uncommitted", **settings)
            consumer = AIOKafkaConsumer(*topics, isolation_level="read_committed", **settings)
            await everything.start()
            await consumer.start()
            try:
                ends = await everything.end_offsets(everything.assignment())
                assert {place.topic for place in ends} == set(topics)
                while await consumer.end_offsets(ends) != ends:  # noqa: ASYNC110 — a broker tells nobody
                    await asyncio.sleep(0.05)
                found: list[Message] = []
                while any([await consumer.position(place) < end for place, end in ends.items()]):
                    for rows in (await consumer.getmany(timeout_ms=100)).values():
                        found += [
                            Message(row.topic, row.partition, row.key, row.value, dict(row.headers)["pipe-id"].decode())
                            for row in rows
                        ]
                return found
            finally:
                await everything.stop()
                await consumer.stop()

        return asyncio.run(_timed(read()))

    def forget(self, sink: str, topic: str) -> None:
        """What was committed of a sink (the name of its group and of its transactions) is not known any more."""

        async def commit() -> None:
            place = TopicPartition(topic, 0)
            producer = AIOKafkaProducer(bootstrap_servers=self.url, transactional_id=sink)
            consumer = AIOKafkaConsumer(bootstrap_servers=self.url, group_id=sink, enable_auto_commit=False)
            # Which ends transactions that are open: they would be applied later.
            await producer.start()
            await producer.stop()
            await consumer.start()
            consumer.assign([place])
            await consumer.commit({place: OffsetAndMetadata(0, "")})
            await consumer.stop()

        asyncio.run(_timed(commit()))

    def _administer(self, work: Callable[[Any], Awaitable[T]]) -> T:
        async def run() -> T:
            admin = AIOKafkaAdminClient(bootstrap_servers=self.url)
            await admin.start()
            try:
                return await work(admin)
            finally:
                await admin.close()

        return asyncio.run(_timed(run()))


async def _timed(work: Any) -> Any:
    return await asyncio.wait_for(work, PATIENCE)


def broker(folder: Path) -> Broker:
    """One that is not started. Its storage is formatted."""
    libraries = fetched("kafka", "lib")
    port, sasl, behind, cut, control = (free_port() for _ in range(5))
    settings = folder / "server.properties"
    settings.write_text(SETTINGS.format(port=port, sasl=sasl, behind=behind, cut=cut, control=control, folder=folder))
    logging = Path(__file__).parent / "kafka" / "log4j2.properties"
    java = [
        "java", "-Xms256m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", f"-Dlog4j2.configurationFile={logging}",
        "-cp", f"{libraries}/*",
    ]  # fmt: skip
    format_ = [*java, "kafka.tools.StorageTool", "format", "-t", "AAAAAAAAAAAAAAAAAAAAAQ", "-c", str(settings)]
    subprocess.run(format_, check=True, capture_output=True, timeout=120)

    def listens() -> bool:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5):
                return True
        except OSError:
            return False

    return Broker(port, sasl, behind, cut, Server(folder, [*java, "kafka.Kafka", str(settings)], listens, {}))
