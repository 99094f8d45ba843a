"""Filters with memory, each on the same requests of one log: the part of a program that one thread computes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import subject
from comparison import compare
from measure import Contender
from report import Section, Table
from samples import blocks

from pipeline.env.memory import settle

settle()

from stages import batches, chained, graph  # noqa: E402 — the number of Polars' threads is settled before

from pipeline import api  # noqa: E402

LINES = 200_000
SET, JOIN = "Python `set`", "Python `re`, joined"
GROK = "transform parsed = access | grok('%{NGINX_COMBINED}')"
TRACE = (b"ERROR it failed", b"java.lang.IllegalStateException: no", b"\tat Main.run(Main.java:7)", b"\t... 12 more")
EVENT = re.compile(rb"ERROR|INFO")


def folds(effort: subject.Effort) -> Section:
    """Those that choose and cluster events, and those that join lines."""
    lines = effort.lines(LINES)
    return Section(
        "Filters with memory",
        "A state, and parts of 16,384 rows one after the other, as the commit gives them; what is stored of a state is made after each. "
        "Who drops repetitions must let as many through as there are addresses, and who joins must find every event.",
        [_events(list(blocks("clean", lines)), effort), _joined(lines, effort)],
    )


def _events(chunks: Sequence[bytes], effort: subject.Effort) -> Table:
    parsed = _stage(GROK, "parsed")
    events = [chained(parsed, batch) for batch in batches(chunks)]
    addresses = [batch.frame["remote_addr"].to_list() for batch in events]
    rows, different = sum(map(len, addresses)), len({address for part in addresses for address in part})
    steps = {
        "`dedupe` by an address": ("dedupe(within: 24h, count: 1_000_000) by remote_addr", different),
        "`dedupe`, whole records": (
            "dedupe(within: 24h, count: 1_000_000)",
            len({raw for batch in events for raw in batch.frame["@raw"].to_list()}),
        ),
        "`throttle` by an address": ("throttle(rate: 1_000_000, per: 1s) by remote_addr", rows),
        "`cluster` of paths": ("cluster(path)", rows),
        "`cluster` of user agents": ("cluster(user_agent)", rows),
    }
    contenders: list[Contender[Any]] = [
        Contender(SET, rows, lambda: _first(addresses), sum).expecting(different),
        *(
            Contender(name, rows, _work(f"{GROK}\ntransform t = parsed | {step}", events), sum).expecting(wanted)
            for name, (step, wanted) in steps.items()
        ),
    ]
    return compare(f"Events: {rows:,} requests, {different:,} addresses", contenders, effort, SET)


def _joined(lines: int, effort: subject.Effort) -> Table:
    """Lines of which some belong together: a stack trace of four after each twelve, or parts of long lines."""
    plain = [b"INFO it works %d" % number for number in range(12)]
    logs = [b"\n".join([*plain, *TRACE]) + b"\n"] * (lines // 16)
    size = 1024
    traces = batches([b"".join(logs[at : at + size]) for at in range(0, len(logs), size)])
    head = b"2026-01-31T12:00:00.5Z stdout "
    long = [b"".join(head + b"FP"[flag : flag + 1] + b" GET /\n" for flag in (0,) * 12 + (1, 1, 1, 0))] * (lines // 16)
    parts = batches([b"".join(long[at : at + size]) for at in range(0, len(long), size)])
    cri = "transform parsed = access | decode(cri)"
    decoded = [chained(_stage(cri, "parsed"), batch) for batch in parts]
    rows, events = 16 * len(logs), 13 * len(logs)
    raws = [batch.frame["@raw"].to_list() for batch in traces]
    contenders: list[Contender[Any]] = [
        Contender(JOIN, rows, lambda: _by_hand(raws), len).expecting(events),
        Contender(
            "`multiline`, a start", rows, _work("transform t = access | multiline(start: /^(INFO|ERROR)/)", traces), sum
        ).expecting(events),
        Contender(
            "`multiline`, a preset", rows, _work("transform t = access | multiline(preset: java)", traces), sum
        ).expecting(events),
        Contender("`unsplit`", rows, _work(f"{cri}\ntransform t = parsed | unsplit()", decoded), sum).expecting(events),
    ]
    return compare(f"Lines: {rows:,}, {events:,} events", contenders, effort, JOIN)


def _stage(steps: str, name: str) -> Any:  # noqa: ANN401 — a stage of the graph
    return graph(f"source access = file('x.log')\n{steps}\nsink out = {name} -> null()").stages[name]


def _work(steps: str, given: Sequence[api.Batch]) -> Callable[[], list[int]]:
    """How many rows come out of the fold at the end of these steps, batch by batch, and at the end."""
    fold: api.Fold[Any, Any] = _stage(steps, "t").before[-1].plugin

    def work() -> list[int]:
        state, out = fold.empty(), []
        for batch in given:
            after, found = fold.step(state, batch, 0)
            if after is not state:
                fold.dump(after)
            state = after
            out.append(found.frame.height)
        _, rest = fold.finish(state)
        return [*out, 0 if rest is None else rest.frame.height]

    return work


def _first(addresses: Sequence[Sequence[str]]) -> list[int]:
    seen: set[str] = set()
    out = []
    for part in addresses:
        before = len(seen)
        for address in part:
            if address not in seen:
                seen.add(address)
        out.append(len(seen) - before)
    return out


def _by_hand(raws: Sequence[Sequence[bytes]]) -> list[bytes]:
    events: list[list[bytes]] = []
    for part in raws:
        for raw in part:
            if EVENT.match(raw) or not events:
                events.append([])
            events[-1].append(raw)
    return [b"\n".join(event) for event in events]


if __name__ == "__main__":
    subject.run(folds, __doc__)
