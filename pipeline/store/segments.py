"""Open segments: rows on their way out, appended by commits and cut into frames.

A segment's bytes are in its body (a file) and its tail (rows of the database). Small pieces wait in the tail until they
make a frame of at least FRAME bytes; a plain file in place gets every piece at once. Every method but `load`, `cut_back`
and `close` runs inside the store's transaction: what was appended to bodies counts only when the transaction that names
the new size has committed, and bodies are synced before it does.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from pipeline.api import Layout, Roll
from pipeline.columns.encode.compress import frame, seek_table
from pipeline.env import AppendFile, Database, Env
from pipeline.errors import ConfigurationError, InternalError
from pipeline.store.changes import Piece
from pipeline.store.names import delivered, extension, local
from pipeline.store.values import data, number, position, text

FRAME = 1 << 20
"""Bytes that a frame has at least before compression, but for the last one of a segment."""

LARGEST = 8 << 20
"""Bytes that a frame has at most before compression."""

OPEN_FILES = 64
"""File handles kept open between commits."""


@dataclass
class Open:
    """An open segment: its row in the database, kept up to date in memory."""

    id: int
    sink: str
    path: str
    number: int
    layout: Layout
    place: Path
    base: int = 0
    size: int = 0
    plain: int = 0
    rows: int = 0
    opened: int = 0
    device: int = 0
    inode: int = 0
    """The body in place, as it was when it was last committed to; 0 before there was one."""
    torn: str = ""
    """The partition whose record ends the segment without a newline."""
    used: int = 0
    """When it last got rows, or when this process began."""
    tail: int = 0
    """Bytes in tail rows."""
    ranges: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Partition → (from, to); not kept for local files, which are never delivered."""
    moved: set[str] = field(default_factory=set)
    """Partitions of `ranges` that this commit changed."""
    fresh: list[bytes] = field(default_factory=list)
    """Pieces of this commit."""
    file: AppendFile | None = None

    @property
    def in_place(self) -> bool:
        """True when the body is the destination itself."""
        return self.layout.in_place and not self.layout.whole

    @property
    def direct(self) -> bool:
        """True when every commit's bytes go to the body as they are."""
        return self.in_place and self.layout.compression == "none"


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed segment that waits to be delivered. `body` is None when all of it is in the tail."""

    id: int
    sink: str
    path: str
    number: int
    name: str
    place: Path
    rows: int
    size: int
    sha256: str
    body: Path | None
    whole: bool
    """Laid out to be encoded as a whole."""


class Segments:
    """All segments of a store. `base` is the folder that relative paths of programs start from."""

    def __init__(self, env: Env, database: Database, folder: Path, base: Path, instance: str) -> None:
        self._env = env
        self._database = database
        self._outbox = folder / "outbox"
        self._base = base
        self._instance = instance
        self._layouts: dict[str, Layout] = {}
        self._open: dict[tuple[str, str], Open] = {}
        self._touched: dict[int, Open] = {}
        self._next = 1

    # ── start and stop ───────────────────────────────────────────────────────────────────────────────────────────

    def load(self) -> None:
        """Read what is open from the database."""
        self._next = 1 + number(self._database.rows("SELECT coalesce(max(id), 0) FROM segment")[0][0])
        columns = "id, sink, path, number, layout, place, base, size, plain, rows, opened, device, inode, torn"
        for row in self._database.rows(f"SELECT {columns} FROM segment WHERE state = 'open'"):  # noqa: S608 — a constant
            segment = Open(
                number(row[0]), text(row[1]), text(row[2]), number(row[3]), _layout(text(row[4])), Path(text(row[5])),
                number(row[6]), number(row[7]), number(row[8]), number(row[9]), number(row[10]), number(row[11]), number(row[12]), text(row[13]),
            )  # fmt: skip
            (tail,) = self._database.rows(
                "SELECT coalesce(sum(length(data)), 0) FROM tail WHERE segment = ?", (segment.id,)
            )
            segment.tail, segment.used = number(tail[0]), self._env.clock.now()
            ranges = self._database.rows("SELECT partition, start, stop FROM range WHERE segment = ?", (segment.id,))
            segment.ranges = {text(partition): (text(start), text(stop)) for partition, start, stop in ranges}
            self._open[segment.sink, segment.path] = segment

    def cut_back(self) -> list[tuple[Path, int]]:
        """Cut bodies to their committed length and remove bodies that nobody owns.

        Returns (path, missing bytes) of bodies that are shorter than was committed: somebody else cut or removed them. A
        local file that is another one by now is left alone; `prepare` will name it."""
        short = []
        for segment in self._open.values():
            body = self._body(segment)
            found = self._env.files.stat(body)
            if found is not None and segment.inode and (found.device, found.inode) != (segment.device, segment.inode):
                continue
            have, want = (found.size if found else 0), segment.base + segment.size
            if have > want:
                file = self._env.files.append(body)
                file.truncate(want)
                file.sync()
                file.close()
            elif have < want:
                short.append((body, want - have))
        owned = {f"{number(row[0]):09d}" for row in self._database.rows("SELECT id FROM segment")}
        for path in self._env.files.glob(str(self._outbox / "*")):
            if path.name not in owned:
                self._env.files.remove(path)
        return short

    def arrange(self, layouts: dict[str, Layout]) -> None:
        """Inside a transaction: say how each sink of the program is laid out now, and seal what was laid out otherwise."""
        self._layouts = layouts
        for segment in list(self._open.values()):
            layout = layouts.get(segment.sink)
            if layout is None or _plain(layout) != segment.layout:
                self._seal(segment)

    def close(self) -> None:
        for segment in self._open.values():
            if segment.file is not None:
                segment.file.close()
                segment.file = None

    # ── inside a commit ──────────────────────────────────────────────────────────────────────────────────────────

    def unready(self, pieces: Iterable[Piece]) -> list[tuple[str, str]]:
        """The (sink, path) of pieces that need `prepare` first: no segment is open, or its file was taken away."""
        return [
            key
            for key in dict.fromkeys((piece.sink, piece.path) for piece in pieces)
            if not self._ready(self._open.get(key))
        ]

    def prepare(self, keys: Iterable[tuple[str, str]], now: int) -> None:
        """Inside a transaction of its own, before the one that appends: name the files that will be appended to, and how
        long they are before us. Without that a crash would leave bytes in files that the state does not know."""
        for sink, path in keys:
            segment = self._open.get((sink, path))
            if segment is None:
                self._start(sink, path, now)
            else:
                # The file was moved, removed or cut under us: what it held is its taker's. Go on at the end of what is there.
                self._close(segment)
                found = self._env.files.stat(segment.place)
                segment.base, segment.size = (found.size if found else 0), 0
                segment.device, segment.inode = (found.device, found.inode) if found else (0, 0)
                self._database.rows("DELETE FROM frame WHERE segment = ?", (segment.id,))
                self._record(segment)

    def append(self, piece: Piece, now: int) -> None:
        """Take encoded rows into the open segment of their sink and path."""
        segment = self._open[piece.sink, piece.path]
        segment.used = now
        if segment.torn and segment.torn not in piece.ranges:
            # The last record has no newline, and what follows is not its continuation: two records stay two.
            segment.fresh.append(b"\n")
            segment.plain += 1
        segment.torn = piece.torn
        segment.fresh.append(piece.data)
        segment.plain += len(piece.data)
        segment.rows += piece.rows
        for partition, (start, stop) in () if segment.in_place else piece.ranges.items():
            earlier = segment.ranges.get(partition)
            segment.ranges[partition] = (earlier[0] if earlier else position(start), position(stop))
            segment.moved.add(partition)
        self._touched[segment.id] = segment

    def settle(self, now: int, how: str) -> None:
        """Bring what was appended to bodies and tails, seal what is due, sync, and write the rows.

        `how`: "" for an ordinary commit, "flush" to leave no tail in local files, "all" to seal everything."""
        for segment in list(self._open.values()):
            if how == "all" or self._due(segment, now):
                self._seal(segment)
            elif segment.id in self._touched or (how == "flush" and segment.in_place and segment.tail):
                self._move(segment, last=how == "flush" and segment.in_place)
                self._touched[segment.id] = segment
        for segment in self._touched.values():
            if segment.file is not None:
                segment.file.sync()
            self._record(segment)

    def settled(self) -> None:
        """After the commit."""
        self._touched.clear()
        idle = [segment for segment in self._open.values() if segment.file is not None]
        for segment in idle[: max(0, len(idle) - OPEN_FILES)]:
            self._close(segment)

    def due(self, now: int) -> bool:
        """Whether some segment wants to be sealed, so that a commit is needed even without rows."""
        return any(self._due(segment, now) for segment in self._open.values())

    # ── delivery ─────────────────────────────────────────────────────────────────────────────────────────────────

    def sealed(self, sink: str | None = None) -> list[Sealed]:
        """Sealed segments (of one sink), oldest first."""
        rows = self._database.rows(
            "SELECT id, sink, path, number, name, place, rows, size, sha256, plain, layout FROM segment "
            "WHERE state = 'sealed' AND (? IS NULL OR sink = ?) ORDER BY id",
            (sink, sink),
        )
        return [
            Sealed(
                number(id), text(name_of), text(path), number(count), text(name), Path(text(place)), number(rows_),
                number(size) or number(plain), text(sha), self._outbox / f"{number(id):09d}" if number(size) else None,
                _layout(text(layout)).whole,
            )
            for id, name_of, path, count, name, place, rows_, size, sha, plain, layout in rows
        ]  # fmt: skip

    def tail(self, id: int) -> bytes:
        """The bytes of a segment that are in the database."""
        return b"".join(
            data(row[0]) for row in self._database.rows("SELECT data FROM tail WHERE segment = ? ORDER BY seq", (id,))
        )

    def parts(self, sealed: Sealed) -> Iterator[bytes]:
        """All bytes of a sealed segment, in parts. Raises InternalError when the body ends early."""
        if sealed.body is None:
            yield self.tail(sealed.id)
        else:
            yield from self._read(sealed.body, sealed.size)

    def ranges(self, id: int) -> list[tuple[str, str, str]]:
        rows = self._database.rows(
            "SELECT partition, start, stop FROM range WHERE segment = ? ORDER BY partition", (id,)
        )
        return [(text(partition), text(start), text(stop)) for partition, start, stop in rows]

    def remove(self, id: int) -> None:
        """Inside a transaction: forget a delivered segment."""
        self._database.rows("DELETE FROM segment WHERE id = ?", (id,))

    def release(self, id: int) -> None:
        """After that transaction: the body is not needed any more."""
        self._env.files.remove(self._outbox / f"{id:09d}")

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _body(self, segment: Open) -> Path:
        return segment.place if segment.in_place else self._outbox / f"{segment.id:09d}"

    def _ready(self, segment: Open | None) -> bool:
        """Whether the body is the file that was committed to, as long as it was left."""
        if segment is None or not segment.in_place:
            return segment is not None
        found = self._env.files.stat(segment.place)
        if found is None or not segment.inode:
            return found is None and segment.base + segment.size == 0
        same = (found.device, found.inode) == (segment.device, segment.inode)
        return same and found.size == segment.base + segment.size

    def _due(self, segment: Open, now: int) -> bool:
        roll = segment.layout.roll
        return (
            (roll.age is not None and now - segment.opened >= roll.age)
            or (roll.size is not None and segment.plain >= roll.size)
            or (roll.idle is not None and now - segment.used >= roll.idle)
        )

    def _start(self, sink: str, path: str, now: int) -> Open:
        layout = _plain(self._layouts[sink])
        last = self._database.rows("SELECT last FROM number WHERE sink = ? AND path = ?", (sink, path))
        count = 1 + (number(last[0][0]) if last else 0)
        place = self._place(sink, path, count, layout)
        numbered = self._place(sink, path, count + 1, layout) != place
        # A numbered name that is taken belongs to an earlier life of this state: never write into its file.
        while numbered and self._env.files.stat(place) is not None:
            count += 1
            place = self._place(sink, path, count, layout)
        for other in self._open.values():
            if other.in_place and layout.in_place and other.place == place:
                raise ConfigurationError(
                    f"sinks {other.sink} and {sink} write the same file: {place}", "Give each sink a path of its own."
                )
        segment = Open(self._next, sink, path, count, layout, place, opened=now, used=now)
        self._next += 1
        if segment.in_place and (found := self._env.files.stat(place)) is not None:
            segment.base, segment.device, segment.inode = found.size, found.device, found.inode
        where = (str(place), segment.device, segment.inode, segment.base)
        self._database.rows(
            "INSERT INTO segment (id, sink, path, number, state, layout, place, device, inode, base, size, plain, rows, opened) "
            "VALUES (?, ?, ?, ?, 'open', ?, ?, ?, ?, ?, 0, 0, 0, ?)",
            (segment.id, sink, path, count, _layout_text(layout), *where, now),
        )
        self._database.rows(
            "INSERT INTO number VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET last = excluded.last", (sink, path, count)
        )
        self._open[sink, path] = segment
        return segment

    def _numbered(self, segment: Open) -> bool:
        """Whether the segment's file has a number in its name, so that it is ours alone."""
        rolled = segment.layout.roll.age is not None or segment.layout.roll.size is not None
        return rolled or segment.path.endswith("/")

    def _place(self, sink: str, path: str, count: int, layout: Layout) -> Path:
        if not layout.in_place:
            return Path()
        rolled = layout.roll.age is not None or layout.roll.size is not None
        ext = extension(layout.extension, layout.compression)
        return self._base / local(path, sink=sink, instance=self._instance, number=count, extension=ext, rolled=rolled)

    def _append(self, segment: Open, added: bytes) -> None:
        if segment.file is None:
            segment.file = self._env.files.append(self._body(segment))
        segment.file.append(added)
        segment.size += len(added)

    def _move(self, segment: Open, *, last: bool) -> None:
        """Move this commit's pieces on: into the body, in frames, or into the tail."""
        fresh, segment.fresh = segment.fresh, []
        size = segment.tail + sum(map(len, fresh))
        if segment.direct:
            for part in fresh:
                self._append(segment, part)
        elif size >= FRAME or (last and size):
            if segment.tail:
                fresh.insert(0, self.tail(segment.id))
                self._database.rows("DELETE FROM tail WHERE segment = ?", (segment.id,))
                segment.tail = 0
            for piece in _cut(fresh):
                kind = segment.layout.compression
                packed = piece if kind == "none" else frame(piece, kind)
                self._append(segment, packed)
                self._database.rows(
                    "INSERT INTO frame SELECT ?, coalesce(max(seq) + 1, 0), ?, ? FROM frame WHERE segment = ?",
                    (segment.id, len(packed), len(piece), segment.id),
                )
        elif fresh:
            added = b"".join(fresh)
            self._database.rows(
                "INSERT INTO tail SELECT ?, coalesce(max(seq) + 1, 0), ? FROM tail WHERE segment = ?",
                (segment.id, added, segment.id),
            )
            segment.tail += len(added)

    def _seal(self, segment: Open) -> None:
        """End a segment: a local one is complete then, another one waits for its delivery."""
        small = not segment.in_place and segment.size == 0 and segment.layout.compression == "none"
        self._move(segment, last=not small)
        if segment.in_place:
            if segment.layout.compression == "zstd" and segment.size and self._numbered(segment):
                # Only where nothing is ever appended behind it: a table that is not the last thing is no table.
                frames = self._database.rows(
                    "SELECT size, plain FROM frame WHERE segment = ? ORDER BY seq", (segment.id,)
                )
                self._append(segment, seek_table([(number(size), number(plain)) for size, plain in frames]))
            if segment.file is not None:
                segment.file.sync()
            self._database.rows("DELETE FROM segment WHERE id = ?", (segment.id,))
        else:
            if segment.file is not None:
                segment.file.sync()
            self._record(segment)
            sha = self._hash(segment)
            name = delivered(
                segment.path,
                sink=segment.sink,
                instance=self._instance,
                number=segment.number,
                sha256=sha,
                extension=extension(segment.layout.extension, segment.layout.compression),
            )
            self._database.rows(
                "UPDATE segment SET state = 'sealed', sha256 = ?, name = ? WHERE id = ?", (sha, name, segment.id)
            )
        self._close(segment)
        self._touched.pop(segment.id, None)
        del self._open[segment.sink, segment.path]

    def _record(self, segment: Open) -> None:
        if segment.file is not None and segment.in_place:
            held = segment.file.stat()
            segment.device, segment.inode = held.device, held.inode
        self._database.rows(
            "UPDATE segment SET device = ?, inode = ?, base = ?, size = ?, plain = ?, rows = ?, torn = ? WHERE id = ?",
            (
                segment.device,
                segment.inode,
                segment.base,
                segment.size,
                segment.plain,
                segment.rows,
                segment.torn,
                segment.id,
            ),
        )
        self._database.many(
            "INSERT INTO range VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET stop = excluded.stop",
            [(segment.id, partition, *segment.ranges[partition]) for partition in sorted(segment.moved)],
        )
        segment.moved.clear()

    def _hash(self, segment: Open) -> str:
        digest = hashlib.sha256()
        if segment.size:
            for part in self._read(self._body(segment), segment.size):
                digest.update(part)
        else:
            digest.update(self.tail(segment.id))
        return digest.hexdigest()

    def _read(self, path: Path, size: int) -> Iterator[bytes]:
        file = self._env.files.read(path)
        try:
            at = 0
            while at < size:
                part = file.pread(min(LARGEST, size - at), at)
                if not part:
                    raise InternalError(f"{path} ends at {at} bytes, {size} were committed")
                at += len(part)
                yield part
        finally:
            file.close()

    def _close(self, segment: Open) -> None:
        if segment.file is not None:
            segment.file.close()
            segment.file = None


def _cut(parts: Iterable[bytes]) -> Iterator[bytes]:
    """The parts' bytes in pieces of FRAME to LARGEST bytes; only a last or an only one may be smaller. A part of the right
    size is passed on as it is."""
    waiting: list[bytes] = []
    size = 0
    for part in parts:
        for at in range(0, len(part), LARGEST):
            slice_ = part[at : at + LARGEST] if len(part) > LARGEST else part
            waiting.append(slice_)
            size += len(slice_)
            if size >= FRAME:
                yield waiting[0] if len(waiting) == 1 else b"".join(waiting)
                waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)


def _plain(layout: Layout) -> Layout:
    """A layout without its path template: what a segment remembers of it."""
    return replace(layout, path=None)


def _layout_text(layout: Layout) -> str:
    return json.dumps(asdict(layout), sort_keys=True)


def _layout(stored: str) -> Layout:
    values = json.loads(stored)
    return Layout(**{**values, "roll": Roll(**values["roll"])})
