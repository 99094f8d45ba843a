"""How an output wants its rows laid out."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from typing import Literal

from pipeline.api.expressions import Template


@dataclass(frozen=True)
class Roll:
    """When a segment ends: by age (µs), by size (bytes of encoded rows), after so long without new rows (µs), or never.

    A destination in place is numbered (`stem-000001.ext`) when it ends by age or size."""

    age: int | None = None
    _: KW_ONLY
    size: int | None = None
    idle: int | None = None


@dataclass(frozen=True)
class Layout:
    """How an output wants its rows laid out in segments. The engine does the cutting.

    `path`: rows are split by the rendered template (None: one stream). `in_place`: the segment's bytes are appended to
    the rendered path itself as they are committed, and cut back after a crash; otherwise they wait in the outbox and
    `deliver` gets them when sealed. `whole`: rows are spooled and `finish` encodes them once at seal (Parquet); such a
    layout needs a size to roll at.

    `form`: what the bytes of `encode` mean, where that is more than a continuation: columns, for instance. Bytes of
    different forms never share a segment, and `finish` gets the form that a segment was begun with."""

    path: Template | None = None
    _: KW_ONLY
    roll: Roll = field(default_factory=Roll)
    compression: Literal["none", "gzip", "zstd"] = "none"
    extension: str = ""
    in_place: bool = False
    whole: bool = False
    form: str = ""
    exact: bool = False
    """Bytes are the records as they came: the newline that an unterminated last record never had is left out."""
