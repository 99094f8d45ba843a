"""Records to batches, as brokers store them: numbered for each partition, so that one that is sent twice is stored once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pipeline import api

from ..records import Record

Compression = Literal["none", "gzip", "snappy", "lz4", "zstd"]

_CODES: Mapping[Compression, int] = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}

ID = "pipe-id"
"""The header with the identity of an event."""

_WRAPS = 1 << 31


@dataclass(frozen=True)
class Message:
    """A record with its identity among those of all states."""

    key: bytes | None
    value: bytes
    headers: list[tuple[str, bytes]]


@dataclass(frozen=True)
class Producer:
    """Who writes, as brokers know it."""

    id: int
    epoch: int
    transactional: bool


def messages(records: Sequence[Record], instance: str, most: int) -> tuple[list[Message], tuple[api.Refusal, ...]]:
    """What is sent, and what is refused: more than `most` bytes, with all that a broker counts."""
    (library,) = api.libraries("kafka", "aiokafka.record.default_records")
    weigh = library.DefaultRecordBatchBuilder.estimate_size_in_bytes
    taken: list[Message] = []
    refused: list[api.Refusal] = []
    for row, record in enumerate(records):
        headers = [(ID, (f"{instance}:{record.id}" if instance else record.id).encode())]
        size = weigh(record.key, record.value, headers)
        if size > most:
            refused.append(api.Refusal(row, "too_large", f"{size:,} bytes, and the most are {most:,}"))
        else:
            taken.append(Message(record.key, record.value, headers))
    return taken, tuple(refused)


def batches(
    messages: Sequence[Message],
    producer: Producer,
    numbers: dict[int, int],
    partitions: Sequence[int],
    compression: Compression,
    most: int,
    now: int,
) -> dict[int, list[bytes]]:
    """Batches of at most so many bytes before compression, by partition, of messages of `now` (ms). `numbers` has the next number of each partition, and is
    counted up. Messages with a key go where that says, the same as with other clients; the others fill batches in turn.

    Takes a while: call it in a thread."""
    (library,) = api.libraries("kafka", "aiokafka.record.default_records")
    place = _places(partitions)
    made: dict[int, list[bytes]] = {}
    open_: dict[int, Any] = {}
    counts: dict[int, int] = {}
    turn = 0

    def close(partition: int) -> None:
        made.setdefault(partition, []).append(bytes(open_.pop(partition).build()))
        numbers[partition] = (numbers.get(partition, 0) + counts.pop(partition)) % _WRAPS

    def begin(partition: int) -> None:
        open_[partition] = library.DefaultRecordBatchBuilder(
            2,
            _CODES[compression],
            is_transactional=int(producer.transactional),
            producer_id=producer.id,
            producer_epoch=producer.epoch,
            base_sequence=numbers.get(partition, 0),
            batch_size=most,
        )
        counts[partition] = 0

    for message in messages:
        partition = partitions[turn % len(partitions)] if message.key is None else place(message.key)
        for _ in range(2):
            if partition not in open_:
                begin(partition)
            builder = open_[partition]
            if builder.append(counts[partition], now, message.key, message.value, message.headers) is not None:
                counts[partition] += 1
                break
            close(partition)
            if message.key is None:
                turn += 1
                partition = partitions[turn % len(partitions)]
    for partition in list(open_):
        close(partition)
    return made


def _places(partitions: Sequence[int]) -> Callable[[bytes], int]:
    (library,) = api.libraries("kafka", "aiokafka.partitioner")
    known: dict[bytes, int] = {}

    def place(key: bytes) -> int:
        if key not in known:
            known[key] = partitions[(library.murmur2(key) & 0x7FFFFFFF) % len(partitions)]
        return known[key]

    return place
