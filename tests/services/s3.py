"""What is in a bucket, as the library sees it that everybody has."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import botocore.session
import zstandard
from botocore.config import Config
from servers import Server

KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "testtest"}
"""Environment of who may write."""


@dataclass
class Store:
    """An S3 server."""

    url: str
    server: Server

    @property
    def port(self) -> int:
        found = urlsplit(self.url).port
        assert found is not None
        return found

    @cached_property
    def client(self) -> Any:
        return botocore.session.get_session().create_client(
            "s3",
            region_name="us-east-1",
            endpoint_url=self.url,
            aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
            config=Config(s3={"addressing_style": "path"}),
        )

    def bucket(self) -> str:
        """A new one."""
        name = f"logs-{uuid.uuid4().hex[:12]}"
        self.client.create_bucket(Bucket=name)
        return name

    def objects(self, bucket: str) -> dict[str, bytes]:
        """Key → bytes, without claims."""
        found: dict[str, bytes] = {}
        for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for item in page.get("Contents", []):
                if "_pipe/" not in item["Key"]:
                    found[item["Key"]] = self.client.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
        return found

    def text(self, bucket: str) -> bytes:
        """All objects, unpacked, in the order of their keys."""
        return b"".join(unpacked(data) for _, data in sorted(self.objects(bucket).items()))


def unpacked(data: bytes) -> bytes:
    if not data.startswith(b"\x28\xb5\x2f\xfd"):
        return data
    return zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True).read()
