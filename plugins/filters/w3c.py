"""Parse the W3C's extended log format by the header that stands before the records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import polars as pl

from pipeline import api
from pipeline.api.decoding import RAW

from ..codecs import w3c as codec

HEADER = "#Fields:"
LONGEST = 65_536
"""Characters of a header that is read."""
MOST = 1000
"""Fields of one."""
READY = 16
"""Readers that are kept at hand."""


class Options(codec.Options):
    field: api.Field = api.option("The text to parse, a string or bytes.", default=RAW)


class _Mapped(api.Codec[codec.Options]):
    """Records with the fields of a header, as those that the program names: others are left out, what is not there is null."""

    name = "w3c"
    options_model = codec.Options

    def __init__(self, reader: codec.W3c, wanted: api.Columns) -> None:
        super().__init__(reader.options)
        self._reader, self._wanted = reader, wanted

    def schema(self) -> api.Columns:
        return self._wanted

    def decode(self, texts: pl.Series, received: pl.Series) -> api.Decoded:
        found = self._reader.decode(texts, received)
        there = set(found.columns.columns)
        columns = [
            found.columns[name]
            if name in there
            else pl.repeat(None, texts.len(), dtype=api.dtype(kind), eager=True).alias(name)
            for name, kind in self._wanted.fields.items()
        ]
        return replace(found, columns=pl.DataFrame(columns))


Header = str | None
"""The names of the last header; None before any."""


class W3c(api.Fold[Options, Header]):
    """Parses the W3C's extended log format, as IIS and CloudFront write it, by the `#Fields:` line that stands before the records.

    It reads what the codec `w3c` reads, and differs where a log's header changes: records have the fields that the last header of
    their file names, in its order. Of these, the fields that the program names are those of the event; one that the header has
    not is null. Records before any header have the fields of the program: so it is where reading begins at the end of a file.

    The header is kept in the state, for each file, so a start in the middle of a file knows it; after a change of these
    options the fields are those of the program up to the next header. Records behind a header that names a field twice,
    or more than 1,000, are rejected with `bad_fields`, like that header; those with another number of columns with `wrong_columns`."""

    name = "w3c"
    options_model = Options
    example = """
source access = generate(count: 100)
transform parsed = access
  | set { line = '2026-01-31 12:00:00 10.0.0.1 GET /a - 443 - 10.0.0.9 curl/8 - 200 0 0 15' }
  | w3c(iis, types: {sc_status: int, time_taken: int}, field: line)
sink out = parsed -> console()
"""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        own = codec.W3c(codec.Options(fields=options.fields, types=options.types))
        self._wanted = own.schema()
        self._delimited = own.delimiter
        self._own = self._decoding(own)
        self._readers: dict[Header, api.Decoding | None] = {None: self._own}

    def schema(self, columns: api.Columns) -> api.Columns:
        return self._own.schema(columns)

    def empty(self) -> Header:
        return None

    def step(self, state: Header, batch: api.Batch, now: int) -> tuple[Header, api.Batch]:
        frame = batch.frame
        texts = self.options.field.values(frame)
        texts = texts if texts.dtype == pl.Binary else texts.cast(pl.Binary)
        headers = texts.bin.starts_with(HEADER.encode()).arg_true().to_list()
        said = [state, *(_said(texts[row]) for row in headers)]
        bounds = [0, *headers, frame.height]
        parts = [
            self._read(text, batch.with_frame(frame[start:stop]))
            for text, (start, stop) in zip(said, pairwise(bounds), strict=True)
            if start < stop or not frame.height
        ]
        return said[-1], _together(batch, parts)

    def _read(self, header: Header, batch: api.Batch) -> api.Batch:
        """Records behind a header, and the header."""
        if header not in self._readers:
            if len(self._readers) >= READY:
                self._readers = {None: self._own}
            self._readers[header] = self._reader(header or "")
        reader = self._readers[header]
        if reader is not None:
            return reader.apply(batch)
        bad = pl.repeat(value=True, n=batch.frame.height, dtype=pl.Boolean, eager=True)
        empty = batch.reject(bad, "bad_fields", field=self.options.field.name)
        return self._own.apply(empty)

    def _reader(self, header: str) -> api.Decoding | None:
        """What reads the records behind a header; None where it is no good."""
        names = header.split()
        if len(header) > LONGEST or len(names) > MOST:
            return None
        there = {codec.named(name) for name in names}
        types = {name: kind for name, kind in self.options.types.items() if name in there}
        try:
            reader = codec.W3c(codec.Options(fields=names, types=types), self._delimited)
        except api.OptionError:
            return None
        return self._decoding(reader)

    def _decoding(self, reader: codec.W3c) -> api.Decoding:
        mapped = _Mapped(reader, self._wanted)
        return api.Decoding(api.DecodingOptions(codec=mapped, field=self.options.field))

    def dump(self, state: Header) -> bytes:
        return b"" if state is None else f"{HEADER}{state}".encode()

    def load(self, data: bytes, version: int) -> Header:
        if version != self.state_version or (data and not data.startswith(HEADER.encode())):
            raise ValueError(f"{len(data)} bytes of version {version} are not what w3c remembers")
        return data.decode().removeprefix(HEADER) if data else None


def _said(line: bytes) -> str:
    """The names in a header; of one that is too long, enough to know that."""
    return line.decode("utf-8", "replace").removeprefix(HEADER).strip()[: LONGEST + 1]


def _together(batch: api.Batch, parts: Sequence[api.Batch]) -> api.Batch:
    if len(parts) == 1:
        return parts[0]
    frame = pl.concat([part.frame for part in parts], how="vertical_relaxed")
    return api.Batch(frame, batch.span, tuple(rows for part in parts for rows in part.rejected), batch.terminated)
