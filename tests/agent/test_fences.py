"""Copies of one state: a destination that remembers its writer lets only one of them deliver, and the other says so."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from buckets import Bucket, Objects, graph

from pipeline.agent.agent import Agent, Settings
from pipeline.agent.fencing import TAKEN
from pipeline.agent.telemetry import Journal
from pipeline.api import Writer
from pipeline.errors import TemporaryError
from pipeline.testing.loop import run
from pipeline.testing.world import World

LINES = b"".join(b"line %06d\n" % number for number in range(400))


@dataclass
class Host:
    """A machine with a state of its own; `log` is read by all machines."""

    folder: Path
    log: Path
    bucket: Bucket
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        self.world = World(self.folder)

    def agent(
        self, *, once: bool = True, pause: float = 0.3, timeout: float = 1000.0, kill_at: int | None = None
    ) -> Agent:
        env = self.world.env(kill_at)
        program = graph(str(self.log), Objects(self.bucket), chunk=500, pause=pause)
        settings = Settings("away.pipe", self.folder / "state", self.folder, once=once, timeout=timeout)
        return Agent(env, program, settings, Journal(self.said.append, env.clock))

    def to_the_end(self, kill_at: int | None = None) -> Agent:
        agent = self.agent(kill_at=kill_at)
        try:
            run(agent.run())
        finally:
            self.world.crash()
        return agent

    def copied(self, name: str) -> Host:
        """Another machine with a copy of the state as it is on the disk now."""
        shutil.copytree(self.folder, self.folder.with_name(name))
        return Host(self.folder.with_name(name), self.log, self.bucket)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    (tmp_path / "in.log").write_bytes(LINES[:1200])
    return Host(tmp_path / "a", tmp_path / "in.log", Bucket())


def test_a_restart_takes_its_own_destination_back(host: Host) -> None:
    """Every life has a higher epoch: nobody is alarmed."""
    host.to_the_end()
    host.log.write_bytes(LINES)
    host.to_the_end()
    assert host.bucket.received == LINES
    assert host.said == []
    (writer,) = host.bucket.writers.values()
    assert writer.epoch == 2
    assert host.bucket.claims == len(host.bucket.objects)


def test_a_state_from_an_older_copy_is_told_and_goes_on_above_it(host: Host) -> None:
    """One alarm; its epoch is above that of the later life then, on the disk, too."""
    host.to_the_end()
    old = host.copied("old")
    for _ in range(3):
        with host.log.open("ab") as file:
            file.write(LINES[host.log.stat().st_size :][:600])
        host.to_the_end()
    agent = old.to_the_end()
    (told,) = old.said
    assert told.startswith("pipe: error: away: the destination knows a later life of this state")
    assert told.endswith("epoch=4")
    assert agent.meters["away"].values()["fence.regressed"] == 1
    (writer,) = host.bucket.writers.values()
    assert writer.epoch == 5
    old.log.write_bytes(LINES)
    old.to_the_end()
    assert len(old.said) == 1
    (writer,) = host.bucket.writers.values()
    assert writer.epoch == 6


def test_of_two_that_run_on_copies_only_one_delivers(host: Host) -> None:
    """The one that came last has the destination; the other one says so, delivers nothing more, and keeps what it has."""
    host.to_the_end()
    clone = host.copied("clone")
    host.log.write_bytes(LINES)

    async def both() -> tuple[Agent, Agent, TemporaryError]:
        first = host.agent(pause=20.0, timeout=50.0)
        running = asyncio.ensure_future(first.run())
        await asyncio.sleep(30)
        delivered = len(host.bucket.objects)
        second = clone.agent(pause=0.1)
        await second.run()
        assert len(host.bucket.objects) > delivered
        with pytest.raises(TemporaryError) as raised:
            await running
        return first, second, raised.value

    first, second, error = run(both())
    host.world.crash()
    clone.world.crash()
    assert [line.split(",")[0].split(":")[:4] for line in host.said] == [
        ["pipe", " error", " away", " a copy of this state took over the destination"]
    ]
    assert TAKEN in error.message
    assert first.meters["away"].values()["fence.lost"] == 1
    assert "fence.lost" not in second.meters["away"].values()


def test_a_fenced_sink_is_degraded_and_the_rest_goes_on(host: Host) -> None:
    """The agent does not end, and its status says why nothing leaves."""

    async def fenced() -> dict[str, str]:
        agent = host.agent(once=False, pause=5.0)
        running = asyncio.ensure_future(agent.run())
        await asyncio.sleep(3)
        assert agent.degraded == {}
        (instance,) = host.bucket.writers
        host.bucket.writers[instance] = Writer(instance, 9, "another")
        await asyncio.sleep(6)
        assert not running.done()
        agent.stop()
        found = agent.degraded
        await running
        return found

    assert run(fenced()) == {"away": TAKEN}
    host.world.crash()
    assert LINES.startswith(host.bucket.received)


@pytest.mark.parametrize("elsewhere", [False, True], ids=["the same destination", "another one"])
def test_a_sink_that_changes_takes_nothing_back(host: Host, elsewhere: bool) -> None:
    """A reload is no restart: the copy keeps what it took over. Another destination is nobody's, and delivered to."""
    mine, theirs = Bucket(), Writer("", 9, "another")

    async def changed() -> Agent:
        agent = host.agent(once=False, pause=1.0)
        running = asyncio.ensure_future(agent.run())
        await asyncio.sleep(2)
        (instance,) = host.bucket.writers
        host.bucket.writers[instance] = theirs
        await asyncio.sleep(3)
        assert agent.degraded == {"away": TAKEN}
        other = graph(str(host.log), Objects(mine if elsewhere else host.bucket), chunk=500, pause=1.0)
        sink = replace(other.stages["away"], fingerprint="other")
        await agent.reload(replace(other, stages={**other.stages, "away": sink}))
        await asyncio.sleep(9)
        assert agent.degraded == ({} if elsewhere else {"away": TAKEN})
        agent.stop()
        await running
        return agent

    host.log.write_bytes(LINES)
    agent = run(changed())
    host.world.crash()
    assert list(host.bucket.writers.values()) == [theirs]
    assert "fence.regressed" not in agent.meters["away"].values()
    assert bool(mine.objects) == elsewhere


def test_the_copy_that_is_started_again_has_the_destination(host: Host) -> None:
    """Equal epochs of two copies are no tie: the later one rises above."""
    host.to_the_end()
    clone = host.copied("clone")
    host.log.write_bytes(LINES[:2400])
    host.to_the_end()
    clone.to_the_end()
    (told,) = clone.said
    assert told.endswith("epoch=2")
    (writer,) = host.bucket.writers.values()
    assert writer.epoch == 3


class Flapping(Bucket):
    """Goes away for five seconds when it has told of a later life for the first time."""

    def __init__(self, known: Bucket) -> None:
        super().__init__(objects=known.objects, order=known.order, writers=known.writers)

    def claim(self, writer: Writer) -> Writer:
        found = super().claim(writer)
        if found != writer and not self.opens:
            self.opens = 5.0
        return found


def test_a_destination_that_goes_away_after_it_told_is_risen_above_once(host: Host) -> None:
    """What it said before is not acted on again while it does not answer."""
    host.to_the_end()
    old = host.copied("old")
    host.log.write_bytes(LINES[:2400])
    host.to_the_end()
    old.bucket = Flapping(host.bucket)
    old.log.write_bytes(LINES)
    old.to_the_end(kill_at=100_000)
    (writer,) = old.bucket.writers.values()
    assert writer.epoch == 3
