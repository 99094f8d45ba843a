"""The records as they came."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pipeline import api
from pipeline.api import formats


class Options(api.Options):
    pass


class Raw(api.Codec[Options]):
    """The bytes of each record as they came, and a newline; none where the last record of its file had none."""

    name = "raw"
    options_model = Options
    example = """
source access = file("/var/log/nginx/access.log*")
sink archive = access -> file("out/raw/", format: raw, compression: zstd)
"""
    extension = ".log"
    exact = True

    def accept(self, columns: api.Columns, metadata: Sequence[str]) -> None:
        if metadata:
            raise api.OptionError(
                "raw writes the records as they came, without metadata", "metadata", "use format: json"
            )

    def uses(self) -> frozenset[str] | None:
        return frozenset({"@raw"})

    def encode(self, frame: pl.DataFrame, columns: api.Columns, metadata: Sequence[str]) -> bytes:
        return formats.raw(frame)
