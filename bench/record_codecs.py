"""Codecs: the same requests in every writing, read and written, beside Python's own modules."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from typing import Any

import subject
from comparison import compare
from measure import Contender
from report import Section, Table
from samples import COMBINED, blocks

from pipeline.env.memory import settle

settle()

import polars as pl  # noqa: E402 — its number of threads is settled before
from stages import KERNELS, batches, chained, graph  # noqa: E402

from pipeline import api  # noqa: E402

LINES = 100_000
LOADS, DUMPS = "Python `json.loads`", "Python `json.dumps`"

PARSED = (
    "transform parsed = access | grok('%{NGINX_COMBINED}') | keep(remote_addr, method, path, status, body_bytes_sent)"
)
FIELDS = ("remote_addr", "method", "path", "status", "body_bytes_sent")

PAIRS = "ip={remote_addr} method={method} path={path} status={status}".format_map
DECODED: dict[str, tuple[str, Callable[[dict[str, Any]], str] | None, str]] = {
    "apache": ("apache(combined)", None, "response"),
    "nginx": ("nginx(combined)", None, "status"),
    "lines": ("lines", "{status}".format_map, "message"),
    "json": ("json(schema: {status: int})", json.dumps, "status"),
    "csv": (
        "csv(['ip', 'method', 'path', 'status', 'size'], types: {status: int})",
        "{remote_addr},{method},{path},{status},{body_bytes_sent}".format_map,
        "status",
    ),
    "kv": ("kv(schema: {status: int})", PAIRS, "status"),
    "logfmt": ("logfmt(schema: {status: int})", PAIRS, "status"),
    "cri": ("cri", "2026-01-31T12:00:00.5Z stdout F {status}".format_map, "message"),
    "docker": (
        "docker",
        lambda row: json.dumps({"log": f"{row['status']}\n", "stream": "stdout", "time": "2026-01-31T12:00:00.5Z"}),
        "message",
    ),
    "gelf": (
        "gelf",
        lambda row: json.dumps(
            {
                "version": "1.1",
                "host": "h",
                "short_message": row["path"],
                "level": row["status"],
                "_ip": row["remote_addr"],
            }
        ),
        "level",
    ),
    "cef": ("cef", "CEF:0|v|p|1|7|{status}|5|src={remote_addr} request={path}".format_map, "name"),
    "syslog": ("syslog", "<34>1 2026-01-31T12:00:00.5Z h nginx {status} - - {path}".format_map, "procid"),
    "w3c": (
        "w3c(['c-ip', 'cs-method', 'cs-uri-stem', 'sc-status'], types: {sc_status: int})",
        "{remote_addr} {method} {path} {status}".format_map,
        "sc_status",
    ),
}
"""Codec → how a program says it, what writes a request (none: the line itself), and where the status is then."""

WRITTEN = {"loki": "loki(labels: [method], line: path)"}
"""How a program says those that need to be told something."""
ENCODED = ("json", "csv", "logfmt", "gelf", "cef", "syslog", "hec", "loki", "parquet", "raw", "text")


def codecs(effort: subject.Effort) -> Section:
    """Both tables."""
    lines = batches(list(blocks("clean", effort.lines(LINES))))
    return Section(
        "Codecs",
        "Requests of an access log in parts of 16,384, as columns that are there already. Whoever reads must find the sum of all "
        "statuses; whoever writes must write as many records.",
        [_decoders(lines, effort), _encoders(lines, effort)],
    )


def _decoders(lines: Sequence[api.Batch], effort: subject.Effort) -> Table:
    known = [chained(_stage(PARSED, "parsed"), batch).frame for batch in lines]
    answer = sum(frame.height for frame in known), sum(int(frame["status"].sum()) for frame in known)
    texts = {name: _texts(lines, known, write) for name, (_, write, _) in DECODED.items()}
    objects, cells, raws = _plain(texts["json"], "line"), _plain(texts["csv"], "line"), _plain(lines, "@raw")
    contenders: list[Contender[Any]] = [
        Contender(LOADS, answer[0], lambda: [json.loads(text)["status"] for text in objects], _sum).expecting(answer),
        Contender("Python `csv.reader`", answer[0], lambda: [int(row[3]) for row in csv.reader(cells)], _sum).expecting(
            answer
        ),
        Contender("Python `re`, combined", answer[0], lambda: [_status(raw) for raw in raws], _sum).expecting(answer),
        *(
            Contender(f"`{name}`, {KERNELS}", answer[0], _decoding(texts[name], told), _statuses(field)).expecting(
                answer
            )
            for name, (told, _, field) in DECODED.items()
        ),
    ]
    return compare(f"Read: {answer[0]:,} records", contenders, effort, LOADS)


def _encoders(lines: Sequence[api.Batch], effort: subject.Effort) -> Table:
    known = [chained(_stage(PARSED, "parsed"), batch).frame for batch in lines]
    rows = [row for frame in known for row in frame.select(FIELDS).to_dicts()]
    contenders: list[Contender[Any]] = [
        Contender(
            DUMPS, len(rows), lambda: "".join(json.dumps(row) + "\n" for row in rows).encode(), _lines, len(rows)
        ),
        Contender("Python `csv.writer`", len(rows), lambda: _written(rows), _lines, len(rows)),
        *(
            Contender(f"`{name}`, {KERNELS}", len(rows), _encoding(known, name), _records(name), len(rows))
            for name in ENCODED
        ),
    ]
    return compare(f"Written: {len(rows):,} records of five fields", contenders, effort, DUMPS)


def _stage(steps: str, name: str) -> Any:  # noqa: ANN401 — a stage of the graph
    return graph(f"source access = file('x.log')\n{steps}\nsink out = {name} -> null()").stages[name]


def _texts(
    lines: Sequence[api.Batch], known: Sequence[pl.DataFrame], write: Callable[[dict[str, Any]], str] | None
) -> list[api.Batch]:
    """The records in a field `line`, or the lines as they are."""
    if write is None:
        return list(lines)
    return [
        batch.with_columns(pl.Series("line", [write(row) for row in frame.select(FIELDS).to_dicts()]))
        for batch, frame in zip(lines, known, strict=True)
    ]


def _plain(texts: Sequence[api.Batch], field: str) -> list[Any]:
    return [text for batch in texts for text in batch.frame[field].to_list()]


def _decoding(texts: Sequence[api.Batch], told: str) -> Callable[[], list[pl.DataFrame]]:
    if "line" in texts[0].frame.columns:
        steps = f"transform made = access | set {{ line = 'x' }}\ntransform t = made | decode({told}, line)"
    else:
        steps = f"transform t = access | decode({told})"
    stage = _stage(steps, "t")
    return lambda: [chained(stage, batch).frame for batch in texts]


def _encoding(frames: Sequence[pl.DataFrame], name: str) -> Callable[[], bytes]:
    written = '"{method} {path} {status}"' if name == "text" else WRITTEN.get(name, name)
    output = (
        graph(f"source access = file('x.log')\n{PARSED}\nsink out = parsed -> file('out', format: {written})")
        .stages["out"]
        .output
    )
    assert output is not None
    if output.layout.whole:
        return lambda: b"".join(output.finish(map(output.encode, frames), output.layout.form))
    return lambda: b"".join(map(output.encode, frames))


def _status(raw: bytes) -> int:
    found = COMBINED.match(raw)
    return int(found[7]) if found else 0


def _written(rows: Sequence[dict[str, object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(row.values() for row in rows)
    return text.getvalue().encode()


def _sum(statuses: Sequence[int]) -> tuple[int, int]:
    return len(statuses), sum(statuses)


def _statuses(field: str) -> Callable[[Sequence[pl.DataFrame]], tuple[int, int]]:
    return lambda frames: (
        sum(frame.height for frame in frames),
        sum(int(frame[field].cast(pl.Int64).sum()) for frame in frames),
    )


def _lines(data: bytes) -> int:
    return data.count(b"\n")


def _records(name: str) -> Callable[[bytes], int]:
    """How many records there are in what a codec wrote."""
    if name == "parquet":
        return lambda data: pl.read_parquet(io.BytesIO(data)).height
    if name == "loki":
        return lambda data: sum(len(json.loads(stream)["values"]) for stream in data.splitlines())
    return _lines


if __name__ == "__main__":
    subject.run(codecs, __doc__)
