"""EXACT: what is there in the end, compared with the exact result."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from audit import counts, plain, same
from exact import Cell, bad, cells, first, table
from remote import ViolationError
from scene import STATE, Scene

from pipeline.columns.frames import load
from pipeline.proof.balance import faults
from pipeline.store.books import books
from pipeline.testing.kernel import ROOT

HANDLES = 64
"""I12: files that may be open at once, of the engine and its inputs."""


def judge(scene: Scene) -> None:
    """Everything was read, everything was delivered, no process runs. Raises ViolationError for what is not exact."""
    lines, machine, remote = scene.log.lines, scene.machine, scene.remote
    wanted = Counter(lines)
    same("rows in objects", Counter(rows for data in remote.objects.values() for rows in _lines(plain(data))), wanted)
    same("rows in the local archive", Counter(_lines(plain(machine.get(ROOT / "raw.log.zst")))), wanted)
    same("facts in the index", _cells(json.loads(body) for _, body in remote.documents.values()), cells(lines))
    same("facts in the file", _cells(_last(scene)), cells(lines))
    same("rows in tables", sorted(_table(scene)), table(lines))
    if scene.memory:
        passed = Counter(int(row) for row in machine.get(ROOT / "first.txt").split())
        same("rows that a filter with memory lets through", passed, Counter(first(lines)))
    _state(scene)


def _lines(data: bytes) -> list[bytes]:
    return data.splitlines(keepends=True)


def _cells(facts: Any) -> dict[Cell, int]:
    """Counts and sums of the parts of a window add up."""
    found: Counter[Cell] = Counter()
    for fact in facts:
        second = int(fact["window_start_s"]) if "window_start_s" in fact else _second(fact["window_start"])
        found[fact["metric"], (fact.get("by") or {}).get("verb", ""), second] += fact["value"]
    return dict(found)


def _second(stamp: str) -> int:
    from datetime import datetime

    return int(datetime.fromisoformat(stamp).timestamp())


def _last(scene: Scene) -> list[Any]:
    """The last revision of every fact in the file; none is there twice."""
    found: dict[str, Any] = {}
    seen: set[tuple[str, int]] = set()
    for body in scene.machine.get(ROOT / "facts.ndjson").splitlines():
        fact = json.loads(body)
        key = (fact["id"], fact["revision"])
        if key in seen:
            raise ViolationError(f"{key} is in the file twice")
        seen.add(key)
        if fact["id"] not in found or found[fact["id"]]["revision"] < fact["revision"]:
            found[fact["id"]] = fact
    return list(found.values())


def _table(scene: Scene) -> list[str]:
    rows: list[str] = []
    for name in scene.machine.disk.inside(str(ROOT / "table")):
        header, *found = scene.machine.get(ROOT / "table" / name).decode().splitlines()
        if "n,size" not in header:
            raise ViolationError(f"table/{name} begins with {header}")
        rows += [row.split(",", header.split(",").index("n"))[-1] for row in found]
    return rows


def _state(scene: Scene) -> None:
    """I8, I10, I12: nothing waits, nothing is left behind, every row is accounted for."""
    machine = scene.machine
    left = list(machine.disk.inside(str(STATE / "outbox")))
    if left:
        raise ViolationError(f"I8: left in the outbox: {left}")
    strange = [path for path in machine.disk.names if path.endswith(".tmp")]
    if strange:
        raise ViolationError(f"left behind: {strange}")
    life = machine.life()
    with life.running():
        database = life.database(STATE / "state.db")
        same("integrity", database.rows("PRAGMA integrity_check"), [("ok",)])
        same("I11: segments that wait", database.rows("SELECT sink, number FROM segment"), [])
        same("I10: `pipe audit`", [fault.told for fault in faults(books(database.rows))], [])
        ledger = {(stage, outcome): rows for stage, outcome, rows in database.rows("SELECT * FROM ledger")}
        counts(ledger, scene.log.lines)  # type: ignore[arg-type]
        dead = [
            row["@raw"] + b"\n"
            for (dump,) in database.rows("SELECT frame FROM dead")
            for frame in load(dump)
            for row in frame.to_dicts()
        ]  # type: ignore[arg-type]
        same("dead letters", Counter(dead), Counter(bad(scene.log.lines)))
    machine.cut()
