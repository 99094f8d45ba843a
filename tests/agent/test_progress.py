"""What the agent does with what inputs say of their partitions."""

from __future__ import annotations

import asyncio
from pathlib import Path

import polars as pl
import pytest
from runs import Runs, made, quiet

from pipeline.agent.reading import Pending, effects_of
from pipeline.api import Columns
from pipeline.cli.snapshot import snapshot
from pipeline.columns import native
from pipeline.errors import ConfigurationError, InternalError
from pipeline.plan.effects import Effects
from pipeline.plan.flow import Flow
from pipeline.plan.graph import Graph, Port, Stage
from pipeline.testing.loop import run
from plugins import Given, Parcels, ParcelsOptions

NOTHING = Flow(Graph("nothing.pipe", {}, frozenset()), "host")


def progress(folder: Path) -> dict[str, object]:
    with snapshot(folder / "state") as state:
        return dict(state.progress().get("log", {}))


def test_a_forgotten_partition_is_dropped_and_its_input_hears_it(tmp_path: Path) -> None:
    """Also one that nothing was ever kept of; then the input need not name them any more."""
    runs = Runs(tmp_path)
    runs(Given(("p", None, 2, [b"a", b"b"])), Parcels(ParcelsOptions()))
    assert progress(tmp_path) == {"p": 2}
    source = Given(("q", None, 1, [b"c"]), past=["p", "never"])
    runs(source, Parcels(ParcelsOptions()))
    assert progress(tmp_path) == {"q": 1}
    assert source.told == [{"q": 1, "p": None, "never": None}]
    assert source.past == set()


@pytest.mark.parametrize("earlier", [True, False], ids=["in an earlier run", "at once"])
def test_two_sources_with_one_partition_are_an_error(tmp_path: Path, *, earlier: bool) -> None:
    """Else each would take the other's state for its own. The first keeps what it has."""
    world = made(tmp_path / "w", b"")
    bare = {"": Columns({})}
    first, second = Given(("p", None, 2, [b"a", b"b"])), Given(("p", None, 2, [b"c", b"d"]))
    stages = {
        name: Stage(name, "source", input=given, plugin=given.name, columns=bare)
        for name, given in {"one": first, "two": second}.items()
    }

    def graph(*names: str) -> Graph:
        sink = Stage(
            "away", "sink", upstream=tuple(map(Port, names)), output=Parcels(ParcelsOptions()), plugin="parcels"
        )
        return Graph("p.pipe", {**{name: stages[name] for name in names}, "away": sink}, frozenset(map(Port, names)))

    if earlier:
        run(quiet(world, world.env(), graph("one")).run())
        world.crash()
    with pytest.raises(ConfigurationError, match=r"reads a partition that source (one|two) reads, too: 'p'"):
        run(quiet(world, world.env(), graph("one", "two")).run())
    world.crash()


@pytest.mark.parametrize(
    ("spans", "kept"),
    [
        ([(None, 2), (3, 4)], {"p": 2}),
        ([(None, 1), (1, 2), (3, 4)], {"p": 1}),
        ([(1, 2)], {}),
    ],
    ids=["between two commits", "within one", "at the start"],
)
def test_a_gap_in_a_partition_is_a_defect(
    tmp_path: Path, spans: list[tuple[int | None, int]], kept: dict[str, int]
) -> None:
    """Rows that were passed over are never silently lost: the commit that would do it fails."""
    source = Given(*(("p", start, end, [b"x"]) for start, end in spans))
    with pytest.raises(InternalError, match="starts at"):
        Runs(tmp_path)(source, Parcels(ParcelsOptions()))
    assert progress(tmp_path) == kept


@pytest.mark.parametrize(
    "panic", [pl.exceptions.PanicException, *([native.kernels.PanicException] if native.kernels is not None else [])]
)
def test_a_panic_in_a_filter_is_a_defect_of_a_plugin(panic: type[BaseException]) -> None:
    """It names the batch, as any other error of a plugin does."""

    async def computed() -> Effects:
        raise panic("index out of bounds")

    with pytest.raises(InternalError, match=r"on a batch of source log \(p\): index out of bounds"):
        asyncio.run(effects_of(Pending(NOTHING, "log", frozenset({"p"}), 1, computed())))
