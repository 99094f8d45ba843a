"""Objects: each created once, whole or in parts, under a key that says what is in it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline import api

from ...clients import aws

PART = 16 << 20
"""Bytes of a part, and of the largest object that is sent at once. A multiple of the service's least."""

MOST_PARTS = 10_000
"""Parts that an object may have."""

HASH = "pipe-sha256"
"""Metadata of an object: the SHA-256 of the segment that it is made of."""

THERE = frozenset({"PreconditionFailed", "412"})
"""Codes for a key that has an object already."""

Finish = Callable[[Iterable[bytes], str], Iterable[bytes]]


@dataclass(frozen=True)
class Place:
    """A bucket, and a key or the beginning of one."""

    bucket: str
    key: str

    @classmethod
    def of(cls, url: str) -> Place:
        bucket, _, key = url.removeprefix("s3://").partition("/")
        return cls(bucket, key)

    @property
    def named(self) -> dict[str, str]:
        return {"Bucket": self.bucket, "Key": self.key}


class Objects:
    """Puts segments into buckets; every object is created with `headers`."""

    def __init__(self, client: Any, ctx: api.Context, headers: Mapping[str, str]) -> None:  # noqa: ANN401 — made at run time
        self._client = client
        self._ctx = ctx
        self._headers = headers
        self._begun: dict[Place, str] = {}
        """Objects in parts that this life has begun or found, with their upload ids."""

    async def put(self, segment: api.Segment, finish: Finish | None) -> api.Result:
        """Create the object of a segment, or find that it is there. With `finish`, its bytes are what that makes of the segment's.

        Raises ConfigurationError where the key has other bytes."""
        place = Place.of(segment.name)
        blocks = _blocks(segment, finish, self._ctx)
        try:
            first = await self._ctx.run(next, blocks, b"")
            second = await self._ctx.run(next, blocks, b"")
            if second:
                await self._put_parts(place, segment, _again(first, second, blocks))
            else:
                await self._put_whole(place, segment, first)
        except aws.failures() as error:
            if aws.code(error) not in THERE:
                return aws.again(error)
            return await self._there(place, segment)
        return api.Result()

    async def _put_whole(self, place: Place, segment: api.Segment, body: bytes) -> None:
        await self._client.put_object(
            **place.named,
            Body=body,
            IfNoneMatch="*",
            ChecksumSHA256=_sum(body),
            Metadata={HASH: segment.sha256},
            **self._headers,
        )

    async def _put_parts(self, place: Place, segment: api.Segment, blocks: Iterator[bytes]) -> None:
        """Send what is not there yet of an object, in parts, and complete it. What fails on the way is gone on with next time."""
        if place not in self._begun:
            self._begun[place] = await self._find(place) or await self._begin(place, segment)
        upload = {**place.named, "UploadId": self._begun[place]}
        try:
            there = await self._parts(upload)
            parts = []
            number = 0
            while block := await self._ctx.run(next, blocks, b""):
                number += 1
                parts.append({**await self._part(upload, number, block, there.get(number)), "PartNumber": number})
            await self._client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts}, IfNoneMatch="*")
        except aws.failures() as error:
            if aws.code(error) in THERE:
                await self._abort(upload)
            if aws.code(error) in THERE | {"NoSuchUpload"}:
                del self._begun[place]
            raise
        del self._begun[place]

    async def _begin(self, place: Place, segment: api.Segment) -> str:
        begun = await self._client.create_multipart_upload(
            **place.named, ChecksumAlgorithm="SHA256", Metadata={HASH: segment.sha256}, **self._headers
        )
        return str(begun["UploadId"])

    async def _find(self, place: Place) -> str | None:
        """An upload of this object that an earlier life began; None where there is none, or we may not know."""
        try:
            found = await self._client.list_multipart_uploads(Bucket=place.bucket, Prefix=place.key)
        except aws.failures() as error:
            if aws.status(error) in (403, 501):
                return None
            raise
        uploads = [upload for upload in found.get("Uploads") or [] if upload["Key"] == place.key]
        return str(max(uploads, key=lambda upload: upload["Initiated"])["UploadId"]) if uploads else None

    async def _parts(self, upload: Mapping[str, str]) -> dict[int, Mapping[str, Any]]:
        """The parts that are there, by number."""
        found: dict[int, Mapping[str, Any]] = {}
        marker = 0
        while True:
            try:
                page = await self._client.list_parts(**upload, PartNumberMarker=marker)
            except aws.failures() as error:
                if aws.status(error) in (403, 501):
                    return {}
                raise
            found.update({part["PartNumber"]: part for part in page.get("Parts") or []})
            if not page.get("IsTruncated"):
                return found
            marker = page["NextPartNumberMarker"]

    async def _part(
        self, upload: Mapping[str, str], number: int, block: bytes, there: Mapping[str, Any] | None
    ) -> dict[str, str]:
        """One part: the one that is there, if it is this one."""
        checksum = _sum(block)
        if there is not None and there.get("ChecksumSHA256") == checksum and there["Size"] == len(block):
            return {"ETag": there["ETag"], "ChecksumSHA256": checksum}
        sent = await self._client.upload_part(**upload, PartNumber=number, Body=block, ChecksumSHA256=checksum)
        return {"ETag": sent["ETag"], "ChecksumSHA256": checksum}

    async def _abort(self, upload: Mapping[str, str]) -> None:
        try:
            await self._client.abort_multipart_upload(**upload)
        except aws.failures() as error:
            self._ctx.log.warning("parts of an object could not be removed", key=upload["Key"], reason=str(error))

    async def _there(self, place: Place, segment: api.Segment) -> api.Result:
        """The key has an object: an earlier try created it, and its reply was lost."""
        try:
            found = await self._client.head_object(**place.named)
        except aws.failures() as error:
            # Who may only write cannot look. The key has the hash of the bytes in it.
            return api.Result() if aws.status(error) == 403 else aws.again(error)
        known = (found.get("Metadata") or {}).get(HASH)
        if known != segment.sha256:
            raise api.ConfigurationError(
                f"{segment.name} is there with other bytes",
                "Something else writes under this prefix. Move that object away: this one is tried again.",
            )
        return api.Result()


def _blocks(segment: api.Segment, finish: Finish | None, ctx: api.Context) -> Iterator[bytes]:
    """The object's bytes, in blocks of the same size but for the last. Blocks the thread."""
    spooled = segment.parts(ctx.files)
    size = max(PART, -(-segment.size // MOST_PARTS))
    waiting = bytearray()
    for part in spooled if finish is None else finish(spooled, segment.form):
        waiting += part
        while len(waiting) >= size:
            yield bytes(waiting[:size])
            del waiting[:size]
    if waiting:
        yield bytes(waiting)


def _again(first: bytes, second: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield second
    yield from rest


def _sum(block: bytes) -> str:
    return base64.b64encode(hashlib.sha256(block).digest()).decode()
