"""Objects in S3. This version checks the options and does not deliver yet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import polars as pl

from pipeline import api


class Options(api.Options):
    url: api.Template = api.option("Bucket and prefix: `s3://bucket/prefix/{@timestamp:%Y/%m/%d/%H}/`.")
    format: api.Encoder = api.option("How events are written: a codec, or a template.", default="json")
    compression: Literal["none", "gzip", "zstd"] = api.option("How objects are compressed.", default="none")
    roll: api.Roll = api.option("When an object is complete: `{age: 1h, size: 256MiB}`.", default=api.Roll(300_000_000))
    metadata: list[str] = api.option("Metadata to write besides `@timestamp`.", default=[])


class S3(api.Output[Options]):
    """Objects in S3 or a compatible store, under names that are a function of what was committed.

    This version checks programs that use `s3` and refuses to run them. Write to local files with
    `file("dir/…/", format: …, compression: …, roll: …)` and copy the finished files with a tool of your choice."""

    name = "s3"
    options_model = Options
    example = """
source access = generate(count: 100)
sink archive = access -> s3("s3://logs/raw/{@host}/{@timestamp:%Y/%m/%d/%H}/", format: raw, compression: zstd)
"""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._columns = api.Columns({})
        bucket = options.url.prefix.removeprefix("s3://").split("/")[0]
        if not options.url.prefix.startswith("s3://") or not bucket:
            raise api.OptionError(
                "this is no S3 url", "url", 'write "s3://bucket/prefix/"; the bucket has no fields in it'
            )

    def schema(self, columns: api.Columns) -> None:
        self._columns = columns

    def guarantee(self) -> tuple[api.Guarantee, str]:
        return (
            "exactly once",
            "names and bytes of objects are fixed by what was committed (this version does not deliver yet)",
        )

    @property
    def layout(self) -> api.Layout:
        return api.Layout(
            path=self.options.url,
            roll=self.options.roll,
            compression=self.options.compression,
            extension=self.options.format.extension,
            whole=self.options.format.whole,
            exact=self.options.format.exact,
        )

    async def open(self, ctx: api.Context) -> None:
        raise api.ConfigurationError(
            "this version cannot deliver to S3 yet",
            'write to local files with file("dir/", format: …, compression: …, roll: …)',
        )

    def encode(self, frame: pl.DataFrame) -> bytes:
        encoded: bytes = self.options.format.encode(frame, self._columns, self.options.metadata)
        return encoded

    def finish(self, spooled: Iterable[bytes], form: str) -> Iterable[bytes]:
        finished: Iterable[bytes] = self.options.format.finish(spooled)
        return finished

    async def deliver(self, segment: api.Segment) -> api.Result:
        raise api.ConfigurationError("this version cannot deliver to S3 yet")
