"""JSON lines: the `json` filter against Python's `json` and Polars' reader."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import measure
import subject
from comparison import compare
from measure import Contender
from report import Section

from pipeline.env.memory import settle

settle()

import polars as pl  # noqa: E402 — its number of threads is settled before
from stages import KERNELS, batches, chained, graph  # noqa: E402
from texts import Answer, Text, answer  # noqa: E402

LINES = 200_000
PYTHON = "Python `json.loads`"

PROGRAM = """
source access = file("access.log")
transform parsed = access
  | json(schema: {status: int, body_bytes_sent: int, remote_addr: string, request: string, http_user_agent: string})
sink out = parsed -> null()
"""

FIELDS = {
    "remote_addr": pl.String,
    "request": pl.String,
    "status": pl.Int64,
    "body_bytes_sent": pl.Int64,
    "http_user_agent": pl.String,
}


def json_lines(effort: subject.Effort) -> Section:
    """The filter with five members taken out and the others carried as they came."""
    text = Text.of("ndjson", effort.lines(LINES))
    incoming = batches(text.chunks)
    stage = graph(PROGRAM).stages["parsed"]
    expected = _told([json.loads(line) for line in b"".join(text.chunks).splitlines()])
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        path = Path(folder) / "lines.log"
        path.write_bytes(b"".join(text.chunks))
        contenders: list[Contender[Any]] = [
            Contender(PYTHON, text.lines, lambda: _loads(text), _told, expected),
            Contender("Polars `read_ndjson`", text.lines, lambda: _polars(text), _of_frames, expected),
            measure.compressed(path, text.lines),
            Contender(
                f"pipe `json`, {KERNELS}",
                text.lines,
                lambda: [chained(stage, batch) for batch in incoming],
                lambda found: _of_frames([batch.frame for batch in found]),
                expected,
            ),
        ]
        table = compare(f"JSON lines: {text.lines:,} of them", contenders, effort, PYTHON)
    return Section(
        "JSON lines",
        "An nginx log as JSON, ten members a line. `json` takes five of them out with the types that the program states, and "
        "keeps the others, byte for byte, to write them out again. Python's `json` makes a dict of all; Polars' reader takes "
        "five members and drops the others. The five must be equal in every line.",
        [table],
    )


def _loads(text: Text) -> list[dict[str, object]]:
    return [json.loads(line) for part in text.strings for line in part]


def _polars(text: Text) -> list[pl.DataFrame]:
    return [pl.read_ndjson(chunk, schema=FIELDS) for chunk in text.chunks]


def _told(rows: list[dict[str, Any]]) -> Answer:
    return answer(len(rows), ([str(row[name]) for row in rows] for name in FIELDS))


def _of_frames(frames: list[pl.DataFrame]) -> Answer:
    rows = pl.concat(frame.select(*FIELDS) for frame in frames)
    return answer(rows.height, (rows[name].cast(pl.String) for name in FIELDS))


if __name__ == "__main__":
    subject.run(json_lines, __doc__)
