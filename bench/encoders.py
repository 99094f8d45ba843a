"""Encoders: the archive of raw lines, and events as JSON."""

from __future__ import annotations

import json
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import measure
import subject
import zstandard
from comparison import compare
from measure import ZSTD, Contender
from programs import HEAD
from report import Section, Table

from pipeline.env.memory import settle

settle()

import polars as pl  # noqa: E402 — its number of threads is settled before
from samples import blocks  # noqa: E402
from stages import KERNELS, batches, chained, graph  # noqa: E402

from pipeline.columns.encode.compress import frame as packed  # noqa: E402
from pipeline.columns.encode.ndjson import ndjson  # noqa: E402
from pipeline.columns.encode.raw import raw  # noqa: E402

LINES = 400_000
DUMPS = "Python `json.dumps`"


def encoders(effort: subject.Effort) -> Section:
    """Both tables."""
    chunks = list(blocks("nginx", effort.lines(LINES)))
    return Section(
        "Encoders",
        "The archive: records back to bytes, and zstd at level 1 in frames of about 4 MiB; it must decompress to the bytes that "
        "came. `zstd -1` makes one stream of the same file; Python joins the records and compresses with the same library. "
        "Events as JSON, an object a line: every member of every line must be equal to that of Python's `json`.",
        [_archive(chunks, effort), _events(chunks[: max(1, len(chunks) // 4)], effort)],
    )


def _archive(chunks: Sequence[bytes], effort: subject.Effort) -> Table:
    frames = [batch.frame for batch in batches(chunks)]
    records = [frame["@raw"].to_list() for frame in frames]
    whole = b"".join(chunks)
    lines = whole.count(b"\n")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        path = Path(folder) / "lines.log"
        path.write_bytes(whole)
        contenders: list[Contender[Any]] = [
            measure.compressed(path, lines),
            Contender("Python `join` and `zstandard`", lines, lambda: _joined(records), _plain, zlib.crc32(whole)),
            Contender(f"pipe archive, {KERNELS}", lines, lambda: _archived(frames), _plain, zlib.crc32(whole)),
        ]
        table = compare(f"Archive: {lines:,} lines, {len(whole) / 1e6:,.0f} MB", contenders, effort, ZSTD)
    stream = len(zstandard.ZstdCompressor(level=1).compress(whole))
    size = sum(map(len, _archived(frames)))
    table.note = f"Size of pipe's archive: {size:,} bytes, {size / stream:.3f} × that of one stream."
    return table


def _archived(frames: Sequence[pl.DataFrame]) -> list[bytes]:
    return [packed(raw(frame), "zstd") for frame in frames]


def _joined(records: Sequence[list[bytes]]) -> list[bytes]:
    compressor = zstandard.ZstdCompressor(level=1)
    return [compressor.compress(b"\n".join(part) + b"\n") for part in records]


def _plain(parts: Sequence[bytes]) -> int:
    """Checksum of what the frames hold."""
    crc = 0
    for part in parts:
        crc = zlib.crc32(zstandard.ZstdDecompressor().decompress(part), crc)
    return crc


def _events(chunks: Sequence[bytes], effort: subject.Effort) -> Table:
    stage = graph(HEAD.format(log="access.log") + "\nsink out = parsed -> null()").stages["parsed"]
    frames = [chained(stage, batch).frame for batch in batches(chunks)]
    columns = stage.columns[""]
    timed = [
        frame.select(
            pl.col("@timestamp").dt.strftime("%Y-%m-%dT%H:%M:%SZ"), *(name for name in frame.columns if name[0] != "@")
        )
        for frame in frames
    ]
    rows = [{k: v for k, v in row.items() if v is not None} for frame in timed for row in frame.iter_rows(named=True)]
    contenders: list[Contender[Any]] = [
        Contender(DUMPS, len(rows), lambda: "".join(json.dumps(row) + "\n" for row in rows).encode(), _read, rows),
        Contender(
            f"pipe `format: json`, {KERNELS}",
            len(rows),
            lambda: b"".join(ndjson(frame, columns) for frame in frames),
            _read,
            rows,
        ),
    ]
    return compare(f"Events as JSON: {len(rows):,}", contenders, effort, DUMPS)


def _read(data: bytes) -> list[object]:
    return [json.loads(line) for line in data.splitlines()]


if __name__ == "__main__":
    subject.run(encoders, __doc__)
