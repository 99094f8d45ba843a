"""The contract of codecs: how records are written. Texts in, columns out; rows in, bytes out.

An input cuts bytes into records and knows where it is in them; a codec never sees more than records. So it is columnar, has no
memory, and does not know where a batch ends. `decode` serves an input's `codec:` and the filter `decode` alike, `encode` the
`format:` of outputs. A codec may have one of the two only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Annotated, Any

import polars as pl

from pipeline.api.options import OptionError
from pipeline.api.plugins import OptionsT, Plugin
from pipeline.columns.types import Columns, Type


@dataclass(frozen=True, slots=True)
class Decoded:
    """What texts say. All series are as long as the texts.

    `columns`: those of `schema`, with their dtypes. `rest` (String): for an open `schema`, the JSON text of the other members of
    each record, null where there are none. `reason` (String): why a text could not be decoded, a short constant; null where
    it could; None when all could. `detail` (String) says more. `skipped` (Boolean): texts that are no events, such as a
    line of column names."""

    columns: pl.DataFrame
    _: KW_ONLY
    rest: pl.Series | None = None
    reason: pl.Series | None = None
    detail: pl.Series | None = None
    skipped: pl.Series | None = None


class Codec(Plugin[OptionsT]):
    """One writing of records. Values: whatever `decode` and `encode` know is in the options and in what was demanded."""

    extension: str = ""
    """How names of files in this writing end: `.ndjson`."""
    fixed: bool = False
    """All rows have the same columns, in the same order: members that nobody named have no place."""
    whole: bool = False
    """Encoded rows are put together by `finish`, once a file is complete. May be set in the constructor, by the options."""
    compressed: bool = False
    """Its bytes are compressed already: an output puts no compression around them."""
    exact: bool = False
    """The records as they came: a last one without a newline gets none."""

    def schema(self) -> Columns:
        """Fields that `decode` gives. Raise OptionError when the options are wrong together."""
        raise OptionError(f"{self.name} is a format of outputs: nothing is decoded with it", "codec")

    def demand(self, fields: Mapping[tuple[str, ...], Type]) -> None:
        """For an open `schema`: paths that the program uses, with the types it demands. `schema` then contains them."""

    def decode(self, texts: pl.Series, received: pl.Series) -> Decoded:
        """Texts (String, null for none) to columns. `received` (Datetime µs, UTC) says when each was read.

        Pure. What is wrong with a text is a reason, never an exception, and the answer for one text does not depend on
        the others."""
        raise NotImplementedError(f"{self.name} does not decode")

    def accept(self, columns: Columns, metadata: Sequence[str]) -> None:
        """Check that rows with these columns can be encoded. Raise OptionError otherwise."""

    def uses(self) -> frozenset[str] | None:
        """Top-level columns that `encode` reads; None for all."""
        return None

    def encode(self, frame: pl.DataFrame, columns: Columns, metadata: Sequence[str]) -> bytes:
        """Rows (metadata and fields) to bytes that may be concatenated. Pure. `columns` are the fields of the rows, `metadata`
        the names of the metadata to write besides `@timestamp`."""
        raise NotImplementedError(f"{self.name} does not encode")

    def form(self, columns: Columns, metadata: Sequence[str]) -> str:
        """What the bytes of `encode` mean, where that is more than a continuation: the columns, for a writing that says them
        once. Bytes of different forms are never in one file. All that `finish` needs to know is in it."""
        return ""

    def finish(self, spooled: Iterable[bytes], form: str) -> Iterable[bytes]:
        """All that `encode` gave for a file, cut anywhere, to the file's bytes, both in parts; for codecs that are `whole`.

        `form` is the one that the rows were encoded for, perhaps by an earlier process with other options: nothing else
        than it says what they are. Runs in a worker thread. Raise ConfigurationError where it cannot be finished."""
        return spooled

    @classmethod
    def decodes(cls) -> bool:
        return cls.decode is not Codec.decode

    @classmethod
    def encodes(cls) -> bool:
        return cls.encode is not Codec.encode


class Decodes:
    """Marks an option that takes a codec which decodes."""


class Encodes:
    """Marks an option that takes a codec which encodes."""


Decoder = Annotated[Codec[Any], Decodes]
"""A codec for decoding: `codec: json` or `codec: csv(['a', 'b'])` in a program."""

Encoder = Annotated[Codec[Any], Encodes]
"""A codec for encoding: `format: json`, or a template. The default of such an option is a codec's name."""
