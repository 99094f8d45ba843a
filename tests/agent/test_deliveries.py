"""Deliveries that fail: what is tried again, what is set aside, what ends the run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import apsw
import pytest
from runs import Runs

from pipeline import api
from pipeline.agent import deliveries, shipping
from pipeline.agent.agent import Agent
from pipeline.cli.snapshot import snapshot
from pipeline.columns.panics import PANICS
from pipeline.errors import BrokenDiskError, InternalError, StateError, TemporaryError
from pipeline.store import frames
from pipeline.testing.loop import run
from pipeline.testing.world import SimEnv
from plugins import Chunks, ChunksOptions, Moody, Parcels, ParcelsOptions, Whole

LINES = b"".join(b"line %04d\n" % number for number in range(1000))

ACCEPTED = api.Result()


@pytest.fixture
def source(tmp_path: Path) -> Chunks:
    (tmp_path / "in.log").write_bytes(LINES)
    return Chunks(ChunksOptions(path=str(tmp_path / "in.log"), chunk=1000))


@pytest.mark.parametrize("raised", [ValueError, InternalError, *PANICS])
def test_a_segment_that_its_output_fails_on_is_set_aside(
    tmp_path: Path, source: Chunks, raised: type[BaseException]
) -> None:
    """Those behind it go on, the log has one error, and it is tried again after ASIDE seconds."""
    tries: list[float] = []
    first = b""

    def answer(segment: api.Segment) -> api.Result:
        nonlocal first
        if segment.number == 1:
            first = segment.data or b""
            tries.append(env.clock.monotonic())
            if len(tries) < 3:
                raise raised("two left\nfeet")
        return ACCEPTED

    runs, output = Runs(tmp_path), Moody(answer)
    env, agent = runs.agent(source, output, timeout=5000.0)
    run(agent.run())
    assert output.received == LINES.removeprefix(first) + first
    assert [round(after - before) for before, after in pairwise(tries)] == [shipping.ASIDE] * 2
    (said,) = runs.said
    assert said.startswith("pipe: error: away: a segment cannot be delivered and is set aside")
    assert said.endswith(f'reason="moody failed: {raised.__name__}: two left feet"')


@pytest.mark.parametrize(("after", "least"), [(0.0, [0.5, 1, 2, 4, 8, 16, 32, 60, 60]), (90.0, [90] * 9)])
def test_tries_come_later_and_later_and_never_sooner_than_asked(
    tmp_path: Path, after: float, least: list[float]
) -> None:
    """Each pause of our own is up to a quarter longer than it must be, by chance, and one that was asked for is as long as that; the same run has the
    same chance."""

    def pauses(folder: Path) -> list[float]:
        folder.mkdir()
        (folder / "in.log").write_bytes(LINES[:1000])
        tries: list[float] = []

        def answer(segment: api.Segment) -> api.Result:
            tries.append(env.clock.monotonic())
            return api.Result(accepted=len(tries) > len(least), after=after, reason="busy")

        env, agent = Runs(folder).agent(
            Chunks(ChunksOptions(path=str(folder / "in.log"))), Moody(answer), timeout=5000.0
        )
        run(agent.run())
        return [later - before for before, later in pairwise(tries[: len(least) + 1])]

    found = pauses(tmp_path / "a")
    ratios = [pause / must for pause, must in zip(found, least, strict=True)]
    assert all(1.0 <= ratio < 1.26 for ratio in ratios), found
    assert len({round(ratio, 6) for ratio in ratios}) == (1 if after else len(ratios))
    assert pauses(tmp_path / "b") == found


def test_a_deliver_without_an_answer_is_a_failure(tmp_path: Path, source: Chunks) -> None:
    """What is no Result acknowledges nothing."""
    runs, output = Runs(tmp_path), Parcels(ParcelsOptions())

    async def deliver(segment: api.Segment) -> None:
        return None

    output.deliver = deliver  # type: ignore[method-assign, assignment]
    with pytest.raises(TemporaryError, match="away: parcels failed: deliver gave NoneType, not a Result"):
        runs(source, output, timeout=10.0)


@pytest.mark.parametrize("raised", [BrokenDiskError, StateError])
def test_a_disk_that_is_broken_ends_the_run(tmp_path: Path, source: Chunks, raised: type[Exception]) -> None:
    """Nothing is tried again on it."""
    tries = 0

    def answer(segment: api.Segment) -> api.Result:
        nonlocal tries
        tries += 1
        raise raised("gone")

    with pytest.raises(raised, match="gone"):
        Runs(tmp_path)(source, Moody(answer))
    assert tries == 1


def test_a_damaged_spool_is_set_aside(tmp_path: Path, source: Chunks, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body that was cut is named, and a run that waits for it ends in time."""
    monkeypatch.setattr(frames, "FRAME", 1500)
    runs, target = Runs(tmp_path), str(tmp_path / "out.bin")

    def full(spooled: bytes) -> bytes:
        raise OSError("not now")

    with pytest.raises(TemporaryError, match="away: not now"):
        runs(source, Whole(target, full), timeout=10.0)
    (body,) = (tmp_path / "state" / "outbox").iterdir()
    whole = body.read_bytes()
    body.write_bytes(whole[:3000])
    with pytest.raises(TemporaryError, match=r"its bytes cannot be read: .* ends at 3000 bytes, 10000 were committed"):
        runs(source, Whole(target, bytes), timeout=10.0)
    body.write_bytes(whole)
    runs(source, Whole(target, bytes))
    assert (tmp_path / "out.bin").read_bytes() == LINES


class Filed(Parcels):
    """Parcels whose bytes may be in files."""

    name = "filed"

    async def deliver(self, segment: api.Segment) -> api.Result:
        if self.options.closed:
            return api.Result(accepted=False, reason="closed")
        self.received += segment.read(self._ctx.files)
        return ACCEPTED


@pytest.mark.parametrize("form", ["file", "database"])
def test_a_segment_with_a_flipped_byte_is_never_delivered(
    tmp_path: Path, source: Chunks, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """It is set aside, and the state says so; the others are delivered. With its bytes back it is delivered, too."""
    monkeypatch.setattr(frames, "FRAME", 500 if form == "file" else 1 << 20)
    runs = Runs(tmp_path)
    with pytest.raises(TemporaryError):
        runs(source, Filed(ParcelsOptions(closed=1.0)), timeout=10.0)
    assert held(tmp_path) == []
    undo = flip(tmp_path, form)
    for _ in range(2):
        output = Filed(ParcelsOptions())
        with pytest.raises(TemporaryError, match=r"away: its .* bytes in .* are not those that were committed"):
            runs(source, output, timeout=10.0)
        (damaged,) = held(tmp_path)
        assert (damaged["sink"], "sha256 differs" in str(damaged["reason"])) == ("away", True)
    assert output.received == b""
    undo()
    first = LINES[:1000].rpartition(b"\n")[0] + b"\n"
    output = Filed(ParcelsOptions())
    runs(source, output)
    assert (output.received, held(tmp_path)) == (first, [])


def held(folder: Path) -> list[dict[str, object]]:
    with snapshot(folder / "state") as state:
        return state.held()


def flip(folder: Path, form: str) -> Callable[[], object]:
    """Flip a bit of the oldest segment. Gives what undoes it."""
    if form == "file":
        body = min((folder / "state" / "outbox").iterdir())
        whole = body.read_bytes()
        body.write_bytes(whole[:500] + bytes([whole[500] ^ 1]) + whole[501:])
        return lambda: body.write_bytes(whole)
    with apsw.Connection(str(folder / "state" / "state.db")) as database:
        ((segment, data),) = database.execute("SELECT segment, data FROM tail ORDER BY segment LIMIT 1").fetchall()
    bad = data[:500] + bytes([data[500] ^ 1]) + data[501:]

    def put(value: bytes) -> None:
        with apsw.Connection(str(folder / "state" / "state.db")) as database:
            database.execute("UPDATE tail SET data = ? WHERE segment = ?", (value, segment))
        database.close()

    put(bad)
    return lambda: put(data)


def test_a_run_whose_reading_stands_still_ends_in_time(
    tmp_path: Path, source: Chunks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `once`, a full outbox that nobody empties is waited for as long as any delivery."""
    monkeypatch.setattr(deliveries, "SEGMENTS_AHEAD", 1000)
    env, agent = Runs(tmp_path).agent(source, Parcels(ParcelsOptions(closed=1e9)), timeout=30.0)
    with pytest.raises(TemporaryError, match=r"not everything was delivered in 30 s: away: closed"):
        run(asyncio.wait_for(agent.run(), 3600.0))
    assert 30.0 <= env.clock.monotonic() < 40.0


def test_a_slow_destination_is_waited_for_while_it_takes_something(
    tmp_path: Path, source: Chunks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every delivery starts the time anew while reading stands still."""
    slow = Chunks(source.options.model_copy(update={"pause": 2.0}))
    runs = Runs(tmp_path)
    env, agent = runs.agent(slow, Parcels(ParcelsOptions(closed=1e9)))
    run(stopped(env, agent, 11.0))
    runs.world.crash()
    monkeypatch.setattr(deliveries, "SEGMENTS_AHEAD", 100)
    taken: list[float] = []

    def answer(segment: api.Segment) -> api.Result:
        now = env.clock.monotonic()
        if taken and now - taken[-1] < 25.0:
            return api.Result(accepted=False, reason="busy")
        taken.append(now)
        return ACCEPTED

    output = Moody(answer)
    env, agent = runs.agent(slow, output, timeout=100.0)
    run(agent.run())
    assert output.received == LINES
    assert taken[4] > 100.0


async def stopped(env: SimEnv, agent: Agent, after: float) -> None:
    """A run that is asked to stop after so many seconds, and does."""
    running = asyncio.ensure_future(agent.run())
    await env.clock.sleep(after)
    agent.stop()
    await asyncio.wait_for(running, 5.0)


def test_a_stop_while_reading_stands_still_is_clean(
    tmp_path: Path, source: Chunks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run ends at once; the next one delivers everything, in order."""
    monkeypatch.setattr(deliveries, "SEGMENTS_AHEAD", 1000)
    runs = Runs(tmp_path)
    env, agent = runs.agent(source, Parcels(ParcelsOptions(closed=1e9)))
    run(stopped(env, agent, 20.0))
    runs.world.crash()
    output = Parcels(ParcelsOptions())
    runs(source, output)
    assert output.received == LINES
