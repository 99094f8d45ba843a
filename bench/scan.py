"""Scanning: grok patterns on five kinds of logs, against patterns written by hand for Python's and Polars' regexes."""

from __future__ import annotations

import re
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import measure
import subject
from comparison import compare
from measure import Contender
from patterns import CASES, Case
from report import Section, Table

from pipeline.env.memory import settle

settle()

import polars as pl  # noqa: E402 — its number of threads is settled before
from texts import Answer, Text, answer, of_frames  # noqa: E402

from pipeline.columns.grok import MATCHED, Grok, GrokError  # noqa: E402
from pipeline.columns.grok.engine import Engine  # noqa: E402
from pipeline.columns.lines import decode, records  # noqa: E402

LINES = 300_000
SLOW = 10
"""The engine that goes row by row gets one part in so many."""

PYTHON = "Python `re`, by hand"


def scan(effort: subject.Effort) -> Section:
    """All cases."""
    section = Section(
        "Scanning",
        "Text to fields: all fields of the pattern, numbers converted where the pattern says so, about 4 MiB at a time. The "
        "contenders run a pattern written by hand for exactly this log, with fewer checks than the library's, and give "
        "texts. All must find the same number of lines, and the same values in the fields that are compared. `zstd -1` "
        "is a scale that every machine has: it reads the same lines from a file and compresses them into nothing.",
    )
    section.tables += [_table(case, effort) for case in CASES]
    return section


def _table(case: Case, effort: subject.Effort) -> Table:
    text = Text.of(case.kind, effort.lines(LINES))
    expected = _re(case, text, case.by_hand).result()
    engines = {engine: made for engine in get_args(Engine) if (made := _grok(case, engine)) is not None}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        path = Path(folder) / "lines.log"
        path.write_bytes(b"".join(text.chunks))
        contenders: list[Contender[Any]] = [
            _re(case, text, case.by_hand).expecting(expected),
            _polars(case, text, case.by_hand).expecting(expected),
            measure.compressed(path, text.lines),
        ]
        if case.narrow is not None:
            narrow = case.by_hand.replace(*case.narrow)
            fast = replace(_polars(case, text, narrow), name="Polars' regex, proper requests only")
            contenders.append(fast.expecting(_re(case, text, narrow).result()))
        for engine, grok in engines.items():
            part = text.head(SLOW) if engine == "python" else text
            contenders.append(_ours(engine, grok, case, part).expecting(_re(case, part, case.by_hand).result()))
        contenders.append(_whole(case, text).expecting(expected))
        size = sum(map(len, text.chunks)) // text.lines
        title = f"{case.name}: {text.lines:,} lines of {size} bytes, {expected[0]:,} match"
        table = compare(title, contenders, effort, PYTHON)
    absent = [engine for engine in get_args(Engine) if engine not in engines]
    table.note = f"Not here or not for this pattern: the engine {', '.join(absent)}." if absent else ""
    return table


def _grok(case: Case, engine: Engine) -> Grok | None:
    """The pattern on an engine; None where the engine is not there or cannot take the pattern."""
    try:
        made = Grok(case.pattern, engine=engine)
    except GrokError:
        return None
    return made if made.engine == engine else None


def _re(case: Case, text: Text, pattern: str) -> Contender[Answer]:
    compiled = re.compile(pattern, re.ASCII)
    match, places = compiled.match, [compiled.groupindex[name] - 1 for name in case.compared]

    def run() -> list[tuple[str | None, ...] | None]:
        return [found.groups() if (found := match(line)) else None for part in text.strings for line in part]

    def told(result: list[tuple[str | None, ...] | None]) -> Answer:
        rows = [row for row in result if row is not None]
        return answer(len(rows), ([row[place] for row in rows] for place in places))

    return Contender(PYTHON, text.lines, run, told)


def _polars(case: Case, text: Text, pattern: str) -> Contender[Answer]:
    def run() -> list[pl.DataFrame]:
        return [part.str.extract_groups(pattern).struct.unnest() for part in text.columns]

    def told(result: list[pl.DataFrame]) -> Answer:
        return of_frames(
            [frame.with_columns(pl.first().is_not_null().alias(MATCHED)) for frame in result], MATCHED, case.compared
        )

    return Contender("Polars' regex, by hand", text.lines, run, told)


def _ours(engine: str, grok: Grok, case: Case, text: Text) -> Contender[Answer]:
    return Contender(
        f"pipe, engine {engine}",
        text.lines,
        lambda: [grok.match(part) for part in text.columns],
        lambda frames: of_frames(frames, MATCHED, case.compared),
    )


def _whole(case: Case, text: Text) -> Contender[Answer]:
    """The way from a chunk of the file to its fields, on the engine that pipe chooses."""
    grok = Grok(case.pattern)
    return Contender(
        "pipe, from the file's bytes: split, decode, scan",
        text.lines,
        lambda: [grok.match(decode(records(chunk, 0)[0])[0]) for chunk in text.chunks],
        lambda frames: of_frames(frames, MATCHED, case.compared),
    )


if __name__ == "__main__":
    subject.run(scan, __doc__)
