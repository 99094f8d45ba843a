"""Where decoding happens: a codec as a filter, for an input's `codec:`, for `decode`, and for filters that are one format."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import polars as pl

from pipeline.api.codecs import Codec, Decoder
from pipeline.api.context import Context
from pipeline.api.expressions import Field
from pipeline.api.options import NewName, OptionError, Options, option
from pipeline.api.plugins import Filter, OptionsT
from pipeline.columns import jsontext
from pipeline.columns.batch import Batch
from pipeline.columns.lines import transcode
from pipeline.columns.types import BYTES, REST, Columns, Type, dtype, record

RAW = Field(("@raw",), BYTES)
_MARK = "\ufeff"


def demand_codec(codec: object, charset: str | None) -> None:
    """For inputs with the options `codec` and `charset`: raise OptionError for the one without the other."""
    if charset is not None and codec is None:
        raise OptionError("without a codec nothing is decoded", "charset", "write `codec: lines` for plain text")


class DecodingOptions(Options):
    codec: Decoder = option("How the text is written: `json`, `syslog`, `csv(['a', 'b'])`, ….")
    field: Field = option("The text, a string or bytes.", default=RAW)
    into: NewName | None = option(
        "Nest the fields under this name; without it they are fields of the event.", default=None
    )
    charset: str = option(
        "The encoding of the text where it is bytes: `utf-8`, `latin-1`, `cp1252`, …; bytes that it has no character for are "
        "U+FFFD.",
        default="utf-8",
    )


class Decoding(Filter[DecodingOptions]):
    """Fields out of texts, by a codec. Texts that it cannot decode are rejected; those that are no events are left out. A byte
    order mark at the beginning of a text is none of it."""

    name = "decode"
    options_model = DecodingOptions

    def __init__(self, options: DecodingOptions) -> None:
        super().__init__(options)
        into = options.into
        if into is not None and (into.startswith("@") or not into):
            raise OptionError(f"{into!r} is no name for a field", "into", "names that begin with `@` are metadata")
        try:
            b"a\xff".decode(options.charset, "replace")
        except (
            LookupError,
            ValueError,
        ):  # no codec of that name, or one that is not for any text, such as 'hex' and 'idna'
            raise OptionError(
                f"there is no charset {options.charset!r}",
                "charset",
                "they are named as in Python: 'latin-1', 'cp1252'",
            ) from None
        if options.field.path == RAW.path and b"\n".decode(options.charset, "replace") != "\n":
            raise OptionError(
                f"records end at the byte 10, which is no newline in {options.charset}",
                "charset",
                f"convert the file first: iconv -f {options.charset} -t utf-8",
            )
        self._codec: Codec[Any] = options.codec

    async def open(self, ctx: Context) -> None:
        await self._codec.open(ctx)

    async def close(self) -> None:
        await self._codec.close()

    def describe(self) -> Mapping[str, str]:
        return self._codec.describe()

    def schema(self, columns: Columns) -> Columns:
        kind, into = self.options.field.type, self.options.into
        if kind.kind not in ("string", "bytes", "json"):
            raise OptionError(f"{self._codec.name} reads a text, and this is of type {kind}", "field")
        made = self._codec.schema()
        if into is not None:
            return columns.with_field((into,), record(dict(made.fields), open=made.open))
        for name, kind in made.fields.items():
            columns = columns.with_field((name,), kind)
        return Columns(columns.fields, open=columns.open or made.open)

    def demand(self, fields: Mapping[tuple[str, ...], Type]) -> None:
        into = self.options.into
        if into is None:
            self._codec.demand(fields)
        else:
            self._codec.demand({path[1:]: kind for path, kind in fields.items() if path[0] == into and len(path) > 1})

    def apply(self, batch: Batch) -> Batch:
        if not batch.frame.height:
            return self._empty(batch)
        found = self._codec.decode(self._text(batch.frame), batch.frame.get_column("@received"))
        made = list(found.columns.get_columns())
        if found.rest is not None:
            made.append(found.rest.alias(REST))
        if self.options.into is not None:
            made = [pl.DataFrame(made).select(pl.struct(pl.all()).alias(self.options.into)).to_series()]
        elif found.rest is not None and REST in batch.frame.columns:
            made[-1] = jsontext.merged(batch.frame[REST], made[-1])
        batch = batch.with_columns(*made) if made else batch
        return self._without(batch, found.reason, found.detail, found.skipped)

    def _text(self, frame: pl.DataFrame) -> pl.Series:
        column = self.options.field.values(frame)
        text = transcode(column, self.options.charset) if column.dtype == pl.Binary else column
        # Some systems begin a text with a byte order mark, which no format knows.
        if bool(text.str.starts_with(_MARK).any()):
            text = text.str.strip_prefix(_MARK)
        # In `@raw` a carriage return is the end of a line of other systems.
        if self.options.field.path == RAW.path and bool(text.str.ends_with("\r").any()):
            return text.str.strip_suffix("\r")
        return text

    def _without(
        self, batch: Batch, reason: pl.Series | None, detail: pl.Series | None, skipped: pl.Series | None
    ) -> Batch:
        """The batch without the rows that could not be decoded, and without those that are no events."""
        left = None if skipped is None or not skipped.any() else ~skipped
        if reason is not None and reason.null_count() < reason.len():
            batch = batch.reject(reason.is_not_null(), reason, field=self.options.field.name, detail=detail)
            left = None if left is None else left.filter(reason.is_null())
        return batch if left is None else batch.with_frame(batch.frame.filter(left))

    def _empty(self, batch: Batch) -> Batch:
        made = self._codec.schema()
        if self.options.into is not None:
            kind = record(dict(made.fields), open=made.open)
            return batch.with_columns(pl.Series(self.options.into, [], dtype=dtype(kind)))
        columns = [pl.Series(name, [], dtype=dtype(kind)) for name, kind in made.fields.items()]
        if made.open and REST not in batch.frame.columns:
            columns.append(pl.Series(REST, [], dtype=pl.String))
        return batch.with_columns(*columns) if columns else batch


class Parser(Filter[OptionsT]):
    """A filter that is one codec, with the options of both: `field` and `into` say where from and where to."""

    def __init__(self, options: OptionsT) -> None:
        super().__init__(options)
        self._decoding = Decoding(
            DecodingOptions(
                codec=self.decoder(), field=getattr(options, "field", RAW), into=getattr(options, "into", None)
            )
        )

    @abstractmethod
    def decoder(self) -> Codec[Any]:
        """The codec, made of the options."""

    def schema(self, columns: Columns) -> Columns:
        return self._decoding.schema(columns)

    def demand(self, fields: Mapping[tuple[str, ...], Type]) -> None:
        self._decoding.demand(fields)

    def apply(self, batch: Batch) -> Batch:
        return self._decoding.apply(batch)
