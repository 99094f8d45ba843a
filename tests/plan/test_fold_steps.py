"""Filters with memory in a flow: where batches wait for them, what a row that raises does, and what letters meet."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from pipeline import api
from pipeline.api import Batch, Columns
from pipeline.columns.batch import stamp
from pipeline.errors import InternalError
from pipeline.lang.spans import Source
from pipeline.plan.asking import alone
from pipeline.plan.effects import Effects
from pipeline.plan.explain import explain
from pipeline.plan.facts import Closing, events
from pipeline.plan.flow import Flow
from pipeline.plan.folds import Fresh, identified
from pipeline.plan.graph import Graph, Port, Step
from pipeline.plan.load import load
from pipeline.plan.reentry import again, together
from pipeline.testing.folds import Folded

PROGRAM = """
source log = generate(count: 1)
transform words = log | grok('^(?<w>[a-z]+)') | dedupe(within: 1h) by w | grok('^(?<v>.*)!$')
transform both = [words, words.rejected, log] | set { x = 1 }
transform facts = words | window(10s) { n = count() by w } | dedupe(within: 1h) by metric
sink seen = both -> null()
sink shown = facts -> null()
"""


def graph_of(program: str) -> Graph:
    loaded = load(Source("p.pipe", program))
    assert loaded.graph is not None, loaded.diagnostics
    return loaded.graph


@pytest.fixture
def flow() -> Flow:
    return Flow(graph_of(PROGRAM), "host")


def batch(*raws: bytes, at: int = 0) -> Batch:
    offsets = pl.Series(range(at, at + len(raws)), dtype=pl.Int64)
    return api.lines(raws, offsets, partition="p", start=at, end=at + len(raws), path="f")


def test_rows_wait_at_the_first_fold(flow: Flow) -> None:
    """What is before it is done in any order; what is below it waits, so that its rows stay in the order of the source."""
    effects = flow.run("log", batch(b"a!", b"--", b"a!", b"b"), 1)
    assert (effects.counts["words", "in"], effects.counts["words", "rejected"], effects.counts["both", "in"]) == (
        4,
        1,
        0,
    )
    assert effects.ahead["words"].frame["w"].to_list() == ["a", "a", "b"]
    flow.resume(effects, Fresh(1))
    assert (effects.ahead, effects.ports) == ({}, {})
    words = {outcome: rows for (stage, outcome), rows in effects.counts.items() if stage == "words" and rows}
    assert words == {"in": 4, "out": 1, "filtered": 1, "rejected": 2}
    assert (effects.counts["both", "in"], effects.counts["facts", "windowed"]) == (1 + 2 + 4, 1)
    assert list(effects.reach) == ["p"]


def test_states_go_from_batch_to_batch(flow: Flow) -> None:
    memory = Fresh(1)
    for number, (raws, out) in enumerate([((b"a!", b"b!"), 2), ((b"b!", b"c!"), 1), ((b"a!",), 0)]):
        effects = flow.run("log", batch(*raws, at=10 * number), 1)
        flow.resume(effects, memory)
        assert effects.counts["words", "out"] == out


def test_partitions_of_one_batch_have_a_state_each(flow: Flow) -> None:
    """Rows stay in order within each."""
    one, other = batch(b"a!", b"b!"), batch(b"a!", b"c!")
    frame = pl.concat([one.frame, other.frame.with_columns(pl.lit("q").alias("@partition"))])
    effects = flow.run("log", Batch(frame[[0, 2, 1, 3]], {**one.span, "q": one.span["p"]}), 1)
    flow.resume(effects, Fresh(1))
    assert (effects.counts["words", "out"], effects.counts["words", "filtered"]) == (4, 0)


def test_facts_of_windows_have_one_state(flow: Flow) -> None:
    """Whatever window they are of."""
    memory = Fresh(1)
    window = flow.graph.stages["facts"].window
    assert window is not None
    assert isinstance(window.plugin, api.Window)
    _, deltas = window.plugin.deltas(flow.run("log", batch(b"a!"), 1).ahead["words"])
    for part, out in ((0, 1), (1, 0)):
        rows = events(window.plugin.rows(0, deltas[0]), Closing("p", "facts", "f", "i", "h", 0, part, 1, 1))
        assert alone(flow.facts("facts", rows, memory)).counts["facts", "out"] == out


def test_a_batch_in_parts_waits_as_a_whole(flow: Flow) -> None:
    """As it is computed after a stop that was not clean."""
    whole = batch(b"a!", b"--", b"b!", b"a!", b"c")
    wanted = flow.run("log", whole, 1)
    found = together(
        flow, "log", whole, 1, [flow.run("log", whole.with_frame(whole.frame[at : at + 2]), 1) for at in (0, 2, 4)]
    )
    flow.resume(wanted, Fresh(1))
    flow.resume(found, Fresh(1))
    assert (+found.counts, found.reach) == (+wanted.counts, wanted.reach)


CUT = """
source log = generate(count: 1)
transform words = log | where(length(@raw) < 2) | grok('^(?<w>[a-z])$') | dedupe() by w
sink seen = words -> null()
"""


def test_a_part_of_which_nothing_is_left_is_no_hindrance() -> None:
    """Filters that nothing comes to add no columns, so it has fewer than the others."""
    flow = Flow(graph_of(CUT), "host")
    whole = batch(b"--", b"--", b"a", b"a", b"--", b"--")
    parts = [flow.run("log", whole.with_frame(whole.frame[at : at + 2]), 1) for at in (0, 2, 4)]
    found = together(flow, "log", whole, 1, parts)
    flow.resume(found, Fresh(1))
    assert (found.counts["words", "in"], found.counts["words", "out"], found.counts["words", "filtered"]) == (6, 1, 5)


def test_a_letter_that_is_put_in_again_meets_no_state(flow: Flow) -> None:
    """Each passes the folds alone, and is not remembered."""
    effects = flow.run("log", batch(b"x", b"x", b"y"), 1)
    flow.resume(effects, Fresh(1))
    ((_, rows),) = [(stage, rows) for stage, rows in flow_dead(flow) if stage == "words"]
    effects = alone(again(flow, "words", "log", rows))
    assert (effects.counts["words", "in"], effects.counts["words", "filtered"]) == (2, 0)
    assert (effects.ahead, effects.counts["words", "rejected"]) == ({}, 2)


def flow_dead(flow: Flow) -> list[tuple[str, pl.DataFrame]]:
    """Two letters with the same key that `words` rejected."""
    bare = Flow(graph_of(PROGRAM.replace("words.rejected, ", "")), "host")
    effects = bare.run("log", batch(b"x", b"y"), 1)
    bare.resume(effects, Fresh(1))
    (stage, rows), *_ = effects.dead
    return [(stage, pl.concat([rows[:1], rows[:1].with_columns(pl.lit(7, dtype=pl.Int64).alias("@offset"))]))]


class Sum(api.Fold[api.Options, int]):
    """Numbers each row by how many came, and raises on `boom`."""

    name = "sum"
    options_model = api.Options
    example = ""

    def schema(self, columns: Columns) -> Columns:
        return columns.with_field(("n",), api.INT)

    def empty(self) -> int:
        return 0

    def step(self, state: int, batch: Batch, now: int) -> tuple[int, Batch]:
        if b"boom" in batch.frame["@raw"].to_list():
            raise ValueError("it went boom")
        numbers = pl.int_range(state + 1, state + 1 + batch.frame.height, eager=True).alias("n")
        return state + batch.frame.height, batch.with_columns(numbers)

    def finish(self, state: int) -> tuple[int, Batch | None]:
        raise ValueError("it cannot end")

    def dump(self, state: int) -> bytes:
        return str(state).encode()

    def load(self, data: bytes, version: int) -> int:
        return int(data)


def summing() -> Flow:
    graph = graph_of("source log = generate(count: 1)\ntransform t = log | set { x = 1 }\nsink s = t -> null()")
    step = Step("sum", Sum(api.Options()), Columns({"n": api.INT}), "sum()", 1, "sum")
    stages = {**graph.stages, "t": replace(graph.stages["t"], before=(step,))}
    return Flow(replace(graph, stages=stages), "host")


def test_a_row_that_a_fold_raises_on_is_rejected_alone() -> None:
    """The state is what it would be without it."""
    flow, memory = summing(), Fresh(1)
    raws = [b"boom" if number in (3, 4, 9) else b"x" for number in range(12)]
    effects = flow.run("log", batch(*raws), 1)
    flow.resume(effects, memory)
    ((stage, dead),) = effects.dead
    assert (stage, dead["@offset"].to_list()) == ("t", [3, 4, 9])
    assert dead["@error"].struct.field("filter").unique().to_list() == ["sum"]
    assert (effects.counts["t", "out"], effects.counts["t", "filtered"], effects.counts["t", "held"]) == (9, 0, 0)
    assert effects.failing["t", "sum"].rows == 3
    assert memory.get(("t", "sum", "p"), Sum(api.Options())) == 9


def test_a_fold_that_raises_at_the_end_is_a_defect() -> None:
    flow, rows = summing(), stamp(batch(b"x"), source="log", host="host", now=0)
    with pytest.raises(InternalError, match="t: sum failed to release its held rows: ValueError: it cannot end"):
        alone(flow.through([flow.graph.stages["t"]], {Port("log"): rows}, Effects()))


def names(program: str) -> tuple[str, ...]:
    graph = graph_of("source log = generate(count: 1)\n" + program)
    return graph.folds["t"]


def test_a_fold_has_the_name_of_what_it_means() -> None:
    """Layout, other filters and constants of the same value do not change it; options do."""
    plain = names("transform t = log | dedupe(within: 10s) by @path\nsink s = t -> null()")
    same = names(
        "let w = 10s\ntransform t = log | set { a = 1 } | dedupe(\n within: w) by @path | set { b = 2 }\nsink s = t -> null()"
    )
    other = names("transform t = log | dedupe(within: 11s) by @path\nsink s = t -> null()")
    twice = names(
        "transform t = log | dedupe(within: 10s) by @path | dedupe(within: 10s) by @path\nsink s = t -> null()"
    )
    assert plain == same != other
    assert twice == (plain[0], plain[0] + "-2")


def test_a_fold_that_holds_rows_has_another_name_for_other_columns() -> None:
    """The rows that it holds have the columns of before."""
    graph = graph_of("source log = generate(count: 1)\ntransform t = log | multiline(preset: go)\nsink s = t -> null()")
    step = graph.stages["t"].before[0]
    found = {identified([step], columns)[0].fold for columns in (Columns({}), Columns({"a": api.INT}))}
    assert len(found) == 2
    assert step.fold in found


def test_the_harness_tells_what_is_wrong_with_a_fold() -> None:
    """A state that is changed in its place, and one that does not come back as it was."""

    class Growing(api.Fold[api.Options, list[int]]):
        name, options_model, example = "growing", api.Options, ""

        def schema(self, columns: Columns) -> Columns:
            return columns

        def empty(self) -> list[int]:
            return []

        def step(self, state: list[int], batch: Batch, now: int) -> tuple[list[int], Batch]:
            state.append(batch.frame.height)
            return state, batch

        def dump(self, state: list[int]) -> bytes:
            return bytes(state)

        def load(self, data: bytes, version: int) -> Any:
            return list(data)

    with pytest.raises(AssertionError, match="a state that is given must stay as it is"):
        Folded(Growing(api.Options())).step(batch(b"x"))


def test_a_flow_with_folds_is_pickled(flow: Flow) -> None:
    again = pickle.loads(pickle.dumps(flow))
    assert again.graph.folds == flow.graph.folds


def test_explain_says_that_there_is_a_memory(flow: Flow) -> None:
    told = explain(flow.graph).splitlines()
    assert (
        told.count("      memory        a state for each partition, one for all facts; committed with the progress")
        == 2
    )
