"""The simulated disk: what is durable, and what a power cut leaves."""

from __future__ import annotations

import random

import pytest

from pipeline.env.real import RealFiles
from pipeline.errors import BrokenDiskError
from pipeline.testing.disk import SECTOR, Cut
from pipeline.testing.kernel import ROOT, Fault
from pipeline.testing.life import Crash
from pipeline.testing.machine import Machine


def left(machine: Machine, cut: Cut, seed: int = 0) -> dict[str, bytes]:
    """Files after a power cut."""
    disk = machine.disk.after(cut, random.Random(seed))
    return {
        path[len(str(ROOT)) + 1 :]: bytes(disk.nodes[number].seen)
        for path, number in disk.names.items()
        if not disk.nodes[number].folder
    }


def test_what_was_not_synced_is_kept_dropped_mixed_or_torn() -> None:
    """Bytes are durable after `sync`; until then a power cut may take any sectors of them."""
    machine, files = Machine(), RealFiles()
    with machine.life().running():
        file = files.append(ROOT / "a")
        file.append(b"1" * SECTOR)
        file.sync()
        file.append(b"2" * SECTOR * 3)
    assert left(machine, "kept")["a"] == b"1" * SECTOR + b"2" * SECTOR * 3
    assert left(machine, "dropped")["a"] == b"1" * SECTOR
    torn = {left(machine, "torn", seed)["a"] for seed in range(50)}
    assert all(data.startswith(b"1" * SECTOR) and len(data) % SECTOR == 0 and len(data) < SECTOR * 4 for data in torn)
    mixed = {left(machine, "mixed", seed)["a"] for seed in range(50)}
    assert b"1" * SECTOR in mixed
    assert b"1" * SECTOR + bytes(SECTOR) + b"2" * SECTOR in mixed


def test_a_name_is_durable_once_its_folder_is() -> None:
    """The engine's real files see to it: each of these is durable when it returns, under its last name, whatever is lost."""
    machine, files = Machine(), RealFiles()
    with machine.life().running():
        file = files.append(ROOT / "new" / "a")
        file.append(b"a")
        file.sync()
        files.write(ROOT / "b", [b"b"])
        files.rename(ROOT / "b", ROOT / "c")
        assert left(machine, "dropped") == {"new/a": b"a", "c": b"b"}
        files.remove(ROOT / "c")
    assert left(machine, "dropped") == {"new/a": b"a", "c": b"b"}
    assert left(machine, "kept") == {"new/a": b"a"}
    assert {len(left(machine, "mixed", seed)) for seed in range(20)} == {1, 2}


def test_after_a_kill_the_cache_is_there_and_a_power_cut_may_still_take_it() -> None:
    """A process must not build on bytes of an earlier one before it has synced them itself."""
    machine, files = Machine(), RealFiles()
    with machine.life().running():
        files.append(ROOT / "a").append(b"x")
    machine.cut("kept")
    assert machine.get(ROOT / "a") == b"x"
    assert left(machine, "dropped")["a"] == b""


def test_a_failed_sync_loses_what_was_written_although_it_looks_clean() -> None:
    """To sync once more succeeds, and brings nothing back."""
    machine, files = Machine(), RealFiles()
    life = machine.life(fault=Fault("sync", 2))
    with life.running():
        file = files.append(ROOT / "a")
        file.append(b"x")
        with pytest.raises(BrokenDiskError):
            file.sync()
        assert machine.get(ROOT / "a") == b"x"
        file.sync()
    assert life.kernel.believed == str(ROOT / "a")
    assert left(machine, "dropped")["a"] == b""


def test_after_its_death_a_process_changes_nothing() -> None:
    """Not even in a `finally`."""
    machine, files = Machine(), RealFiles()
    with machine.life(kill_at=1).running():
        for _ in range(2):
            with pytest.raises(Crash):
                files.write(ROOT / "a", [b"x"])
    assert left(machine, "kept") == {}
