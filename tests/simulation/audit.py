"""What is true in every durable state, read from a disk as the next start would find it."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import zstandard
from exact import Cell, bad, cells, good
from remote import ViolationError
from scene import STATE, Scene

from pipeline.api import Window
from pipeline.env import Value


def audit(scene: Scene) -> None:
    """Raises ViolationError when an invariant does not hold. Changes the scene's disk as an opening of the database does."""
    life = scene.machine.life()
    with life.running():
        if scene.machine.disk.find(str(STATE / "state.db")) is None:
            return
        database = life.database(STATE / "state.db")
        if database.rows("PRAGMA integrity_check") != [("ok",)]:
            raise ViolationError("the database is damaged")
        if database.rows("SELECT count(*) FROM sqlite_schema WHERE name = 'dead'") == [(1,)]:
            Audit(scene, database.rows).check()


class Audit:
    def __init__(self, scene: Scene, rows: Any) -> None:
        self.scene = scene
        self.rows = rows
        self.positions: dict[str, dict[str, Any]] = {
            partition: json.loads(position) for partition, position in rows("SELECT partition, position FROM progress")
        }

    def check(self) -> None:
        consumed = self.consumed()
        self.windows(consumed)
        self.sent(consumed)
        self.archive(consumed)
        self.conservation(consumed)

    def consumed(self) -> list[bytes]:
        """Lines that the progress covers."""
        found: list[bytes] = []
        for place in self.positions.values():
            found += self.scene.log.files[place["ino"]][: place["offset"]].splitlines(keepends=True)
        return found

    def windows(self, consumed: Sequence[bytes]) -> None:
        """I1: the state of the windows is the fold of the rows that the progress covers, of all and of no others."""
        window = self.scene.graph().stages["facts"].window
        assert window is not None
        assert isinstance(window.plugin, Window)
        found: dict[Cell, int] = {}
        for (start,) in self.rows("SELECT DISTINCT start FROM delta"):
            deltas = [
                window.plugin.load(row[0])
                for row in self.rows("SELECT state FROM delta WHERE start = ? ORDER BY seq", (start,))
            ]
            for row in window.plugin.rows(start, window.plugin.bounded(deltas)[0]).to_dicts():
                verb = json.loads(row["by"] or "{}").get("verb", "")
                found[row["metric"], verb, start // 1_000_000] = row["value"]
        same("I1: windows", found, cells(consumed))

    def sent(self, consumed: Sequence[bytes]) -> None:
        """I2': each row that the progress covers is in one segment of the sink, and the ranges of segments follow each other."""
        lines: list[bytes] = []
        ranges: dict[str, list[tuple[int, str, str]]] = {}
        here = {number for (number,) in self.rows("SELECT number FROM segment WHERE sink = 'objects'")}
        for name, data in self.scene.remote.objects.items():
            number = int(name.split("-")[2])
            if number not in here:
                lines += plain(data).splitlines(keepends=True)
                for partition, start, stop in self.scene.remote.ranges[name]:
                    ranges.setdefault(partition, []).append((number, text(start), text(stop)))
        query = "SELECT id, number, size, state, sha256 FROM segment WHERE sink = 'objects'"
        for id, number, size, state, sha in self.rows(query):
            body = self.scene.machine.get(STATE / "outbox" / f"{id:09d}")[:size]
            if len(body) < size or (state == "sealed" and size and hashlib.sha256(body).hexdigest() != sha):
                raise ViolationError(f"I3: the body of segment {number} is not what was committed")
            lines += (plain(body) + self.tail(id)).splitlines(keepends=True)
            for partition, start, stop in self.rows(
                "SELECT partition, start, stop FROM range WHERE segment = ?", (id,)
            ):
                ranges.setdefault(partition, []).append((number, start, stop))
        same("I2': rows in segments", Counter(lines), Counter(consumed))
        for partition, found in ranges.items():
            at = "null"
            for number, start, stop in sorted(found):
                if start != at:
                    raise ViolationError(f"I2': segment {number} begins at {start}, the one before it ends at {at}")
                at = stop
            if (
                json.loads(at) != self.positions[partition]
                and json.loads(at)["offset"] != self.positions[partition]["offset"]
            ):
                raise ViolationError(f"I2': segments end at {at}, the progress is {self.positions[partition]}")

    def archive(self, consumed: Sequence[bytes]) -> None:
        """I3: what was committed of a local file is on the disk."""
        for id, place, base, size in self.rows("SELECT id, place, base, size FROM segment WHERE sink = 'archive'"):
            body = self.scene.machine.get(Path(place))
            if len(body) < base + size:
                raise ViolationError(f"I3: {place} has {len(body)} bytes, {base + size} were committed")
            lines = (plain(body[: base + size]) + self.tail(id)).splitlines(keepends=True)
            same("I3: rows in the local archive", Counter(lines), Counter(consumed))

    def conservation(self, consumed: Sequence[bytes]) -> None:
        """I10: in = out + rejected."""
        ledger = {
            (stage, outcome): rows for stage, outcome, rows in self.rows("SELECT stage, outcome, rows FROM ledger")
        }
        counts(ledger, consumed)
        dead = self.rows("SELECT coalesce(sum(rows), 0) FROM dead")
        same("I10: dead letters", dead, [(len(bad(consumed)),)])

    def tail(self, id: Value) -> bytes:
        return b"".join(row[0] for row in self.rows("SELECT data FROM tail WHERE segment = ? ORDER BY seq", (id,)))


def counts(ledger: dict[tuple[str, str], int], lines: Sequence[bytes]) -> None:
    """I10: where every row went."""
    parsed, rejected, gets = len(good(lines)), len(bad(lines)), sum(b" GET " in line for line in good(lines))
    wanted = {
        ("log", "in"): len(lines),
        ("parsed", "in"): len(lines),
        ("parsed", "out"): parsed,
        ("parsed", "rejected"): rejected,
        ("facts", "windowed"): parsed,
        ("objects", "out"): len(lines),
        ("archive", "out"): len(lines),
        ("table", "in"): parsed,
        ("table", "filtered"): parsed - gets,
        ("table", "out"): gets,
    }
    same("I10: rows", {key: ledger.get(key, 0) for key in wanted}, wanted)


def same(what: str, found: Any, wanted: Any) -> None:
    """Raises ViolationError with what differs."""
    if found == wanted:
        return
    if isinstance(found, Counter):
        told = f"{list((found - wanted).items())[:3]} too many, {list((wanted - found).items())[:3]} missing"
    elif isinstance(found, dict):
        told = str(
            [
                (key, found.get(key), wanted.get(key))
                for key in {**found, **wanted}
                if found.get(key) != wanted.get(key)
            ][:5]
        )
    else:
        told = f"{found!r}, not {wanted!r}"
    raise ViolationError(f"{what}: {told}")


def plain(data: bytes) -> bytes:
    """Frames without their compression."""
    return zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True).read()


def text(position: object) -> str:
    return json.dumps(position, sort_keys=True, separators=(",", ":"))
