"""Join the parts of long lines that a container runtime has split."""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import polars as pl

from pipeline import api
from pipeline.api import nested

from .holding import read, written

MESSAGE = api.Field(("message",), api.STRING)


class Options(api.Options):
    field: api.Field = api.option(
        "The text of a part; `partial` and `stream` are looked for beside it, so `into.message` has `into.partial`.",
        default=MESSAGE,
    )
    timeout: api.Duration = api.option(
        "A line of which no part came for so long is let go of as it is.", default=5_000_000, ge=1
    )
    max_bytes: api.Size = api.option(
        "Bytes of records that are held at most, of each partition; before there are more, the oldest line that has not "
        "ended is let go of as it is.",
        default=262_144,
        ge=1,
        le=16_777_216,
    )


@dataclass(frozen=True)
class Held:
    """Rows of which some line has not ended, and of those behind it: as they came, in bytes, and when (µs) each did."""

    rows: bytes = b""
    came: tuple[int, ...] = ()


@dataclass
class Line:
    """The rows of a line, by number, and whether it goes on."""

    key: str | None
    rows: list[int] = field(default_factory=list)
    size: int = 0
    open: bool = True


@dataclass
class Lines:
    """Lines in the order of their first rows: those that are complete and behind none that goes on, and the others."""

    done: list[Line] = field(default_factory=list)
    waiting: deque[Line] = field(default_factory=deque)
    open: dict[str | None, Line] = field(default_factory=dict)
    size: int = 0

    def add(self, row: int, key: str | None, size: int, part: bool | None, room: int) -> None:
        """The next row. `part`: whether its line goes on; None for a row that is no part of any."""
        while self.waiting and self.size + size > room:
            self.let_go()
        line = None if part is None else self.open.get(key)
        if line is None:
            line = Line(key)
            self.waiting.append(line)
        line.rows.append(row)
        line.size += size
        self.size += size
        if part:
            self.open[key] = line
        else:
            line.open = False
            if part is not None:
                self.open.pop(key, None)
        self._settle()

    def let_go(self) -> None:
        """Let go of the oldest line that goes on, as if it did not, and of those that wait for it."""
        first = self.waiting[0]
        first.open = False
        del self.open[first.key]
        self._settle()

    def _settle(self) -> None:
        while self.waiting and not self.waiting[0].open:
            line = self.waiting.popleft()
            self.size -= line.size
            self.done.append(line)


class Unsplit(api.Fold[Options, Held]):
    """Joins the parts of long lines, as the codecs `cri` and `docker` mark them, into one event each:

    `file("/var/log/pods/*/*/*.log", codec: cri)` followed by `unsplit()`.

    The text is that of all parts, also where a character was split between two records of `cri`, and `@raw` is all of their
    records, byte for byte, with a newline between each two. Every other field, `@offset` and `@timestamp` among them, is that of the
    first part. `partial` is false for a whole line. It is true for one of which no more came for `timeout` while everything
    that is there to be read was read, or before the input ended, or which has more than `max_bytes`: what still comes is an event of
    its own.

    The streams of a file, `stdout` and `stderr`, are joined each by itself. Events leave in the order of their first parts, so what
    comes after a part waits until its line has ended. Parts in different files are never joined: a line that is split between
    a log and the one that was rotated before it is two events, of which the first is `partial`.

    The rows of a line that has not ended are kept in the state, so a crash, a clean stop or a reload does not cut it, while options and
    the fields that come to this filter stay the same. In `pipe audit` they are `held`; all rows of a line but one are
    `joined` then."""

    name = "unsplit"
    options_model = Options
    joins = True
    example = """
source access = generate(count: 100)
transform lines = access
  | set { line = "{@timestamp:%Y-%m-%dT%H:%M:%SZ} stdout F GET /" }
  | decode(cri, line)
  | unsplit(timeout: 10s)
sink out = lines -> console()
"""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        beside = options.field.path[:-1]
        self._text = options.field
        self._flag = api.Field((*beside, "partial"), api.BOOL)
        self._stream = api.Field((*beside, "stream"), api.STRING)

    def schema(self, columns: api.Columns) -> api.Columns:
        for wanted in (self._text, self._flag, self._stream):
            if columns.get(wanted.path) != wanted.type:
                raise api.OptionError(
                    f"there is no {wanted.name} of type {wanted.type} that would tell of parts of lines",
                    "field",
                    "the codecs that mark parts of lines are `cri` and `docker`; put unsplit right behind",
                )
        return columns

    def empty(self) -> Held:
        return Held()

    def step(self, state: Held, batch: api.Batch, now: int) -> tuple[Held, api.Batch]:
        frame = batch.frame
        if frame.height == 0 or (not state.came and not self._flag.values(frame).any()):
            return state, batch
        rows = pl.concat([read(state.rows), frame], how="vertical_relaxed") if state.came else frame
        found = self._found(rows)
        return _after(rows, (*state.came, *[now] * frame.height), found), batch.with_frame(
            self._joined(rows, found.done)
        )

    def _found(self, rows: pl.DataFrame) -> Lines:
        """The lines of rows. A row loop, on numbers: which line a row is of depends on those before it."""
        found, room = Lines(), self.options.max_bytes
        keys: Sequence[str | None] = self._stream.values(rows).to_list()
        parts: Sequence[bool | None] = self._flag.values(rows).to_list()
        sizes: Iterable[int] = (rows["@raw"].bin.size().fill_null(0) + 1).to_list()
        for row, (key, part, size) in enumerate(zip(keys, parts, sizes, strict=True)):
            found.add(row, key, size, part, room)
        return found

    def _joined(self, rows: pl.DataFrame, lines: Sequence[Line]) -> pl.DataFrame:
        """A row for each line."""
        firsts = rows[[line.rows[0] for line in lines]]
        several = [(place, line.rows) for place, line in enumerate(lines) if len(line.rows) > 1]
        if not several:
            return firsts
        texts, flags, raws = self._text.values(rows), self._flag.values(rows), rows["@raw"]
        text, flag, raw = self._text.values(firsts).to_list(), self._flag.values(firsts).to_list(), raws.to_list()
        whole = firsts["@raw"].to_list()
        for place, parts in several:
            records = [raw[part] or b"" for part in parts]
            text[place] = _text([texts[part] or "" for part in parts], records)
            flag[place] = flags[parts[-1]]
            whole[place] = b"\n".join(records)
        made = firsts.with_columns(pl.Series("@raw", whole, dtype=pl.Binary))
        for where, values in (
            (self._text, pl.Series(text, dtype=pl.String)),
            (self._flag, pl.Series(flag, dtype=pl.Boolean)),
        ):
            made = made.with_columns(nested.put(made.schema, where.path, pl.lit(values)))
        return made

    def due(self, state: Held) -> int | None:
        return self._due(state, self._found(read(state.rows))) if state.came else None

    def _due(self, state: Held, found: Lines) -> int:
        """When the oldest line that goes on has waited for long enough."""
        return state.came[found.waiting[0].rows[-1]] + self.options.timeout

    def tick(self, state: Held, now: int) -> tuple[Held, api.Batch | None]:
        if not state.came:
            return state, None
        rows = read(state.rows)
        found = self._found(rows)
        while found.waiting and self._due(state, found) <= now:
            found.let_go()
        return self._let_go(state, rows, found)

    def finish(self, state: Held) -> tuple[Held, api.Batch | None]:
        if not state.came:
            return state, None
        rows = read(state.rows)
        found = self._found(rows)
        while found.waiting:
            found.let_go()
        return self._let_go(state, rows, found)

    def _let_go(self, state: Held, rows: pl.DataFrame, found: Lines) -> tuple[Held, api.Batch | None]:
        if not found.done:
            return state, None
        return _after(rows, state.came, found), api.Batch(self._joined(rows, found.done), {})

    def held(self, state: Held) -> int:
        return len(state.came)

    def dump(self, state: Held) -> bytes:
        return struct.pack(f"<q{len(state.came)}q", len(state.came), *state.came) + state.rows

    def load(self, data: bytes, version: int) -> Held:
        count = struct.unpack_from("<q", data)[0] if version == self.state_version and len(data) >= 8 else -1
        size = 8 * (count + 1)
        if count < 0 or len(data) < size or (read(data[size:]).height if count else len(data) - size) != count:
            raise ValueError(f"{len(data)} bytes of version {version} are not what unsplit holds")
        return Held(data[size:], struct.unpack_from(f"<{count}q", data, 8))


def _after(rows: pl.DataFrame, came: Sequence[int], found: Lines) -> Held:
    """What is held of rows."""
    kept = sorted(row for line in found.waiting for row in line.rows)
    return Held(written(rows[kept]), tuple(came[row] for row in kept)) if kept else Held()


def _text(texts: Sequence[str], records: Sequence[bytes]) -> str:
    """The text of parts. A character that was split between two of them is two U+FFFD there: it is read from the records,
    where the texts are how these end, as in those of containerd."""
    text = "".join(texts)
    if "\ufffd" not in text:
        return text
    ends = [record.removesuffix(b"\r").split(b" ", 3)[-1] for record in records]
    if [end.decode("utf-8", "replace") for end in ends] != list(texts):
        return text
    return b"".join(ends).decode("utf-8", "replace")
