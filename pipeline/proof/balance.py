"""The equations of the ledger, and what does not add up in it. Pure.

of each stage            in + facts + made = out + filtered + rejected + windowed   facts: rows that its window made, made:
                         with folds, + joined + held + abandoned on the right,      rows that filters made of one, but the first
                         and held = rows in the states of its folds
of each edge             in = what the ports that it reads gave + retried           retried: dead letters, put in again; of a
                         source, what it gave is                                    source, poison are those it gave to nobody,
                         in - poison - rejected - filtered                          the others those that its codec kept back
of each sink             out = delivered + refused + held         refused: dead letters, as their destination does not take them
of each source           in = in of its partitions + retried
of each partition        all of these but the edges, for its rows alone; and, for each sink, ranges that are delivered or
                         held, without a gap and without an overlap, up to where the partition is committed
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pipeline.store.accounts import FORGOTTEN
from pipeline.store.books import Account, Books, Part
from pipeline.store.ledger import Counts

CAME = ("in", "facts", "made")
WENT = ("out", "filtered", "rejected", "windowed", "joined", "held", "abandoned")

Kinds = Mapping[str, int]
"""Outcome → rows."""


@dataclass(frozen=True)
class Fault:
    """Something that does not add up: in which stage, how many rows are missing (negative: too many), and of which range."""

    told: str
    stage: str
    missing: int = 0
    partition: str | None = None
    start: int | None = None
    stop: int | None = None


def faults(books: Books) -> Iterator[Fault]:
    """All that is wrong with a ledger, the whole before the parts."""
    ledger = books["ledger"]
    read = sources(books)
    for stage, kinds in sorted(ledger.items()):
        if missing := lost(kinds, source=stage in read):
            yield Fault(f"{stage}: rows do not add up, {_count(missing)}", stage, missing)
    for stage in sorted({*(name for name, kinds in ledger.items() if "held" in kinds), *books["folds"]}):
        said, there = ledger.get(stage, {}).get("held", 0), books["folds"].get(stage, 0)
        if missing := said - there:
            told = f"{stage} took {_rows(said)} that it has not given yet, its folds hold {there:,}: {_count(missing)}"
            yield Fault(told, stage, missing)
    yield from _edges(books)
    held = Counter[str]()
    for segment in books["held"]:
        held[segment["sink"]] += segment["rows"]
    for sink in sorted(sinks(books)):
        kinds = ledger.get(sink, {})
        refused = kinds.get("refused", 0)
        if missing := kinds.get("out", 0) - kinds.get("delivered", 0) - refused - held[sink]:
            back = f", {refused:,} were refused" if refused else ""
            told = f"put out {_rows(kinds.get('out', 0))}, {kinds.get('delivered', 0):,} are delivered and {held[sink]:,} held{back}"
            yield Fault(f"{sink} {told}: {_count(missing)}", sink, missing)
    yield from _partitions(books)


def sources(books: Books) -> set[str]:
    """Stages that partitions are read by."""
    return {account["source"] for account in books["accounts"]}


def lost(kinds: Kinds, *, source: bool) -> int:
    """The rows of a stage that are nowhere; negative when there are too many. What a source gave is told by the edges."""
    if source:
        return 0
    return sum(kinds.get(outcome, 0) for outcome in CAME) - sum(kinds.get(outcome, 0) for outcome in WENT)


def sinks(books: Books) -> set[str]:
    """Stages that deliver, or did before the program was another one, or hold something to deliver."""
    delivered = {stage for stage, kinds in books["ledger"].items() if "delivered" in kinds}
    return {*books["ends"]} | delivered | {segment["sink"] for segment in books["held"]} | set(books["delivered"])


def _edges(books: Books) -> Iterator[Fault]:
    """Since the program has the edges that it has."""
    for stage, ports in sorted(books["edges"].items()):
        taken = _since(books, stage, "in")
        given = sum(_given(books, port) for port in ports)
        retried = _since(books, stage, "retried")
        if missing := given + retried - taken:
            again = f", {retried:,} were put in again" if retried else ""
            told = f"{stage} took {_rows(taken)}, {' and '.join(ports)} gave {given:,}{again}: {_count(missing)}"
            yield Fault(told, stage, missing)


def _given(books: Books, port: str) -> int:
    stage, _, name = port.partition(".")
    if stage not in books["edges"] and name != "rejected":
        kept = sum(_since(books, stage, outcome) for outcome in ("poison", "rejected", "filtered"))
        return _since(books, stage, "in") - kept
    return _since(books, stage, name if name == "rejected" else f"out:{name}" if name else "out")


def _since(books: Books, stage: str, outcome: str) -> int:
    return books["ledger"].get(stage, {}).get(outcome, 0) - books["since"].get(stage, {}).get(outcome, 0)


def _partitions(books: Books) -> Iterator[Fault]:
    read = Counter[str]()
    known = {account["partition"] for account in books["accounts"]}
    parts = _parts(books, known)
    counts: dict[str, dict[str, Counter[str]]] = {}
    """Partition → stage → outcome → rows. Different sources may have forgotten partitions."""
    for account in books["accounts"]:
        read[account["source"]] += _kinds(account["counts"], account["source"]).get("in", 0)
        for stage, kinds in account["counts"].items():
            counts.setdefault(account["partition"], {}).setdefault(stage, Counter()).update(kinds)
    for source, rows in sorted(read.items()):
        whole = _kinds(books["ledger"], source)
        if missing := whole.get("in", 0) - whole.get("retried", 0) - rows:
            yield Fault(f"{source}: its partitions do not add up, {_count(missing)}", source, missing)
    for account in books["accounts"]:
        yield from _account(account)
        found = parts.pop(account["partition"], {})
        done = counts.pop(account["partition"], {})
        reached = books["sinks"].get(account["source"], ()) if account["partition"] != FORGOTTEN else ()
        for sink in sorted({*found, *reached, *(sinks(books) & done.keys())}):
            missing = done.get(sink, Counter[str]()).get("out", 0) - sum(part["rows"] for part in found.get(sink, []))
            yield from _covered(books, account, sink, found.get(sink, []), missing)


def _account(account: Account) -> Iterator[Fault]:
    """Of one partition: its stages, and how far it is."""
    where = _where(account["source"], account["partition"], account["start"], account["stop"])
    extent = (account["partition"], account["start"], account["stop"])
    for stage, kinds in sorted(account["counts"].items()):
        if missing := lost(kinds, source=stage == account["source"]):
            yield Fault(f"{stage}: rows of {where} do not add up, {_count(missing)}", stage, missing, *extent)
    committed = account["committed"]
    if account["partition"] != FORGOTTEN and committed != account["stop"]:
        at = "not committed" if committed is None else f"committed up to {committed:,}"
        told = f"{account['source']}: {where} is accounted for, it is {at}"
        yield Fault(told, account["source"], 0, account["partition"], account["stop"], committed)


def _covered(books: Books, account: Account, sink: str, parts: list[Part], missing: int) -> Iterator[Fault]:
    """Of one partition and sink: the rows, and the ranges."""
    source, name = account["source"], account["partition"]
    reached = sink in books["sinks"].get(source, ())
    begins = min((part["start"] for part in parts), default=account["stop"])
    at = account["start"] if reached or missing else begins
    gaps: list[tuple[int, int]] = []
    for part in sorted(parts, key=lambda part: (part["start"], part["stop"])):
        if part["start"] > at:
            gaps.append((at, part["start"]))
        elif part["start"] < at and books["paths"].get(sink, 0) <= 1:
            # Rows of one range may be in segments of several paths, but not in two of one.
            stop = min(at, part["stop"])
            told = f"{sink} has {_where(source, name, part['start'], stop)} twice"
            yield Fault(told, sink, 0, name, part["start"], stop)
        at = max(at, part["stop"])
    if at < account["stop"] and (reached or missing):
        gaps.append((at, account["stop"]))
    elif at > account["stop"]:
        told = f"{sink} has {_where(source, name, account['stop'], at)}, which was not read"
        yield Fault(told, sink, 0, name, account["stop"], at)
    for start, stop in gaps:
        told = f"{sink} has nothing of {_where(source, name, start, stop)}"
        yield Fault(told, sink, missing if len(gaps) == 1 else 0, name, start, stop)
    if missing:
        told = f"{sink}: rows of {_where(source, name, account['start'], account['stop'])} do not add up"
        yield Fault(f"{told}, {_count(missing)}", sink, missing, name, account["start"], account["stop"])


def _kinds(counts: Counts, stage: str) -> Kinds:
    return counts.get(stage, {})


def _parts(books: Books, known: set[str]) -> dict[str, dict[str, list[Part]]]:
    """Partition → sink → what is delivered and what is held. What nobody knows the partition of is with the forgotten."""
    found: dict[str, dict[str, list[Part]]] = {}
    for sink, parts in [*books["delivered"].items(), *((held["sink"], held["parts"]) for held in books["held"])]:
        for part in parts:
            name = part["partition"]
            kept = part if name in known else Part(partition=FORGOTTEN, start=0, stop=0, rows=part["rows"])
            found.setdefault(kept["partition"], {}).setdefault(sink, []).append(kept)
    return found


def _where(source: str, partition: str, start: int, stop: int) -> str:
    if partition == FORGOTTEN:
        return f"what {source} has forgotten"
    return f"{source}, partition {partition}, {start:,}..{stop:,}"


def _count(missing: int) -> str:
    return f"{_rows(abs(missing))} {'missing' if missing > 0 else 'too many'}"


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"
