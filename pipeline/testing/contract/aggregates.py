"""Rules for aggregates, tried inside the house's window: rows become state, states merge, state becomes facts."""

from __future__ import annotations

import itertools
import pickle
import random
from dataclasses import dataclass
from functools import cached_property

import polars as pl
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pipeline.api import Aggregate, Batch, Columns, Delta, Options, Window, dtype
from pipeline.lang import Diagnostic, Source, render
from pipeline.plan.catalog import Catalog
from pipeline.plan.load import load
from pipeline.testing.contract.every import NAME, check_api, of_the_house
from pipeline.testing.contract.rows import odd
from pipeline.testing.contract.rules import Rule, broken, rule

PROGRAM = """
source access = generate(count: 100)
transform facts = access | json() | window(10s) { METRIC }
sink out = facts -> null()
"""

AnyWindow = Window[Options]


@dataclass
class Metric:
    """One use of an aggregate, as in a block of `window`: `slow = p95(request_time) by host`."""

    aggregate: Aggregate
    metric: str

    @cached_property
    def _made(self) -> tuple[AnyWindow, Columns]:
        catalog = Catalog.installed().also("aggregates", self.aggregate.name, self.aggregate)
        found = load(Source("example", PROGRAM.replace("METRIC", self.metric)), catalog=catalog)
        errors = [each for each in found.diagnostics if isinstance(each, Diagnostic) and each.severity == "error"]
        if found.graph is None or errors:
            broken(f"`{self.metric}` has errors:\n" + "\n".join(render(each, colour=False) for each in errors))
        stage = found.graph.stages["facts"]
        if stage.window is None or not isinstance(stage.window.plugin, Window):
            broken(f"`{self.metric}` makes no window")
        if self.aggregate.name not in self.metric:
            broken(f"`{self.metric}` does not name `{self.aggregate.name}`")
        before = stage.before[-1].columns
        return stage.window.plugin, before

    @property
    def window(self) -> AnyWindow:
        return self._made[0]

    @property
    def columns(self) -> Columns:
        return self._made[1]

    def rows(self, seed: int, *, nulls: bool = False) -> Batch:
        """Rows of one window, with values that come more than once."""
        made = odd(self.columns, seed=seed, nulls=nulls)
        chance = random.Random(seed)  # noqa: S311 — repeatable on purpose
        return made.with_frame(
            pl.concat([made.frame, made.frame[[chance.randrange(10) for _ in range(20)]]]).with_columns(
                pl.int_range(pl.len(), dtype=pl.Int64).alias("@offset")
            )
        )

    def state(self, batch: Batch) -> Delta:
        """What the rows add to their window."""
        _, deltas = self.window.deltas(batch)
        return self.window.merge(list(deltas.values()))

    def facts(self, delta: Delta) -> pl.DataFrame:
        return self.window.rows(0, delta).sort("key")


@rule(
    "documented",
    "It has a name in snake case, `doc`, `example`, `api = 1`, a `state_version` from 1 on, and a doc for each parameter.",
    "They are its entry in the docs (`pipe plugins NAME`).",
)
def documented(case: Metric) -> None:
    aggregate = case.aggregate
    if not NAME.fullmatch(aggregate.name) or not aggregate.doc.strip() or not aggregate.example.strip():
        broken("`name`, `doc` or `example` is missing")
    check_api(ours=of_the_house(type(aggregate)), wrote=aggregate.api)
    if bare := [parameter.name for parameter in aggregate.parameters if not parameter.doc.strip()]:
        broken(f"parameters without a doc: {', '.join(bare)}")
    if not isinstance(aggregate.state_version, int) or aggregate.state_version < 1:
        broken(f"`state_version` is {aggregate.state_version!r}")


@rule(
    "example",
    "The example is a metric of a window, without errors.",
    "Write it as in a block of `window`: `slow = p95(request_time) by host`.",
)
def example(case: Metric) -> None:
    _ = case.window


@rule(
    "values",
    "Any rows have values, of the type that `returns` says: odd ones, nulls, none.",
    "Cast in `finish`; give null, or 0, where there is nothing to tell.",
)
def values(case: Metric) -> None:
    kinds = {name: dtype(kind) for name, kind in case.window.schema(case.columns).fields.items()}
    for what, batch in (
        ("odd values", case.rows(1)),
        ("nulls", case.rows(1, nulls=True)),
        ("one row", case.rows(1).with_frame(case.rows(1).frame[:1])),
    ):
        for name, kind in case.facts(case.state(batch)).schema.items():
            if name != "key" and kind != kinds[name]:
                broken(f"of {what}: `{name}` is {kind}, and the window's schema says {kinds[name]}")
    empty = case.rows(1)
    _, deltas = case.window.deltas(empty.with_frame(empty.frame.clear()))
    if deltas:
        broken("no rows make a window")


@rule(
    "merge",
    "Results do not depend on order, on cuts, or on how states are merged; a state may go through the store's bytes between.",
    "`merge` is commutative and associative, and stepping parts and merging them is stepping the whole: keep sums and counts, not means; "
    "for an order of events use `@timestamp` and the place in the input.",
)
def merge(case: Metric) -> None:
    window = case.window

    @settings(
        max_examples=30, deadline=None, database=None, derandomize=True, phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.integers(0, 1000), st.lists(st.integers(0, 80), max_size=5), st.integers(0, 1000))
    def folded(seed: int, cuts: list[int], order: int) -> None:
        chance = random.Random(order)  # noqa: S311 — repeatable on purpose
        batch = case.rows(seed)
        expected = case.facts(case.state(batch))
        height = batch.frame.height
        shuffled = batch.frame[chance.sample(range(height), height)]
        bounds = sorted({0, height, *(cut for cut in cuts if cut < height)})
        states = [case.state(batch.with_frame(shuffled[a:b])) for a, b in itertools.pairwise(bounds)]
        while len(states) > 1:
            chance.shuffle(states)
            some = chance.randint(2, len(states))
            merged = window.merge(states[:some])
            states[:some] = [window.load(window.dump(merged)) if chance.random() < 0.5 else merged]
        found = case.facts(states[0])
        if not found.equals(expected, null_equal=True):
            value = "text" if "text" in found.columns else "value"
            broken(
                f"{height} rows in another order, cut at {bounds[1:-1]}: {_told(found, value)}; as a whole: {_told(expected, value)}"
            )

    folded()


def _told(facts: pl.DataFrame, value: str) -> str:
    return str(facts[value].head(5).to_list()) if value in facts.columns else f"{facts.height} facts"


@rule(
    "stateless",
    "An aggregate is a value: computing changes nothing in it, and it can be pickled.",
    "Keep nothing in `self` but what `bind` gives it.",
)
def stateless(case: Metric) -> None:
    before = pickle.dumps(case.aggregate)
    first = case.facts(case.state(case.rows(1)))
    case.facts(case.state(case.rows(2)))
    if pickle.dumps(case.aggregate) != before or not case.facts(case.state(case.rows(1))).equals(
        first, null_equal=True
    ):
        broken("after other rows it gives another result, or is another object")


AGGREGATE: tuple[Rule[Metric], ...] = (documented, example, values, merge, stateless)
