"""From a window back to the bytes that fed it, as the state knows it. Plain JSON, so that a socket carries it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import TypedDict

from pipeline.api import Position
from pipeline.store.rows import Rows
from pipeline.store.values import data, number, parsed, text


class Sent(TypedDict):
    """A window that is remembered; `kept`: whether its state is."""

    stage: str
    start: int
    part: int
    revision: int
    kept: bool


class Known(TypedDict):
    """Whose state it is, the fingerprints of its window stages, and its windows, the newest first."""

    program: str
    instance: str
    fingerprints: dict[str, str]
    windows: list[Sent]


class Batch(TypedDict):
    """A batch with rows in the window. `kept`: [archive, byte in its segment, bytes, rows]."""

    source: str
    partition: str
    path: str | None
    first: int
    last: int
    rows: int
    received: int
    kept: list[tuple[int, int, int, int]]


class Archive(TypedDict):
    """A stretch of a file of an exact output, from byte `base` on; `plain`: which byte of its segment that is. `size` is where
    its committed bytes end, None when nobody writes it any more; `tail` (base64) are those that follow them."""

    sink: str
    place: str
    compression: str
    base: int
    plain: int
    size: int | None
    tail: str


class Trail(TypedDict):
    """`forgotten`: whether batches were forgotten since the state began. `positions`: partition → its latest position."""

    batches: list[Batch]
    archives: dict[str, Archive]
    positions: dict[str, Position]
    forgotten: bool


def known(rows: Rows) -> Known:
    meta = {text(name): value for name, value in rows("SELECT name, value FROM meta")}
    windows = rows("SELECT stage, start, part, revision, kept > 0 FROM window ORDER BY start DESC, stage, part DESC")
    return Known(
        program=text(meta["program"]),
        instance=text(meta["instance"]),
        fingerprints={text(stage): text(mark) for stage, mark in rows("SELECT stage, fingerprint FROM clock") if mark},
        windows=[
            Sent(stage=text(stage), start=number(start), part=number(part), revision=number(times), kept=bool(kept))
            for stage, start, part, times, kept in windows
        ],
    )


def deltas(rows: Rows, stage: str, start: int, part: int) -> list[str]:
    """The stored state of a window, base64, oldest delta first."""
    found = rows(
        "SELECT state FROM delta WHERE stage = ? AND start = ? AND part = ? ORDER BY seq", (stage, start, part)
    )
    return [base64.b64encode(data(row[0])).decode() for row in found]


def trail(rows: Rows, stage: str, start: int, part: int) -> Trail:
    """What is remembered of the batches of a window, oldest first. Blocks for as long as all batches take to look through."""
    found = rows(
        "SELECT source, partition, path, first, last, rows, received, windows, kept FROM origin "
        "WHERE instr(windows, ?) ORDER BY id",
        (f"[{start},{part}]",),
    )
    batches = [
        Batch(
            source=text(source), partition=text(partition), path=None if path is None else text(path), first=number(first),
            last=number(last), rows=number(count), received=number(received), kept=json.loads(text(kept)),
        )
        for source, partition, path, first, last, count, received, windows, kept in found
        if [start, part] in json.loads(text(windows)).get(stage, [])
    ]  # fmt: skip
    return Trail(
        batches=batches,
        archives=_archives(rows, sorted({kept[0] for batch in batches for kept in batch["kept"]})),
        positions=_positions(rows, {batch["partition"] for batch in batches}),
        forgotten=rows("SELECT min(id) FROM origin")[0][0] not in (None, 1),
    )


def _archives(rows: Rows, ids: Iterable[int]) -> dict[str, Archive]:
    found = {}
    for id in ids:
        for segment, sink, place, compression, base, plain in rows(
            "SELECT segment, sink, place, compression, base, plain FROM archive WHERE id = ?", (id,)
        ):
            ends = rows("SELECT base + size FROM segment WHERE id = ?", (segment,))
            tail = rows("SELECT data FROM tail WHERE segment = ? ORDER BY seq", (segment,))
            found[str(id)] = Archive(
                sink=text(sink), place=text(place), compression=text(compression), base=number(base), plain=number(plain),
                size=number(ends[0][0]) if ends else None, tail=base64.b64encode(b"".join(data(row[0]) for row in tail)).decode(),
            )  # fmt: skip
    return found


def _positions(rows: Rows, partitions: Iterable[str]) -> dict[str, Position]:
    found = {}
    for partition in sorted(partitions):
        for (at,) in rows("SELECT position FROM progress WHERE partition = ?", (partition,)):
            found[partition] = parsed(text(at), f"the partition {partition}")
    return found
