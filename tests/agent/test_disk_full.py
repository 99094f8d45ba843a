"""A disk without space: reading waits, what is committed is delivered, and with space everything goes on by itself, exactly."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
import zstandard
from buckets import Bucket, Objects, graph

from pipeline import api
from pipeline.agent.agent import Settings
from pipeline.agent.space import Space, ballast, reserve
from pipeline.cli import session
from pipeline.cli.session import Session
from pipeline.env import Disk
from pipeline.errors import BrokenDiskError, ConfigurationError, DiskFullError, StateError
from pipeline.plan.graph import Graph
from pipeline.plan.load import Recipe
from pipeline.store import frames
from pipeline.testing.loop import run
from pipeline.testing.world import SimEnv, World
from plugins import Records, RecordsOptions

LINES = b"".join(b"line %06d %s\n" % (number, b"x" * 80) for number in range(4000))
FEW = LINES[: 60 * 93]


@dataclass
class Run:
    """Sessions of a program on one state in a simulated world. `lives` counts the agents."""

    folder: Path
    output: Callable[[], api.Output[Any]]
    data: bytes = LINES
    chunk: int = 16_000
    said: list[str] = field(default_factory=list)
    lives: int = 0

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        (self.folder / "in.log").write_bytes(self.data)
        self.world = World(self.folder)

    def build(self) -> Graph:
        self.lives += 1
        return graph(str(self.folder / "in.log"), self.output(), chunk=self.chunk)

    def session(self, env: SimEnv, *happenings: tuple[float, Callable[[], None]], timeout: float = 1000.0) -> float:
        """One session to its end, with things that happen at their times. Gives the seconds that it took."""

        async def over() -> float:
            for at, what in happenings:
                asyncio.get_running_loop().call_at(at, what)
            settings = Settings("away.pipe", self.folder / "state", self.folder, once=True, timeout=timeout)
            space = Space(env, settings.folder, lambda level, text: self.said.append(f"{level}: {text}"))
            await Session(env, settings, space=space).run(self.build(), (), cast("Recipe", self))
            return env.clock.monotonic()

        try:
            return run(over())
        finally:
            self.world.crash()


def records(path: str, compression: str = "none") -> Callable[[], api.Output[Any]]:
    return lambda: Records(RecordsOptions(path=path, compression=compression))


def test_reading_waits_while_the_spool_fills_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A destination that is away for an hour: reading stops while an eighth of the disk is still free, not one write fails, and
    everything is delivered when it is back."""
    monkeypatch.setattr(frames, "FRAME", 1500)
    bucket = Bucket(opens=3600.0)
    many = LINES * 10
    made = Run(tmp_path, lambda: Objects(bucket), many, 100_000)
    made.world.disk.size = len(many) + 3_000_000
    env = made.world.env()
    free: list[int] = []
    looks = ((float(at), lambda: free.append(made.world.disk.state().free)) for at in range(1, 3600, 60))
    made.session(env, *looks, timeout=4000.0)
    assert bucket.received == many
    assert made.lives == 1
    assert 0 < free[-1] < made.world.disk.size // 8
    assert len(set(free[5:])) == 1
    assert [line.split(":")[0] for line in made.said] == ["warning", "info"]
    assert "little space is left on the disk of" in made.said[0]
    assert made.said[1] == "info: the disk has space again: reading goes on"


def test_a_disk_that_is_full_for_a_while_is_waited_for(tmp_path: Path) -> None:
    """No write succeeds for ten minutes: the session does not end, tries ever less often, and completes the copy by itself."""
    made = Run(tmp_path, records("out.log"))
    env = made.world.env()
    disk = made.world.disk

    def full(number: int) -> Callable[[], None]:
        return lambda: setattr(disk, "error", number)

    took = made.session(env, (3.0, full(errno.ENOSPC)), (603.0, full(0)))
    assert (tmp_path / "out.log").read_bytes() == LINES
    assert 603 < took < 650
    assert 10 < made.lives < 40
    assert [line.split(":")[0] for line in made.said] == ["warning", "info"]


def test_a_disk_that_is_read_only_for_a_while_is_waited_for(tmp_path: Path) -> None:
    """As after an error of the file system and a repair: not even the state can be opened meanwhile."""
    made = Run(tmp_path, records("out.log"))
    env = made.world.env()
    disk = made.world.disk
    happenings = [(3.0, errno.EROFS), (603.0, 0)]
    took = made.session(env, *((at, lambda number=number: setattr(disk, "error", number)) for at, number in happenings))  # type: ignore[misc]
    assert (tmp_path / "out.log").read_bytes() == LINES
    assert 603 < took < 650
    assert made.lives < 40


def test_a_disk_that_is_read_only_from_the_start_is_an_error(tmp_path: Path) -> None:
    """A matter of configuration: nobody would repair it."""
    made = Run(tmp_path, records("out.log"))
    made.world.disk.error = errno.EROFS
    with pytest.raises((StateError, ConfigurationError), match="Read-only"):
        made.session(made.world.env())
    assert made.lives == 1


def test_a_finite_run_waits_as_long_as_it_may(tmp_path: Path) -> None:
    """Then DiskFullError; the next run completes the copy."""
    made = Run(tmp_path, records("out.log"))
    env = made.world.env()
    began: list[float] = []

    def fill() -> None:
        made.world.disk.error = errno.ENOSPC
        began.append(env.clock.monotonic())

    with pytest.raises(DiskFullError, match="no space left on the disk"):
        made.session(env, (3.0, fill), timeout=100.0)
    ended = (env.clock.now() - made.world.now) / 1e6 + env.clock.monotonic()
    assert 100 <= ended - began[0] < 150
    made.world.disk.error = 0
    made.session(made.world.env())
    assert (tmp_path / "out.log").read_bytes() == LINES


@pytest.mark.parametrize(
    ("target", "compression", "number"), [("out.log", "none", errno.ENOSPC), ("out.log.zst", "zstd", errno.EDQUOT)]
)
def test_a_disk_full_from_any_write_on_until_later_is_exact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, compression: str, number: int
) -> None:
    """Whatever write is the first that fails, one session completes the copy to the same bytes once there is space."""
    monkeypatch.setattr(frames, "FRAME", 1500)
    monkeypatch.setattr(session, "_settle", lambda *, first: None)
    counted = Run(tmp_path / "count", records(target, compression), FEW, 2000)
    env = counted.world.env()
    counted.session(env)
    assert env.writes > 15
    for first in range(1, env.writes + 1):
        made = Run(tmp_path / f"{first}", records(target, compression), FEW, 2000)
        Transient(made.world.env(), first, number).watch(made)
        copied = (made.folder / target).read_bytes()
        if compression == "zstd":
            copied = zstandard.ZstdDecompressor().stream_reader(copied, read_across_frames=True).read()
        assert copied == FEW, f"full from write {first} on"


@dataclass
class Transient:
    """The disk is full from the `first` write of a life on, for four seconds."""

    env: SimEnv
    first: int
    number: int

    def watch(self, made: Run) -> None:
        disk, fill = made.world.disk, self.env.fill

        def filled(size: int = 0) -> None:
            if self.env.writes + 1 == self.first:
                disk.error = self.number
                asyncio.get_running_loop().call_later(4, lambda: setattr(disk, "error", 0))
            fill(size)

        self.env.fill = filled  # type: ignore[method-assign]
        made.session(self.env)


def test_a_failed_sync_ends_the_process_and_is_never_tried_again(tmp_path: Path) -> None:
    """Whichever sync it is, of a body or of the database: BrokenDiskError at once; the next life completes the copy."""
    counted = Run(tmp_path / "count", records("out.log"), FEW, 2000)
    counted.session(counted.world.env())
    total = counted.world.disk.syncs
    assert total > 5
    for broken_at in range(1, total + 1):
        made = Run(tmp_path / f"{broken_at}", records("out.log"), FEW, 2000)
        made.world.disk.broken_at = broken_at
        with pytest.raises(BrokenDiskError) as raised:
            made.session(made.world.env())
        assert raised.value.exit_code == 70
        assert made.lives == 1
        made.session(made.world.env())
        assert (made.folder / "out.log").read_bytes() == FEW, f"sync {broken_at} failed"


def test_the_ballast_is_given_back_so_that_acks_can_be_committed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a disk that somebody else has filled to the last byte, all that was sealed still leaves the state."""
    monkeypatch.setattr(frames, "FRAME", 1500)
    bucket = Bucket(opens=100.0)
    made = Run(tmp_path, lambda: Objects(bucket, 40_000))
    disk = made.world.disk
    disk.size = 6 << 20
    env = made.world.env()
    state = tmp_path / "state"
    seen: list[tuple[int, int]] = []

    def look() -> None:
        held = (state / "ballast").stat().st_size if (state / "ballast").exists() else 0
        seen.append((held, sum(path.stat().st_size for path in (state / "outbox").iterdir())))

    def fill() -> None:
        look()
        (tmp_path / "other").write_bytes(bytes(disk.state().free))

    def clear() -> None:
        look()
        assert made.said[-1].startswith("warning")
        assert LINES.startswith(bucket.received)
        assert bucket.received
        (tmp_path / "other").unlink()

    made.session(env, (3.0, fill), (90.0, look), (190.0, clear))
    assert bucket.received == LINES
    assert [held for held, _ in seen] == [(6 << 20) // 32, 0, 0]
    assert [waiting > 0 for _, waiting in seen] == [True, True, False]
    assert (state / "ballast").stat().st_size == (6 << 20) // 32
    assert made.said[-1] == "info: the disk has space again: reading goes on"


@pytest.mark.parametrize(
    ("size", "kept", "held"),
    [
        (64 << 20, 8 << 20, 2 << 20),
        (1 << 30, 128 << 20, 16 << 20),
        (4 << 30, 256 << 20, 16 << 20),
        (10 << 30, 512 << 20, 16 << 20),
        (4 << 40, 1 << 30, 16 << 20),
        (0, 0, 0),
    ],
)
def test_the_reserve_suits_the_disk(size: int, kept: int, held: int) -> None:
    """5 %, within bounds, of a small disk an eighth; nothing on file systems that do not tell their size."""
    assert reserve(Disk(size, 0)) == kept
    assert ballast(Disk(size, 0)) == held
