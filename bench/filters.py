"""Filters that take texts apart, choose events, hide texts and make several events of one, each on the same requests of an access log."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import subject
from comparison import compare
from measure import Contender
from report import Section, Table
from samples import blocks

from pipeline.env.memory import settle

settle()

import polars as pl  # noqa: E402 — its number of threads is settled before
from stages import KERNELS, batches, chained, graph  # noqa: E402

from pipeline import api  # noqa: E402
from pipeline.agent.context import NodeContext  # noqa: E402
from pipeline.agent.telemetry import Journal  # noqa: E402
from pipeline.env.real import RealEnv  # noqa: E402

LINES = 200_000
SLOW = 10
"""Python gets one part in so many."""

GROK = "grok('%{NGINX_COMBINED}')"
BY_HAND = "Python `str.split`"
FIELDS = (
    GROK
    + """ | set {
  pairs  = "ip={remote_addr} method={method} path={path} size={body_bytes_sent} status={status} agent='{user_agent}'"
  values = "{remote_addr},{method},{path},{body_bytes_sent},{status}"
  quoted = "{remote_addr},{method},{path},{body_bytes_sent},{status},\\"{user_agent}\\""
  parts  = split(values, ',')
  seldom = if body_bytes_sent % 4 == 0 then path else null }"""
)
PARSERS = {
    "dissect, 9 keys": """dissect('%{ip} - %{user} [%{ts}] "%{method} %{path} %{proto}" %{status:int} %{size:int} "%{ref}" "%{ua}"')""",
    "kv, 6 pairs": "kv(pairs, schema: {status: int, size: int})",
    "kv, 1 key of 6": "kv(pairs, keys: status, schema: {status: int})",
    "csv, 5 values": "csv(values, columns: ['ip', 'method', 'path', 'size', 'status'], types: {size: int, status: int})",
    "csv, 6 values, quotes": "csv(quoted, columns: ['ip', 'method', 'path', 'size', 'status', 'agent'], types: {size: int, status: int})",
}
OTHERS = {
    "sample": "sample(rate: 0.1)",
    "sample by a key, weights": "sample(every: 10, weight: weight) by remote_addr",
    "redact, a pattern": "redact(path, patterns: /q=[^&]+/)",
    "redact, a pattern, hashes": "redact(path, patterns: /q=[^&]+/, key: 'k')",
    "redact, five presets": "redact(user_agent, presets: [email, credit_card, ipv4, ipv6, iban])",
    "redact, networks": "redact(remote_addr, ip_prefix: {v4: 24, v6: 48})",
    "lookup, 10,000 keys": "lookup('TABLE', on: body_bytes_sent, key: size, columns: [name, 'class:int'])",
    "flatten": "flatten(geo)",
    "fill": "fill(seldom)",
    "fill by a key": "fill(seldom) by remote_addr",
}
ROWS = {
    "unnest, 5 elements": "unnest(parts)",
    "unnest, 5 elements, numbers": "unnest(parts, into: part, index: at)",
    "split, 5 parts": "split(values, on: ',')",
}
PARTS = 5


def filters(effort: subject.Effort) -> Section:
    """Those that parse, and those that do not."""
    chunks = list(blocks("clean", effort.lines(LINES)))
    events = _after(batches(chunks), FIELDS)
    lines = sum(batch.frame.height for batch in events)
    few = events[: max(1, len(events) // SLOW)]
    statuses = (lines, sum(int(batch.frame["status"].sum()) for batch in events))
    parsers: list[Contender[Any]] = [
        Contender(BY_HAND, sum(batch.frame.height for batch in few), lambda: _by_hand(few), sum).expecting(
            sum(int(batch.frame["status"].sum()) for batch in few)
        ),
        *(
            Contender(f"{name}, {KERNELS}", lines, _work(events, step), _statuses).expecting(statuses)
            for name, step in PARSERS.items()
        ),
    ]
    located = _after(events, "geoip(remote_addr)")
    others: list[Contender[Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder, "sizes.csv")
        table.write_text("size,name,class\n" + "".join(f"{size},size {size},{size % 7}\n" for size in range(10_000)))
        for name, step in OTHERS.items():
            work = _work(located, step.replace("TABLE", str(table)))
            others.append(Contender(name, lines, work, _rows).expecting(_rows(work()) if "sample" in name else lines))
    made: list[Contender[Any]] = [
        Contender(name, lines, _work(located, step), _rows).expecting(PARTS * lines) for name, step in ROWS.items()
    ]
    return Section(
        "Filters",
        "One filter on columns that are there already, in parts of 16,384 requests. Parsers must find the sum of all statuses.",
        [
            _table(f"Parsers: {lines:,} requests", parsers, effort, BY_HAND),
            _table(f"Others: {lines:,} requests", others, effort, "flatten"),
            _table(f"{PARTS} events out of one: {lines:,} requests", made, effort, "unnest, 5 elements"),
        ],
    )


def _table(title: str, contenders: Sequence[Contender[Any]], effort: subject.Effort, reference: str) -> Table:
    return compare(title, contenders, effort, reference)


def _after(events: Sequence[api.Batch], steps: str) -> list[api.Batch]:
    return _work(events, steps)()


def _work(events: Sequence[api.Batch], steps: str) -> Callable[[], list[api.Batch]]:
    """The filters of a transform over all batches. Fields that earlier filters made are known to the checker by what made them."""
    before = f"{FIELDS} | geoip(remote_addr)" if "pairs" in events[0].frame.columns else ""
    known = (
        f"transform before = access | {before}\ntransform t = before | {steps}"
        if before
        else f"transform t = access | {steps}"
    )
    stage = graph(f"source access = file('x.log')\n{known}\nsink out = t -> null()").stages["t"]
    context = NodeContext(RealEnv(1), "bench", Journal(print, RealEnv(1).clock), once=True)
    for step in stage.before:
        asyncio.run(step.plugin.open(context))
    (*_, last) = stage.before
    if isinstance(last.plugin, api.Fold):
        return lambda: _folded(last.plugin, events)
    return lambda: [chained(stage, batch) for batch in events]


def _folded(fold: api.Fold[Any, Any], events: Sequence[api.Batch]) -> list[api.Batch]:
    """One partition, from its beginning."""
    state, done = fold.empty(), []
    for batch in events:
        state, found = fold.step(state, batch, 0)
        done.append(found)
    return done


def _by_hand(events: Sequence[api.Batch]) -> list[int]:
    return [int(text.split(",")[4]) for batch in events for text in batch.frame["values"].to_list()]


def _statuses(done: Sequence[api.Batch]) -> tuple[int, int]:
    frames = pl.concat(batch.frame.select("status") for batch in done)
    return frames.height, int(frames["status"].sum())


def _rows(done: Sequence[api.Batch]) -> int:
    return sum(batch.frame.height for batch in done)


if __name__ == "__main__":
    subject.run(filters, __doc__)
