"""Objects in S3."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal
from urllib.parse import urlencode

import polars as pl

from pipeline import api

from ...clients import aws
from ..written import LARGEST, Compression, Metadata, Written, begun_whole, check_times
from .claims import Claims
from .objects import Objects, Place

AGE = 300_000_000
"""How long (µs) an object is added to, where nothing else is said."""


class Target(api.Options):
    url: api.Template = api.option(
        "Bucket and the beginning of the keys: `s3://bucket/prefix/{@timestamp:%Y/%m/%d/%H}/`."
    )
    format: api.Encoder = api.option("How events are written: a codec, or a template.", default="json")
    compression: Compression | None = api.option("`none`, `gzip` or `zstd`.", default=None)
    roll: api.Roll = api.option(
        "When an object is complete: `{age: 1h, size: 256MiB}`. Objects that are written whole (Parquet, CSV with a header) roll "
        "at `128MiB` of encoded rows where no `size` is given.",
        default=api.Roll(AGE),
    )
    metadata: list[Metadata] = api.option("Metadata to write besides `@timestamp`.", default=[])
    storage_class: str | None = api.option("Such as `STANDARD_IA` or `GLACIER_IR`.", default=None)
    encryption: Literal["AES256", "aws:kms"] | None = api.option(
        "Encryption by the service; the bucket decides when not given.", default=None
    )
    kms_key: str | None = api.option("The key for `aws:kms`; the account's when not given.", default=None)
    tags: dict[str, str] = api.option("Tags of each object: `{team: 'web'}`.", default={})
    fence: bool = api.option(
        "Whether to find out that a copy of the state delivers, too. Keeps a small object under `_pipe/`.", default=True
    )


class Options(aws.Options, Target):
    pass


class S3(api.Output[Options]):
    """Objects in S3 or a compatible store, under names that are a function of what was committed.

    Events are committed to the state first, and sent when an object is complete, by age or size. Its key is the rendered url and
    `INSTANCE-SINK-NUMBER-HASH.EXTENSION`, so that a second try writes the same bytes under the same key: after a crash, a lost
    reply or a day without a network each object is there once. Objects are created only where none is
    (`If-None-Match: *`), and each comes with its SHA-256, which the store checks. Those of more than 16 MiB are sent
    in parts, and an interrupted one goes on with the parts that are there already.

    The url may have fields in it; their values are percent-encoded, so that no event can name a key outside the literal
    prefix. `raw` objects with `zstd` are independent frames with an index at the end: any `zstd` reads them, and a reader that
    knows the index reads a part.

    It needs `s3:PutObject`; for objects in parts `s3:AbortMultipartUpload` and, to go on with them after a restart,
    `s3:ListBucketMultipartUploads` and `s3:ListMultipartUploadParts`; for `fence` `s3:GetObject` on `_pipe/`.

    Needs the extra: `pip install 'pipe-engine[s3]'`."""

    name = "s3"
    options_model = Options
    example = """
source access = generate(count: 100)
sink archive = access -> s3("s3://logs/raw/{@host}/{@timestamp:%Y/%m/%d/%H}/", format: raw, compression: zstd)
"""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        bucket = options.url.prefix.removeprefix("s3://").split("/")[0]
        if not options.url.prefix.startswith("s3://") or not bucket or "/" not in options.url.prefix[5:]:
            raise api.OptionError(
                "this is no S3 url", "url", 'write "s3://bucket/prefix/"; the bucket has no fields in it'
            )
        if options.kms_key is not None and options.encryption != "aws:kms":
            raise api.OptionError("a key without its encryption", "kms_key", "add `encryption: 'aws:kms'`")
        check_times(options.url, "url")
        aws.check(options)
        self._written = Written(options.format, options.url, options.compression, metadata=options.metadata)
        size = options.roll.size or (LARGEST if self._written.whole else None)
        self._layout = api.Layout(
            path=options.url,
            roll=replace(options.roll, size=size),
            compression=self._written.compression,
            extension=self._written.extension,
            whole=self._written.whole,
            exact=self._written.exact,
        )
        self._client = aws.Client("s3", "s3", options)
        self._objects: Objects | None = None
        self._claims: Claims | None = None

    def schema(self, columns: api.Columns) -> None:
        self._written.accept(columns)
        self._layout = replace(self._layout, form=self._written.form)

    def guarantee(self) -> tuple[api.Guarantee, str]:
        return "exactly once", "keys and bytes of objects are fixed by what was committed"

    @property
    def layout(self) -> api.Layout:
        return self._layout

    def uses(self) -> frozenset[str] | None:
        used = self._written.uses()
        return None if used is None else used | {hole.field.path[0] for hole in self.options.url.holes}

    async def open(self, ctx: api.Context) -> None:
        client = await self._client.open()
        self._objects = Objects(client, ctx, self._headers())
        if self.options.fence:
            self._claims = Claims(client, Place.of(self.options.url.prefix), ctx)

    async def close(self) -> None:
        await self._client.close()

    def encode(self, frame: pl.DataFrame) -> bytes:
        return self._written.encode(frame)

    def finish(self, spooled: Iterable[bytes], form: str) -> Iterable[bytes]:
        finished = self._written.finish(spooled, form)
        return super().finish(spooled, form) if finished is None else finished

    async def fence(self, writer: api.Writer) -> api.Writer:
        return writer if self._claims is None else await self._claims.claim(writer)

    async def deliver(self, segment: api.Segment) -> api.Result:
        if self._objects is None:
            raise ValueError("deliver before open")
        return await self._objects.put(segment, self.finish if begun_whole(segment.form) else None)

    def _headers(self) -> dict[str, str]:
        """What every object is created with."""
        options = self.options
        given = {
            "StorageClass": options.storage_class,
            "ServerSideEncryption": options.encryption,
            "SSEKMSKeyId": options.kms_key,
            "Tagging": urlencode(options.tags),
        }
        return {name: value for name, value in given.items() if value}
