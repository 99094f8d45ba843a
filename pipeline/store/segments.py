"""Open segments: rows on their way out, appended by commits and cut into frames.

A segment's bytes are in its body (a file) and its tail (rows of the database). Small pieces wait in the tail until they
make a frame of at least FRAME bytes; a plain file in place gets every piece at once. Every method but `load`, `cut_back`
and `close` runs inside the store's transaction: what was appended to bodies counts only when the transaction that names
the new size has committed, and bodies are synced before it does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from pipeline.api import Layout
from pipeline.columns.encode.compress import frame, seek_table
from pipeline.env import Database, Env
from pipeline.errors import ConfigurationError
from pipeline.store import frames
from pipeline.store.changes import Piece
from pipeline.store.names import delivered, extension, local
from pipeline.store.outbox import Outbox
from pipeline.store.segment import Open, layout_of, layout_text, plain
from pipeline.store.values import number, position, text

OPEN_FILES = 64
"""File handles kept open between commits."""


class Segments:
    """All segments of a store. `base` is the folder that relative paths of programs start from."""

    def __init__(self, env: Env, database: Database, outbox: Outbox, base: Path, instance: str) -> None:
        self._env = env
        self._database = database
        self._outbox = outbox
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
                number(row[0]), text(row[1]), text(row[2]), number(row[3]), layout_of(text(row[4])), Path(text(row[5])),
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
        self._outbox.disown()
        return short

    def arrange(self, layouts: dict[str, Layout]) -> None:
        """Inside a transaction: say how each sink of the program is laid out now, and seal what was laid out otherwise."""
        self._layouts = layouts
        for segment in list(self._open.values()):
            layout = layouts.get(segment.sink)
            if layout is None or plain(layout) != segment.layout:
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

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _body(self, segment: Open) -> Path:
        return segment.place if segment.in_place else self._outbox.body(segment.id)

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
        layout = plain(self._layouts[sink])
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
            (segment.id, sink, path, count, layout_text(layout), *where, now),
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
        elif size >= frames.FRAME or (last and size):
            if segment.tail:
                fresh.insert(0, self._outbox.tail(segment.id))
                self._database.rows("DELETE FROM tail WHERE segment = ?", (segment.id,))
                segment.tail = 0
            for piece in frames.cut(fresh):
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
                cut = self._database.rows("SELECT size, plain FROM frame WHERE segment = ? ORDER BY seq", (segment.id,))
                self._append(segment, seek_table([(number(size), number(plain)) for size, plain in cut]))
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
            for part in self._outbox.read(self._body(segment), segment.size):
                digest.update(part)
        else:
            digest.update(self._outbox.tail(segment.id))
        return digest.hexdigest()

    def _close(self, segment: Open) -> None:
        if segment.file is not None:
            segment.file.close()
            segment.file = None
