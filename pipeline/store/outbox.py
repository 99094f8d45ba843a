"""The outbox: bodies and tails of segments on their way out, and the sealed ones that wait to be delivered."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipeline.env import Database, Env
from pipeline.store.segment import Kind, kind_of, layout_of
from pipeline.store.values import data, number, text


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed segment that waits to be delivered, or completed if it is a whole file. Neither it nor its body changes any
    more. `body` is None when all of it is in the tail."""

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
    kind: Kind
    form: str
    """That of the layout that it was begun with."""
    held: str = ""
    """Why it is set aside."""


class Outbox:
    """Bodies are files in `folder`/outbox, named by the segment's id; tails are rows of the database."""

    def __init__(self, env: Env, database: Database, folder: Path) -> None:
        self._env = env
        self._database = database
        self._folder = folder / "outbox"

    def body(self, id: int) -> Path:
        """Where the body of a segment that is not written in place is."""
        return self._folder / f"{id:09d}"

    def disown(self) -> None:
        """Remove bodies that no segment owns."""
        owned = {self.body(number(row[0])) for row in self._database.rows("SELECT id FROM segment")}
        for path in self._env.files.glob(str(self._folder / "*")):
            if path not in owned:
                self._env.files.remove(path)

    def sealed(self, sink: str | None = None) -> list[Sealed]:
        """Sealed segments (of one sink), oldest first."""
        rows = self._database.rows(
            "SELECT id, sink, path, number, name, place, rows, size, sha256, plain, layout, held FROM segment "
            "WHERE state = 'sealed' AND (? IS NULL OR sink = ?) ORDER BY id",
            (sink, sink),
        )
        found = []
        for id, name_of, path, count, name, place, rows_, size, sha, plain, stored, held in rows:
            layout = layout_of(text(stored))
            found.append(Sealed(
                number(id), text(name_of), text(path), number(count), text(name), Path(text(place)), number(rows_),
                number(size) or number(plain), text(sha), self.body(number(id)) if number(size) else None,
                kind_of(layout), layout.form, text(held),
            ))  # fmt: skip
        return found

    def tail(self, id: int) -> bytes:
        """The bytes of a segment that are in the database."""
        return b"".join(
            data(row[0]) for row in self._database.rows("SELECT data FROM tail WHERE segment = ? ORDER BY seq", (id,))
        )

    def ranges(self, id: int) -> list[tuple[str, str, str]]:
        rows = self._database.rows(
            "SELECT partition, start, stop FROM range WHERE segment = ? ORDER BY partition", (id,)
        )
        return [(text(partition), text(start), text(stop)) for partition, start, stop in rows]

    def hold(self, id: int, reason: str) -> None:
        """Inside a transaction: note why a segment is set aside."""
        self._database.rows("UPDATE segment SET held = ? WHERE id = ?", (reason, id))

    def remove(self, id: int) -> None:
        """Inside a transaction: forget a delivered segment."""
        self._database.rows("DELETE FROM segment WHERE id = ?", (id,))

    def release(self, id: int) -> None:
        """After that transaction: the body is not needed any more."""
        self._env.files.remove(self.body(id))
