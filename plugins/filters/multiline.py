"""Join the lines of one event: stack traces, wrapped messages."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import polars as pl

from pipeline import api
from pipeline.api.patterns import checked

from .holding import owned, read, written

PRESETS = {
    "java": r"^\s|^Caused by: |^(?:[\w$]+\.)+[\w$]+(?:Exception|Error)\b",
    "python": r"^\s|^$|^Traceback \(most recent call last\):|^(?:[\w]+\.)*[\w]*(?:Error|Exception|Warning|Interrupt|Exit|Iteration)\b"
    r"|^During handling of the above exception|^The above exception was the direct cause",
    "go": r"^\s|^$|^goroutine \d+ \[|^\[signal |^created by |^exit status \d|^[\w./*()\[\]-]+\(.*\)$",
    "javascript": r"^\s|^\}|^[\w$]*Error\b|^Caused by: ",
}
"""What the lines look like that go on with the event before them."""


class Options(api.Options):
    start: str | None = api.option("A regex: a line that matches begins an event.", default=None)
    continues: str | None = api.option(
        "A regex: a line that matches goes on with the event before it.", default=None, alias="continue"
    )
    end: str | None = api.option("A regex: a line that matches is the last of its event.", default=None)
    preset: Literal["java", "python", "go", "javascript"] | None = api.option(
        "The lines that a stack trace of a language has after its first one go on with the event before them.",
        default=None,
    )
    timeout: api.Duration = api.option(
        "An event to which nothing was added for so long is complete.", default=5_000_000, ge=1
    )
    max_lines: int = api.option("Lines of an event at most; what is more begins another.", default=500, ge=1)
    max_bytes: api.Size = api.option(
        "Bytes of an event at most, if it has several lines; what is more begins another.", default=262_144, ge=1
    )


@dataclass(frozen=True)
class Open:
    """An event that may go on: its first line's row with all of the text in `@raw`, how many lines that is, and when (µs) the last
    came, and whether that one had a newline. Without a row there is none."""

    row: pl.DataFrame | None = None
    lines: int = 0
    since: int = 0
    terminated: bool = True


class Multiline(api.Fold[Options, Open]):
    """Joins lines that belong together into one event: its `@raw` is all of them, byte for byte, with a newline between each two;
    every other field, `@offset` and `@timestamp` among them, is that of the first line. Put it first, before what reads the text.

    One of `start`, `continue`, `end` and `preset` says where events begin and end. With `end`, an event is complete with its last
    line; otherwise when the next one begins, or when nothing came for `timeout` while everything that is there to be read was read, or when the
    input ends. Lines before the first `start` are an event, too. Bytes that are not UTF-8 are U+FFFD to the regex, and stay as
    they are in the event.

    Lines of different partitions, of two files or connections, are never joined. The lines of an event that is not complete are
    kept in the state, so a crash or a clean stop does not cut it; nor does a reload, while options and the fields that come
    to this filter stay the same. After a start with others the open lines are dropped, and the log says how many.
    In `pipe audit` lines are `held` while their event is open; all lines of an event but one are `joined` then."""

    name = "multiline"
    options_model = Options
    joins = True
    state_version = 2
    example = """
source access = generate(count: 100)
transform whole = access | multiline(preset: java, timeout: 2s)
sink out = whole -> console()
"""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        given = {"start": options.start, "continue": options.continues, "end": options.end, "preset": options.preset}
        named = [name for name, value in given.items() if value is not None]
        if len(named) != 1:
            raise api.OptionError(
                "one of `start`, `continue`, `end` and `preset` says where events begin"
                + (f", not {len(named)} of them" if named else ""),
                named[1] if named else None,
                r"such as start: /^\d{4}-/",
            )
        (self._rule,) = named
        self._pattern = PRESETS[options.preset] if options.preset else str(given[self._rule])
        try:
            checked(self._pattern)
        except TypeError as error:
            raise api.OptionError(str(error), self._rule) from error

    def schema(self, columns: api.Columns) -> api.Columns:
        return columns

    def empty(self) -> Open:
        return Open()

    def step(self, state: Open, batch: api.Batch, now: int) -> tuple[Open, api.Batch]:
        frame = batch.frame
        if frame.height == 0:
            return state, batch
        matches = _texts(frame["@raw"]).str.contains(self._pattern).to_list()
        raws = [raw or b"" for raw in frame["@raw"].to_list()]
        starts = self._starts(state, matches, raws)
        bounds = [*starts, frame.height]
        joined = [b"\n".join(raws[at:stop]) for at, stop in pairwise(bounds)]
        done = frame[starts].with_columns(pl.Series("@raw", joined, dtype=pl.Binary))
        counts = [stop - at for at, stop in pairwise(bounds)]
        if state.row is not None:
            # The rows before the first start go on with the event that is open.
            first = bounds[0]
            more = [state.row["@raw"][0], *raws[:first]]
            row = state.row.with_columns(pl.Series("@raw", [b"\n".join(more)], dtype=pl.Binary))
            done = pl.concat([row, done], how="vertical_relaxed")
            counts = [state.lines + first, *counts]
        complete = self._rule == "end" and matches[-1]
        if complete:
            return Open(), replace(batch, frame=done)
        # A line without a newline is alone in its batch: what it completes had one.
        after = Open(owned(done[-1:]), counts[-1], now, batch.terminated)
        return after, api.Batch(done[:-1], batch.span)

    def _starts(self, state: Open, matches: list[bool], raws: list[bytes]) -> list[int]:
        """The rows that begin an event. A row loop, on numbers: how much an event has already depends on each line."""
        most, room = self.options.max_lines, self.options.max_bytes
        lines = state.lines
        size = 0 if state.row is None else len(state.row["@raw"][0])
        ended = state.row is None
        starts: list[int] = []
        for row, (match, raw) in enumerate(zip(matches, raws, strict=True)):
            begins = ended if self._rule == "end" else match if self._rule == "start" else not match
            if begins or lines == 0 or lines >= most or size + 1 + len(raw) > room:
                starts.append(row)
                lines, size = 1, len(raw)
            else:
                lines += 1
                size += 1 + len(raw)
            ended = match
        return starts

    def due(self, state: Open) -> int | None:
        return None if state.row is None else state.since + self.options.timeout

    def tick(self, state: Open, now: int) -> tuple[Open, api.Batch | None]:
        return self.finish(state)

    def finish(self, state: Open) -> tuple[Open, api.Batch | None]:
        return Open(), None if state.row is None else api.Batch(state.row, {}, terminated=state.terminated)

    def held(self, state: Open) -> int:
        return state.lines

    def dump(self, state: Open) -> bytes:
        head = struct.pack("<qq?", state.lines, state.since, state.terminated)
        return head if state.row is None else head + written(state.row)

    def load(self, data: bytes, version: int) -> Open:
        if version != self.state_version or len(data) < 17:
            raise ValueError(f"{len(data)} bytes of version {version} are not what multiline holds")
        lines, since, terminated = struct.unpack_from("<qq?", data)
        try:
            row = read(data[17:]) if lines else None
        except ValueError as error:
            raise ValueError(f"not what multiline holds: {error}") from error
        return Open(row, lines, since, terminated)


def _texts(raw: pl.Series) -> pl.Series:
    """Records as texts; what is not UTF-8 in them as U+FFFD."""
    try:
        return raw.fill_null(b"").cast(pl.String)
    except pl.exceptions.PolarsError:
        return pl.Series([(value or b"").decode("utf-8", "replace") for value in raw], dtype=pl.String)
