"""A fact by its id: the window that it is of, and its row."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import polars as pl

from pipeline.api import Delta, Window
from pipeline.errors import NoInputError, StateError
from pipeline.plan.facts import Closing, events
from pipeline.plan.graph import AnyWindow, Graph
from pipeline.store.trails import Known, Sent

Ask = Callable[[Mapping[str, object]], Mapping[str, object]]
"""Asks the state, or the agent that runs on it (`pipeline.agent.answers`)."""


@dataclass(frozen=True)
class Fact:
    """`row` is one of `Window.rows`. `kept`: it is of the state as it is; else it was computed again, from `records`."""

    id: str
    sent: Sent
    window: AnyWindow
    row: Mapping[str, object]
    kept: bool


def window_of(graph: Graph, stage: str) -> AnyWindow:
    """The window of a stage that has one."""
    step = graph.stages[stage].window
    if step is None or not isinstance(step.plugin, Window):
        raise TypeError(f"{stage} has no window")
    return step.plugin


def sought(
    id: str, at: int | None, graph: Graph, known: Known, ask: Ask, again: Callable[[Sent], Sequence[Delta]]
) -> Fact:
    """Look through the windows, the newest first: first those whose state is kept, then, of the time `at` (µs), those whose
    state `again` computes. Raises NoInputError when none has it, StateError when the program is another one than wrote it."""
    windows = [sent for sent in known["windows"] if at is None or sent["start"] == at]
    mine = list(_of(graph, known, windows))
    for sent in mine:
        if sent["kept"] and (fact := _in(id, graph, known, sent, _kept(graph, sent, ask), kept=True)):
            return fact
    for sent in mine if at is not None else ():
        if not sent["kept"] and (fact := _in(id, graph, known, sent, again(sent), kept=False)):
            return fact
    changed = sorted({sent["stage"] for sent in windows} - {sent["stage"] for sent in mine})
    if changed and not mine:
        raise StateError(
            f"the program has changed since: {', '.join(changed)} computes something else now",
            "Ask with the program as it was.",
        )
    if at is None:
        raise NoInputError(
            f"no window whose state is kept has the fact {id}",
            "If it is older than that, give its window_start with --at. Is it a fact of this program?",
        )
    raise NoInputError(
        f"no window of that time has the fact {id}",
        "--at is its window_start. Facts of other programs, instances and states have other ids.",
    )


def _of(graph: Graph, known: Known, windows: Sequence[Sent]) -> Iterator[Sent]:
    """Those of stages that compute what they did."""
    stages = {stage.name for stage in graph.windows}
    for sent in windows:
        name = sent["stage"]
        if name in stages and known["fingerprints"].get(name) == window_of(graph, name).fingerprint:
            yield sent


def _kept(graph: Graph, sent: Sent, ask: Ask) -> list[Delta]:
    answer = ask({"ask": "deltas", "stage": sent["stage"], "start": sent["start"], "part": sent["part"]})
    window = window_of(graph, sent["stage"])
    return [window.load(base64.b64decode(blob)) for blob in cast("list[str]", answer["deltas"])]


def _in(id: str, graph: Graph, known: Known, sent: Sent, deltas: Sequence[Delta], *, kept: bool) -> Fact | None:
    if not deltas:
        return None
    window = window_of(graph, sent["stage"])
    rows = window.rows(sent["start"], window.bounded(deltas)[0])
    closing = Closing(
        graph.name, sent["stage"], window.fingerprint, known["instance"], "", sent["start"], sent["part"], 0, 0
    )
    found = rows.filter(events(rows, closing)["id"] == id)
    return None if found.is_empty() else Fact(id, sent, window, found.row(0, named=True), kept)


def same(fact: Fact, deltas: Sequence[Delta]) -> Mapping[str, object] | None:
    """The row that these deltas give in the place of a fact's; None when they give none."""
    if not deltas:
        return None
    rows = fact.window.rows(fact.sent["start"], fact.window.bounded(deltas)[0])
    on = ("metric", "by") if "metric" in fact.row else ("key",)
    mine = pl.lit(value=True)
    for name in on:
        mine &= pl.col(name).eq_missing(pl.lit(fact.row[name], dtype=rows.schema[name]))
    found = rows.filter(mine)
    return None if found.is_empty() else found.row(0, named=True)


ABOUT = ("key", "metric", "by", "rank", "error", "partial", "window_start", "window_end")


def values(row: Mapping[str, object]) -> dict[str, object]:
    """What a row says: its value, or, where it has a column a metric, all of them with the group's fields."""
    return {name: value for name, value in row.items() if name not in ABOUT and value is not None}
