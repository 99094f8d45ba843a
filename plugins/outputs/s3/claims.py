"""Claims: a small object beside the others remembers which life of a state delivers here (`Output.fence`)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pipeline import api

from ...clients import aws
from .objects import THERE, Place

CHANGED = THERE | {"ConditionalRequestConflict", "409"}
"""Codes for a condition that does not hold (any more)."""


class _BlindError(Exception):
    """The store cannot tell who delivers."""


class Claims:
    """The claim of one sink, below the literal part of its prefix."""

    def __init__(self, client: Any, prefix: Place, ctx: api.Context) -> None:  # noqa: ANN401 — made at run time
        self._client = client
        self._prefix = prefix
        self._ctx = ctx
        self._heeds = False
        """The store is known to heed conditions."""
        self._blind = False
        """The store cannot tell who delivers."""

    async def claim(self, writer: api.Writer) -> api.Writer:
        """Raises OSError where the store does not answer."""
        if self._blind:
            return writer
        try:
            return await self._claim(self._place(writer), writer)
        except _BlindError as error:
            self._blind = True
            told = "a copy of the state that delivers here, too, would not be noticed"
            self._ctx.log.warning(told, reason=str(error))
            return writer
        except aws.failures() as error:
            raise ConnectionError(aws.again(error).reason) from error

    async def _claim(self, place: Place, writer: api.Writer) -> api.Writer:
        while True:
            found, tag = await self._look(place)
            if found == writer:
                await self._probe(place, writer)
                return writer
            if found is not None and found.epoch >= writer.epoch:
                return found
            await self._write(place, writer, tag)

    def _place(self, writer: api.Writer) -> Place:
        folder = self._prefix.key.rpartition("/")[0]
        name = f"_pipe/{writer.instance}-{self._ctx.node}.json"
        return Place(self._prefix.bucket, f"{folder}/{name}" if folder else name)

    async def _look(self, place: Place) -> tuple[api.Writer | None, str | None]:
        """The writer that has the destination, with the tag of the object that says so."""
        try:
            found = await self._client.get_object(**place.named)
            async with found["Body"] as body:
                told = json.loads(await body.read())
        except aws.failures() as error:
            # Without the right to list, an object that is not there is a forbidden one.
            if aws.status(error) in (403, 404):
                return None, None
            raise
        return _writer(told), str(found["ETag"])

    async def _write(self, place: Place, writer: api.Writer, tag: str | None) -> None:
        """Take the place of what has this tag, or of nothing, unless something else is there by now."""
        condition = {"IfNoneMatch": "*"} if tag is None else {"IfMatch": tag}
        try:
            await self._client.put_object(
                **place.named, Body=_text(writer), ContentType="application/json", **condition
            )
        except aws.failures() as error:
            if aws.code(error) not in CHANGED:
                raise
            if tag is None and (await self._look(place))[0] is None:
                raise _BlindError("the claim cannot be read: the role needs s3:GetObject on _pipe/") from error

    async def _probe(self, place: Place, writer: api.Writer) -> None:
        """A store that heeds conditions must refuse to create what is there. Asked once."""
        if self._heeds:
            return
        try:
            await self._client.put_object(
                **place.named, Body=_text(writer), ContentType="application/json", IfNoneMatch="*"
            )
        except aws.failures() as error:
            if aws.code(error) not in CHANGED:
                raise
            self._heeds = True
        else:
            raise _BlindError("the store does not heed conditional writes")


def _text(writer: api.Writer) -> bytes:
    return json.dumps({"instance": writer.instance, "epoch": writer.epoch, "nonce": writer.nonce}).encode()


def _writer(told: Mapping[str, Any]) -> api.Writer:
    return api.Writer(str(told["instance"]), int(told["epoch"]), str(told["nonce"]))
