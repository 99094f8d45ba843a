"""What is in a stream of Kinesis, as the library sees it that everybody has."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import botocore.session

KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "testtest", "AWS_DEFAULT_REGION": "us-east-1"}
"""Environment of who may write."""

QUICK = {
    f"{what}_DURATION": "50ms"
    for what in ("CREATE_STREAM", "DELETE_STREAM", "SPLIT_SHARD", "MERGE_SHARDS", "UPDATE_SHARD_COUNT")
}
"""Environment of a server that does not take the time that the real one takes."""


@dataclass(frozen=True)
class Record:
    shard: str
    key: str
    data: bytes


@dataclass
class Streams:
    """A server that speaks like Kinesis."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @cached_property
    def client(self) -> Any:
        return botocore.session.get_session().create_client(
            "kinesis",
            region_name="us-east-1",
            endpoint_url=self.url,
            aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        )

    def stream(self, name: str = "", shards: int = 3) -> str:
        """A new one."""
        name = name or f"logs-{uuid.uuid4().hex[:12]}"
        self.client.create_stream(StreamName=name, ShardCount=shards)
        self._wait(name)
        return name

    def _wait(self, name: str) -> None:
        deadline = time.monotonic() + 30
        summary = {"StreamStatus": "CREATING"}
        while summary["StreamStatus"] != "ACTIVE":
            assert time.monotonic() < deadline
            time.sleep(0.05)
            summary = self.client.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]

    def records(self, name: str) -> list[Record]:
        """All that is there, in the order of each shard."""
        found: list[Record] = []
        for shard in self.client.list_shards(StreamName=name)["Shards"]:
            place = {"StreamName": name, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
            iterator = self.client.get_shard_iterator(**place)["ShardIterator"]
            while True:
                page = self.client.get_records(ShardIterator=iterator, Limit=10_000)
                found += [Record(shard["ShardId"], row["PartitionKey"], row["Data"]) for row in page["Records"]]
                if not page["Records"]:
                    break
                iterator = page["NextShardIterator"]
        return found
