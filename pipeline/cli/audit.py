"""`pipe audit`: every row, accounted for."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from typing import cast

import click

from pipeline.cli.failures import say
from pipeline.cli.states import asked, folder_of, with_state
from pipeline.cli.tables import text
from pipeline.proof.balance import Fault, faults, lost, sinks, sources
from pipeline.store.accounts import FORGOTTEN
from pipeline.store.books import Books

OUTCOMES = ("in", "facts", "out", "filtered", "rejected", "windowed")

FOLDS = ("made", "joined", "held", "abandoned")
"""Outcomes of stages with a fold, or with a filter that makes rows."""

LETTERS = ("poison", "retried", "dropped", "expired")
"""Outcomes of dead letters."""

SOME = (*FOLDS, *LETTERS)
"""Outcomes that people see where there are some."""

SHOWN = 20
"""Partitions of a table, and faults, at most; JSON has all."""


@click.command("audit")
@with_state
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(file: str | None, state: str | None, form: str) -> int:
    """Prove that every row since the state began is somewhere.

    Of each stage, in + facts + made = out + filtered + rejected + windowed, where `facts` are the rows that its window made of
    those that are `windowed`, and `made` those that filters made of others; of one with a fold, + joined + held + abandoned on the right. Of each edge, what was given was taken, and besides only dead letters that were retried. Of each sink, out = delivered + refused + held, where `refused` are dead letters that its destination does not take, and for every partition
    the ranges that are delivered or held follow on each other up to where it is committed. Exits 1 and says what does not add
    up, and where."""
    answer, _ = asked(folder_of(file, state), {"ask": "audit"})
    books = cast("Books", answer["books"])
    found = list(faults(books))
    told = {"stages": stages(books), "sinks": deliveries(books), "partitions": partitions(books)}
    if form == "json":
        click.echo(json.dumps({**told, "faults": [asdict(fault) for fault in found]}, ensure_ascii=False))
    else:
        click.echo("\n\n".join(_tables(told)) or "no row has been read yet")
    _complain(found)
    return 1 if found else 0


def stages(books: Books) -> list[dict[str, object]]:
    """The rows of each stage by outcome, and those that are `missing`."""
    read = sources(books)
    return [
        {
            "stage": stage,
            **{name: kinds.get(name, 0) for name in (*OUTCOMES, *SOME)},
            "missing": lost(kinds, source=stage in read),
        }
        for stage, kinds in books["ledger"].items()
    ]


def deliveries(books: Books) -> list[dict[str, object]]:
    """Of each sink: what it put out, what of that is at its destination, what that refused, and what the state holds."""
    held, there = Counter[str](), Counter[str]()
    for segment in books["held"]:
        (there if segment["in_place"] else held)[segment["sink"]] += segment["rows"]
    rows = []
    for sink in sorted(sinks(books)):
        kinds = books["ledger"].get(sink, {})
        out, delivered = kinds.get("out", 0), kinds.get("delivered", 0) + there[sink]
        refused = kinds.get("refused", 0)
        rows.append(
            {
                "sink": sink,
                "out": out,
                "delivered": delivered,
                "refused": refused,
                "held": held[sink],
                "missing": out - delivered - refused - held[sink],
            }
        )
    return rows


def partitions(books: Books) -> list[dict[str, object]]:
    """What was read of each partition."""
    return [
        {
            "source": account["source"],
            "partition": "(forgotten)" if account["partition"] == FORGOTTEN else account["partition"],
            "from": account["start"],
            "to": account["stop"],
            "rows": account["counts"].get(account["source"], {}).get("in", 0),
        }
        for account in books["accounts"]
    ]


def _tables(told: dict[str, list[dict[str, object]]]) -> list[str]:
    some = {name for name in SOME if any(row[name] for row in told["stages"])}
    shown = [{name: row[name] for name in row if name not in SOME or name in some} for row in told["stages"]]
    told = {**told, "stages": shown}
    tables = [text(rows[:SHOWN] if name == "partitions" else rows) for name, rows in told.items() if rows]
    more = len(told["partitions"]) - SHOWN
    return [*tables, f"and {more:,} more partitions (--format json has all)"] if more > 0 else tables


def _complain(found: list[Fault]) -> None:
    for fault in found[:SHOWN]:
        say("error", fault.told)
    if len(found) > SHOWN:
        say("error", f"and {len(found) - SHOWN:,} more (--format json has all)")
