"""One contender of `peer.py`, in whatever environment it lives: `python peer_worker.py NAME FILE LINES`.

Prints the CPU seconds of parsing (without imports, reading and set-up) and what the fields add up to, as JSON."""

from __future__ import annotations

import json
import logging
import re
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measure import timed

if TYPE_CHECKING:
    import polars as pl

Row = tuple[int, int, str]
"""Status, bytes sent, path."""
Work = tuple[Callable[[], Any], Callable[[Any], Iterable[Row]]]
"""What is measured, and what makes rows of its result."""

DISSECT = (
    '%{remote_addr} - %{remote_user} [%{time_local}] "%{method} %{path} HTTP/%{http_version}" %{status|int} '
    '%{body_bytes_sent|int} "%{referer}" "%{user_agent}"'
)
GROK = (
    r'%{TEXT:remote_addr} - %{TEXT:remote_user} \[%{STAMP:time_local}\] "%{TEXT:method} %{TEXT:path} '
    r'HTTP/%{TEXT:http_version}" %{DIGITS:status:int} %{DIGITS:body_bytes_sent:int} "%{QUOTED:referer}" '
    r'"%{QUOTED:user_agent}"'
)
PATTERNS = {"TEXT": r"\S+", "STAMP": r"[^\]]+", "DIGITS": r"[0-9]+", "QUOTED": r'[^"]*'}


def logprep(kind: str, rule: dict[str, object], data: list[bytes]) -> Work:
    """A processor of Logprep with one rule."""
    from logprep.factory import Factory

    logging.disable(logging.CRITICAL)
    processor: Any = Factory.create({kind: {"type": kind, "rules": [{"filter": "message", kind: rule}]}})
    processor.setup()
    lines = [line.decode() for line in data]

    def run() -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = [{"message": line} for line in lines]
        for event in events:
            processor.process(event)
        return events

    return run, lambda events: ((e["status"], e["body_bytes_sent"], e["path"]) for e in events if "status" in e)


def pipe(data: list[bytes]) -> Work:
    """Split, decode and grok, about 4 MiB at a time."""
    from pipeline.env.memory import settle

    settle()
    from pipeline.columns.grok import Grok
    from pipeline.columns.lines import decode, records

    grok = Grok("%{NGINX_COMBINED}")
    chunks = [b"\n".join(data[at : at + 16_384]) + b"\n" for at in range(0, len(data), 16_384)]

    def rows(frames: Iterable[pl.DataFrame]) -> Iterator[Row]:
        for frame in frames:
            yield from frame.select("status", "body_bytes_sent", "path").drop_nulls("status").iter_rows()

    return lambda: [grok.match(decode(records(chunk, 0)[0])[0]) for chunk in chunks], rows


def reference(data: list[bytes]) -> Work:
    """Python's `re`."""
    match = re.compile(r'[^"]*"\S+ (\S+) [^"]*" ([0-9]+) ([0-9]+) ').match
    lines = [line.decode() for line in data]
    return lambda: [m for m in map(match, lines) if m], lambda found: ((int(m[2]), int(m[3]), m[1]) for m in found)


def main() -> None:
    """Measure one contender."""
    name, path, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    with path.open("rb") as file:
        data = [line.rstrip(b"\n") for line in islice(file, count)]
    makers: dict[str, Callable[[], Work]] = {
        "Logprep `grokker`": lambda: logprep("grokker", {"mapping": {"message": GROK}, "patterns": PATTERNS}, data),
        "Logprep `dissector`": lambda: logprep("dissector", {"mapping": {"message": DISSECT}}, data),
        "pipe `grok`": lambda: pipe(data),
        "Python `re`": lambda: reference(data),
    }
    run, rows = makers[name]()
    cost, result = timed(run)
    statuses, sizes, paths = zip(*rows(result), strict=True)
    answer = [len(statuses), sum(statuses), sum(sizes), zlib.crc32("\n".join(paths).encode())]
    print(json.dumps({"cpu": cost.cpu, "answer": answer}))


if __name__ == "__main__":
    main()
