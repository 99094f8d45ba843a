"""Events that a destination refuses: dead letters of the sink, in the transaction that acknowledges the others."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from runs import Runs, lines, made, quiet

from pipeline import api
from pipeline.agent.letters import answer, change, question
from pipeline.cli.desk import desk
from pipeline.cli.snapshot import snapshot
from pipeline.errors import TemporaryError
from pipeline.plan.graph import Graph, Port, Stage
from pipeline.proof.balance import faults
from pipeline.store import Wanted
from pipeline.testing.life import Crash
from pipeline.testing.loop import run
from pipeline.testing.world import SimEnv, World
from plugins import Chunks, ChunksOptions

LINES = lines(40)
RECORDS = LINES.splitlines()


@dataclass
class Index:
    """A destination that keeps each event once, whatever is repeated, and refuses those that `bad` names."""

    bad: frozenset[bytes] = frozenset()
    kept: list[bytes] = field(default_factory=list)
    segments: set[str] = field(default_factory=set)

    def take(self, name: str, events: list[bytes]) -> tuple[api.Refusal, ...]:
        if name not in self.segments:
            self.segments.add(name)
            self.kept += [event for event in events if event.strip() not in self.bad]
        return tuple(
            api.Refusal(row, "odd" if int(event.split()[1]) % 2 else "even", f"no {event.decode().strip()}")
            for row, event in enumerate(events)
            if event.strip() in self.bad
        )


class NoOptions(api.Options):
    """None."""


class Picky(api.Output[NoOptions]):
    """Records to an index, which is told by the path."""

    name = "picky"
    options_model = NoOptions
    example = ""

    def __init__(self, index: Index, *, form: str = "", path: str = "logs") -> None:
        super().__init__(NoOptions())
        self.index = index
        self.form = form
        self.path = path

    def schema(self, columns: api.Columns) -> None:
        pass

    def guarantee(self) -> tuple[api.Guarantee, str]:
        return "exactly once", "the index knows each segment"

    @property
    def layout(self) -> api.Layout:
        return api.Layout(path=api.Template((self.path,), self.path), roll=api.Roll(size=1), form=self.form)

    async def open(self, ctx: api.Context) -> None:
        self._ctx = ctx

    def encode(self, frame: pl.DataFrame) -> bytes:
        return b"".join(record + b"\n" for record in frame["@raw"])

    async def deliver(self, segment: api.Segment) -> api.Result:
        events = self.events(await self._ctx.run(segment.read, self._ctx.files))
        return api.Result(refused=self.index.take(segment.name, events))


class Other(Picky):
    """Another kind of output."""

    name = "other"


BAD = frozenset({RECORDS[3], RECORDS[4], RECORDS[20], RECORDS[39]})


def program(folder: Path, output: api.Output[Any]) -> Graph:
    """`source log = chunks(…)  sink away = log -> output`."""
    source = Chunks(ChunksOptions(path=str(folder / "in.log"), chunk=600))
    log = Stage("log", "source", input=source, plugin="chunks", columns={"": api.Columns({})})
    sink = Stage("away", "sink", upstream=(Port("log"),), output=output, plugin=output.name)
    return Graph("away.pipe", {"log": log, "away": sink}, frozenset({Port("log")}))


def live(world: World, env: SimEnv, output: api.Output[Any]) -> None:
    run(quiet(world, env, program(world.folder, output)).run())


def whole(world: World, output: api.Output[Any]) -> None:
    """A life to its end."""
    live(world, world.env(), output)
    world.crash()


def letters(world: World) -> list[dict[str, Any]]:
    with snapshot(world.folder / "state") as state:
        found = answer(question(state, {"limit": 1000}))["letters"]
    assert isinstance(found, list)
    return found


def ledger(world: World) -> Mapping[str, int]:
    """The rows of the sink; they add up."""
    with snapshot(world.folder / "state") as state:
        assert list(faults(state.books())) == []
        return {outcome: rows for (stage, outcome), rows in state.ledger().items() if stage == "away" and rows}


def check(world: World, index: Index) -> None:
    """Each event is in the index or among the letters, once."""
    assert sorted(index.kept) == sorted(record + b"\n" for record in RECORDS if record not in BAD)
    found = [letter["@raw"].encode().rstrip(b"\n") for letter in letters(world)]
    assert sorted(found) == sorted(BAD)
    assert ledger(world) == {"in": 40, "out": 40, "delivered": 36, "refused": 4}


def mark(world: World, **named: object) -> object:
    with desk(world.folder / "state") as desks:
        return change({"ask": "dlq_retry", **named})(desks)["letters"]


def test_refused_events_are_dead_letters_of_the_sink(tmp_path: Path) -> None:
    """With their bytes, the words of the destination, and where they were; by reason. The others are delivered."""
    world, index = made(tmp_path / "w", LINES), Index(BAD)
    whole(world, Picky(index))
    check(world, index)
    (letter,) = [found for found in letters(world) if found["@raw"].encode() == RECORDS[3] + b"\n"]
    assert (letter["stage"], letter["path"]) == ("away", "logs")
    assert letter["@error"] == {
        "filter": "picky",
        "reason": "odd",
        "field": None,
        "detail": f"no {RECORDS[3].decode().strip()}",
    }
    assert letter["ranges"][0].startswith("p 0..")
    assert letter["segment"] in index.segments
    json.dumps(letter)
    with snapshot(world.folder / "state") as state:
        kinds = [(kind.stage, kind.filter, kind.reason, kind.rows) for kind in state.dead.kinds(Wanted())]
    assert sorted(kinds) == [("away", "picky", "even", 2), ("away", "picky", "odd", 2)]


def test_a_crash_at_every_call_leaves_each_refused_event_once(tmp_path: Path) -> None:
    """Between the delivery and its acknowledgement, too: the destination says the same again, and the letter is there once."""
    world = made(tmp_path / "count", LINES)
    env = world.env()
    live(world, env, Picky(Index(BAD)))
    world.crash()
    for kill_at in range(1, env.points + 1):
        world, index = made(tmp_path / str(kill_at), LINES), Index(BAD)
        with pytest.raises(Crash):
            live(world, world.env(kill_at), Picky(index))
        world.crash()
        whole(world, Picky(index))
        try:
            check(world, index)
        except AssertionError as error:
            raise AssertionError(f"killed at point {kill_at} of {env.points}: {error}") from error


def test_refused_events_that_are_put_in_again_go_to_their_sink(tmp_path: Path) -> None:
    """In a new segment; killed on the way or not, each arrives once, and one that is refused again is a letter again."""

    def refused(folder: Path) -> tuple[World, Index]:
        world, index = made(folder, LINES), Index(BAD)
        whole(world, Picky(index))
        assert mark(world) == 4
        index.bad = frozenset({RECORDS[20]})
        return world, index

    def settled(world: World, index: Index) -> None:
        assert sorted(index.kept) == sorted(record + b"\n" for record in RECORDS if record != RECORDS[20])
        assert [letter["@raw"].encode() for letter in letters(world)] == [RECORDS[20] + b"\n"]
        assert ledger(world) == {"in": 44, "out": 44, "delivered": 39, "refused": 5, "retried": 4}

    world, index = refused(tmp_path / "count")
    env = world.env()
    live(world, env, Picky(index))
    world.crash()
    settled(world, index)
    for kill_at in range(1, env.points + 1, 7):
        world, index = refused(tmp_path / str(kill_at))
        with pytest.raises(Crash):
            live(world, world.env(kill_at), Picky(index))
        world.crash()
        whole(world, Picky(index))
        try:
            settled(world, index)
        except AssertionError as error:
            raise AssertionError(f"killed at point {kill_at} of {env.points}: {error}") from error


@pytest.mark.parametrize(
    ("output", "why"),
    [
        (Other(Index()), "they are encoded for another output than other"),
        (Picky(Index(), form="columns"), "they are encoded for other columns than those of the sink"),
        (Picky(Index(), path="metrics"), "the sink does not write to logs any more"),
    ],
    ids=["output", "form", "path"],
)
def test_letters_that_the_sink_cannot_send_any_more_stay(tmp_path: Path, output: Picky, why: str) -> None:
    """The journal says why; with the program as it was they are sent."""
    (tmp_path / "in.log").write_bytes(LINES)
    runs, index = Runs(tmp_path), Index(BAD)
    source = Chunks(ChunksOptions(path=str(tmp_path / "in.log"), chunk=600))
    runs(source, Picky(index))
    assert mark(runs.world) == 4
    runs.said.clear()
    runs(source, output)
    assert [line for line in runs.said if "cannot be put in again and stay where they are" in line and why in line]
    assert len(letters(runs.world)) == 4
    index.bad = frozenset()
    assert mark(runs.world) == 4
    runs(source, Picky(index))
    assert letters(runs.world) == []
    assert sorted(index.kept) == sorted(record + b"\n" for record in RECORDS)


def test_refused_events_may_be_dropped(tmp_path: Path) -> None:
    world = made(tmp_path / "w", LINES)
    whole(world, Picky(Index(BAD)))
    with desk(world.folder / "state") as desks:
        assert change({"ask": "dlq_drop", "reason": "odd"})(desks)["letters"] == 2
    assert len(letters(world)) == 2
    assert ledger(world) == {"in": 40, "out": 40, "delivered": 36, "refused": 4, "dropped": 2}


@pytest.mark.parametrize("rows", [(10_000,), (-1,), (0, 0)])
def test_refusals_of_what_is_no_event_of_the_segment_acknowledge_nothing(
    tmp_path: Path, rows: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guessing would lose an event: the segment is set aside."""
    (tmp_path / "in.log").write_bytes(LINES)
    refusals = tuple(api.Refusal(row, "no") for row in rows)
    monkeypatch.setattr(Index, "take", lambda *_: refusals)
    source = Chunks(ChunksOptions(path=str(tmp_path / "in.log"), chunk=1 << 20))
    with pytest.raises(TemporaryError, match="it refuses events that are not in a segment of 40, or twice"):
        Runs(tmp_path)(source, Picky(Index()), timeout=10.0)
    monkeypatch.setattr(Picky, "events", lambda *_: [LINES])
    with pytest.raises(TemporaryError, match="it finds 1 events in a segment of 40, and refuses some"):
        Runs(tmp_path)(source, Picky(Index()), timeout=10.0)
