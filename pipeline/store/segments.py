"""Open segments: rows on their way out, appended by commits and cut into frames.

A segment's bytes are in its body (a file) and its tail (rows of the database). Small pieces wait in the tail until they
make a frame of at least FRAME bytes; a plain file in place gets every piece at once. Bytes that were appended to a body
count only when the transaction that names its new size has committed; the body is synced before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from pipeline.api import Layout
from pipeline.columns.encode.compress import frame, seek_table
from pipeline.env import Database, Env
from pipeline.env.reading import parts
from pipeline.store import frames, ranges
from pipeline.store.accounts import Accounts
from pipeline.store.bodies import Bodies
from pipeline.store.changes import Piece
from pipeline.store.names import delivered, extension
from pipeline.store.outbox import Outbox
from pipeline.store.places import Places
from pipeline.store.ranges import Cover, covering
from pipeline.store.segment import Kind, Open, layout_of, layout_text, plain
from pipeline.store.values import number, text


class Segments:
    """All segments of a store. `base` is the folder that relative paths of programs start from."""

    def __init__(
        self, env: Env, database: Database, outbox: Outbox, accounts: Accounts, base: Path, instance: str
    ) -> None:
        self._env = env
        self._database = database
        self._outbox = outbox
        self._places = Places(env, database, base, instance)
        self._bodies = Bodies(env, outbox)
        self._instance = instance
        self._layouts: dict[str, Layout] = {}
        self._accounts = accounts
        self._open: dict[tuple[str, str], Open] = {}
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
            ranges.load(self._database, segment)
            archive = self._database.rows("SELECT max(id) FROM archive WHERE segment = ?", (segment.id,))
            segment.archive = number(archive[0][0] or 0)
            self._open[segment.sink, segment.path] = segment

    def cut_back(self) -> list[tuple[Path, int]]:
        """Cut bodies to their committed length and remove bodies that nobody owns.

        Returns (path, missing bytes) of bodies that are shorter than was committed: somebody else cut or removed them. A
        local file that is another one by now is left alone; `prepare` will name it."""
        short = []
        for segment in self._open.values():
            body = self._bodies.path(segment)
            found = self._env.files.stat(body)
            if found is not None and segment.inode and (found.device, found.inode) != (segment.device, segment.inode):
                continue
            have, want = (found.size if found else 0), segment.base + segment.size
            if have > want:
                file = self._env.files.append(body)
                try:
                    file.truncate(want)
                    file.sync()
                finally:
                    file.close()
            elif have < want:
                short.append((body, want - have))
        self._outbox.disown()
        return short

    def due(self, now: int) -> bool:
        """Whether some segment wants to be sealed, so that a commit is needed even without rows."""
        return any(segment.due(now) for segment in self._open.values())

    def close(self) -> None:
        self._bodies.close()

    # ── before a commit ──────────────────────────────────────────────────────────────────────────────────────────

    def unready(self, pieces: Iterable[Piece]) -> list[tuple[str, str]]:
        """The (sink, path) of pieces that need `prepare` first: no segment is open, or its file was taken away."""
        return [
            key
            for key in dict.fromkeys((piece.sink, piece.path) for piece in pieces)
            if not self._ready(self._open.get(key))
        ]

    # ── inside a transaction of its own ──────────────────────────────────────────────────────────────────────────

    def arrange(self, layouts: dict[str, Layout]) -> None:
        """Say how each sink of the program is laid out now, and seal what was laid out otherwise."""
        self._layouts = layouts
        for segment in list(self._open.values()):
            layout = layouts.get(segment.sink)
            if layout is None or plain(layout) != segment.layout:
                self._seal(segment)

    def prepare(self, keys: Iterable[tuple[str, str]], now: int) -> None:
        """Before the transaction that appends: name the files that will be appended to, and how long they are before us.
        Without that a crash would leave bytes in files that the state does not know."""
        for sink, path in keys:
            segment = self._open.get((sink, path))
            if segment is None:
                self._start(sink, path, now)
            else:
                # The file was moved, removed or cut under us: what it held is its taker's. Go on at the end of what is there.
                self._bodies.shut(segment)
                found = self._env.files.stat(segment.place)
                segment.base, segment.size = (found.size if found else 0), 0
                segment.device, segment.inode = (found.device, found.inode) if found else (0, 0)
                segment.archive = 0
                self._database.rows("DELETE FROM frame WHERE segment = ?", (segment.id,))
                self._record(segment)

    # ── inside a commit ──────────────────────────────────────────────────────────────────────────────────────────

    def append(self, piece: Piece, now: int) -> Open:
        """Take encoded rows into the open segment of their sink and path, and say which that is."""
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
        if segment.kind.delivered:
            segment.takes(piece)
        return segment

    def covering(self) -> Cover:
        """After all appends: how the open segments cover what was read."""
        return covering(self._open.values(), self._layouts)

    def body(self, segment: Open) -> Path:
        """The file that its bytes go to."""
        return self._bodies.path(segment)

    def settle(self, now: int, how: str) -> None:
        """Bring what was appended to bodies and tails, seal what is due, sync, and write the rows.

        `how`: "" for an ordinary commit, "flush" to leave no tail in local files, "all" to seal everything."""
        for segment in list(self._open.values()):
            flushed = how == "flush" and segment.kind.in_place
            if how == "all" or segment.due(now):
                self._seal(segment)
            elif segment.fresh or segment.moved or (flushed and segment.tail):
                self._move(segment, last=flushed)
                self._record(segment)

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _ready(self, segment: Open | None) -> bool:
        """Whether the body is the file that was committed to, as long as it was left."""
        if segment is None or not segment.kind.in_place:
            return segment is not None
        found = self._env.files.stat(segment.place)
        if found is None or not segment.inode:
            return found is None and segment.base + segment.size == 0
        same = (found.device, found.inode) == (segment.device, segment.inode)
        return same and found.size == segment.base + segment.size

    def _start(self, sink: str, path: str, now: int) -> None:
        layout = plain(self._layouts[sink])
        count, place = self._places.claim(sink, path, layout)
        segment = Open(self._next, sink, path, count, layout, place, opened=now, used=now)
        self._next += 1
        if segment.kind.in_place and (found := self._env.files.stat(place)) is not None:
            segment.base, segment.device, segment.inode = found.size, found.device, found.inode
        where = (str(place), segment.device, segment.inode, segment.base)
        self._database.rows(
            "INSERT INTO segment (id, sink, path, number, state, layout, place, device, inode, base, size, plain, rows, opened) "
            "VALUES (?, ?, ?, ?, 'open', ?, ?, ?, ?, ?, 0, 0, 0, ?)",
            (segment.id, sink, path, count, layout_text(layout), *where, now),
        )
        self._open[sink, path] = segment

    def _move(self, segment: Open, *, last: bool) -> None:
        """Move this commit's pieces on: into the body, in frames, or into the tail. `_record` must follow."""
        fresh, segment.fresh = segment.fresh, []
        if segment.kind is Kind.DIRECT:
            for part in fresh:
                self._append(segment, part)
            return
        size = segment.tail + sum(map(len, fresh))
        if size >= frames.FRAME or (last and size):
            if segment.tail:
                fresh.insert(0, self._outbox.tail(segment.id))
                self._database.rows("DELETE FROM tail WHERE segment = ?", (segment.id,))
                segment.tail = 0
            for piece in frames.cut(fresh):
                kind = segment.layout.compression
                packed = piece if kind == "none" else frame(piece, kind)
                self._append(segment, packed)
                if segment.indexed:
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

    def _append(self, segment: Open, added: bytes) -> None:
        if segment.kind.delivered:
            self._digest(segment).update(added)
        self._bodies.append(segment, added)
        segment.size += len(added)

    def _seal(self, segment: Open) -> None:
        """End a segment: a file in place is complete then, another one waits for its delivery."""
        small = not segment.kind.in_place and segment.size == 0 and segment.layout.compression == "none"
        self._move(segment, last=not small)
        if segment.indexed and segment.size:
            cut = self._database.rows("SELECT size, plain FROM frame WHERE segment = ? ORDER BY seq", (segment.id,))
            self._append(segment, seek_table([(number(size), number(plain)) for size, plain in cut]))
        if segment.kind.in_place:
            self._bodies.sync(segment)
            self._accounts.count(segment.sink, segment.rows)
            self._database.rows("DELETE FROM segment WHERE id = ?", (segment.id,))
        else:
            self._record(segment)
            sha = self._hash(segment)
            self._database.rows(
                "UPDATE segment SET state = 'sealed', sha256 = ?, name = ? WHERE id = ?",
                (sha, self._name(segment, sha), segment.id),
            )
        self._bodies.shut(segment)
        del self._open[segment.sink, segment.path]

    def _name(self, segment: Open, sha256: str) -> str:
        """What a sealed segment is called."""
        if segment.kind is Kind.WHOLE:
            return str(segment.place)
        return delivered(
            segment.path,
            sink=segment.sink,
            instance=self._instance,
            number=segment.number,
            sha256=sha256,
            extension=extension(segment.layout.extension, segment.layout.compression),
        )

    def _record(self, segment: Open) -> None:
        """Make the body durable, then write the segment's row."""
        held = self._bodies.sync(segment)
        if held is not None and segment.kind.in_place:
            segment.device, segment.inode = held.device, held.inode
        self._database.rows(
            "UPDATE segment SET device = ?, inode = ?, base = ?, size = ?, plain = ?, rows = ?, torn = ? WHERE id = ?",
            (
                segment.device, segment.inode, segment.base, segment.size, segment.plain, segment.rows, segment.torn,
                segment.id,
            ),
        )  # fmt: skip
        ranges.record(self._database, segment)

    def _hash(self, segment: Open) -> str:
        return (self._digest(segment) if segment.size else hashlib.sha256(self._outbox.tail(segment.id))).hexdigest()

    def _digest(self, segment: Open) -> hashlib._Hash:
        """The running hash of a body. What an earlier process wrote of it is read once."""
        if segment.digest is None:
            segment.digest = hashlib.sha256()
            if segment.size:
                for part in parts(self._env.files, self._bodies.path(segment), segment.size):
                    segment.digest.update(part)
        return segment.digest
