"""What the input makes of one file, and why: the answer of `pipe checkpoint explain`.

The decision is that of a start on this progress: the same roster, the same scan, the same judgement. Nothing is read that
a start would not read, and nothing is kept."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from pathlib import Path

from pipeline import api
from pipeline.api.world import Stat

from .adoption import open_source
from .decoding import DamagedError
from .discovery import Finder
from .generation import Generation, State
from .identity import Place
from .naming import path_of, text_of
from .roster import Roster
from .rotation import parse
from .rules import Rules
from .search import REFUSED, Search, key_of, reason_of

Row = dict[str, object]


def explain(
    rules: Rules, ctx: api.Context, progress: Mapping[str, api.Position], name: str
) -> Mapping[str, object] | None:
    """What a start would make of the file `name`. None when the globs do not match it and no position names it.

    Blocks. Raises StateError for positions that are none of a file's."""
    roster = Roster(progress)
    finder = Finder(rules.globs, rules.exclude, ctx)
    search = Search(rules, ctx, roster, finder, deque())
    search.scan(ctx.clock.monotonic())
    asked = Path(name)
    stat = ctx.files.stat(asked)
    places = {partition: Place.parse(position) for partition, position in progress.items()}
    if stat is None:
        return _gone(asked, places)
    path = next((path for path, found in finder.scan().items() if key_of(found) == key_of(stat)), None)
    if path is None:
        reason = finder.told.get(asked)
        return {"verdict": "unreadable", "why": reason, "next": "nothing until it can be read"} if reason else None
    return _Belief(ctx, roster, finder, search, places).of(path, stat)


class _Belief:
    """After the scan of a start: what became of each file."""

    def __init__(
        self, ctx: api.Context, roster: Roster, finder: Finder, search: Search, places: Mapping[str, Place]
    ) -> None:
        self._ctx = ctx
        self._roster = roster
        self._finder = finder
        self._search = search
        self._places = places

    def of(self, path: Path, stat: Stat) -> Mapping[str, object]:
        generation = self._roster.of(key_of(stat))
        if generation is None:
            return {**self._left_alone(path, stat), "size": stat.size}
        place = self._places.get(generation.partition)
        if place is None:
            return {**self._new(path, stat), "size": stat.size, "unread": None if generation.packed else stat.size}
        told = self._known(generation, place, path, stat)
        unread = 0 if generation.state is State.DONE else None if generation.packed else generation.waiting
        return {**told, **_committed(generation.partition, place), "size": stat.size, "unread": unread} | {
            "evidence": self._evidence(place, path, stat)
        }

    def _known(self, generation: Generation, place: Place, path: Path, stat: Stat) -> Row:
        told: Row
        if place.key == key_of(stat):
            same = path_of(place.path) == path
            told = {
                "verdict": "same" if same else "rotated",
                "why": "it has the inode and the bytes that were committed" + ("" if same else f" as {place.path}"),
            }
        else:
            told = {
                "verdict": "adopted",
                "why": f"it has the bytes of {place.path}, whose own file was truncated or is gone",
            }
        if generation.state is State.DONE:
            told["verdict"] = "done"
            told["next"] = "nothing: it was read to its end; more is read if it grows"
        elif generation.waiting:
            queue = [text_of(g.path) for g in self._roster.active.get(generation.log, ()) if g.waiting]
            before = ", ".join(queue[: queue.index(text_of(path))])
            told["next"] = f"reads on at byte {place.offset:,}" + (f", after {before}" if before else "")
        else:
            told["next"] = f"waits at byte {place.offset:,} for it to grow"
        return told

    def _new(self, path: Path, stat: Stat) -> Row:
        """Why no generation that it could have been is believed to be it."""
        key = key_of(stat)
        near = {
            partition: place
            for partition, place in self._places.items()
            if place.key == key or any(g.partition == partition for g in self._roster.kin(path))
        }
        cut = [place for place in near.values() if place.key == key]
        return {
            "verdict": "truncated" if cut else "new",
            "why": "it has the inode of one that was read, and other bytes: it was truncated or the inode is used again"
            if cut
            else "it has the bytes of none that was read"
            if near
            else "nothing that was read is called so",
            "next": "reads from its beginning",
            "considered": [
                {**_committed(partition, place), "evidence": self._evidence(place, path, stat)}
                for partition, place in sorted(near.items(), key=lambda item: item[1].key != key)
            ],
        }

    def _left_alone(self, path: Path, stat: Stat) -> Row:
        try:
            verdict = self._search.judge(path, stat)
        except (OSError, DamagedError) as error:
            return {"verdict": "unreadable", "why": reason_of(error), "next": "tried again when it changes"}
        if verdict.kind == "refused":
            return {"verdict": "refused", "why": REFUSED, "next": "nothing while the link is there"}
        if verdict.kind == "young":
            return {
                "verdict": "young",
                "why": "it is compressed and was just written: it may not be whole",
                "next": "looked at again when it was not written for `close_after`",
            }
        original = verdict.generation
        if original is None:
            return {"verdict": "unreadable", "why": "it is damaged", "next": "tried again when it changes"}
        place = self._places.get(original.partition)
        told: Row = {
            "verdict": "copy",
            "why": f"it has the bytes of {text_of(original.path)}",
            "next": f"nothing while that is there; reading goes on here, at byte {original.offset:,}, when it is truncated or gone",
        }
        if place is None:
            return told
        return {**told, **_committed(original.partition, place), "evidence": self._evidence(place, path, stat)}

    def _evidence(self, place: Place, path: Path, stat: Stat) -> list[Row]:
        """What is remembered of a generation beside what a file has."""
        device, inode, born = place.key
        rows = [
            _row("device", device, stat.device),
            _row("inode", inode, stat.inode),
            _row("born", born, stat.born),
        ]
        if parse(path).packing is None:
            rows.append(
                {
                    "of": "size",
                    "known": f"at least {place.offset}",
                    "found": stat.size,
                    "agrees": stat.size >= place.offset,
                }
            )
        try:
            source = open_source(self._ctx.files, path)
        except OSError as error:
            return [*rows, {"of": "bytes", "known": "", "found": reason_of(error), "agrees": False}]
        try:
            head, tail = place.head_in(source.pread) is not None, place.tail_in(source.pread) is not None
        except (OSError, DamagedError) as error:
            return [*rows, {"of": "bytes", "known": "", "found": reason_of(error), "agrees": False}]
        finally:
            source.close()
        return [
            *rows,
            _hash(f"first {place.head.length:,} bytes", place.head.sha, head),
            _hash(f"last {place.tail.length:,} bytes before byte {place.offset:,}", place.tail.sha, tail),
        ]


def _gone(path: Path, places: Mapping[str, Place]) -> Mapping[str, object] | None:
    """A file that is not there, but was the last name of something."""
    called = {partition: place for partition, place in places.items() if path_of(place.path) in (path, path.absolute())}
    if not called:
        return None
    partition, place = max(called.items(), key=lambda item: (not item[1].done, item[1].offset))
    told: Row = {"verdict": "gone", "why": "it was read under this name, and nothing is called so now"}
    told["next"] = (
        "nothing: it was read to its end"
        if place.done
        else "waits a minute for a renamed, copied or compressed form of it; then what was not read is counted as lost"
    )
    return {**told, **_committed(partition, place), "unread": place.unread}


def _committed(partition: str, place: Place) -> Row:
    return {"partition": partition, "path": place.path, "offset": place.offset, "done": place.done}


def _row(of: str, known: int, found: int) -> Row:
    return {"of": of, "known": known, "found": found, "agrees": known == found}


def _hash(of: str, sha: str, agrees: bool) -> Row:
    return {"of": of, "known": sha, "found": sha if agrees else "other bytes", "agrees": agrees}
