"""Rotation that is faster than reading, files that lose their names, and crashes in the middle of compressed ones."""

import gzip
import os
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
import zstandard
from input_sim import live
from input_tail import append

from pipeline.testing.world import World

SIZE = 1000
"""Bytes of a log when it is rotated."""


def rotate(log, keep):
    """`a.log.1` → `a.log.2` and so on; what would be beyond `keep` is deleted."""
    for number in range(keep, 0, -1):
        old = log.with_name(f"a.log.{number}")
        if old.exists():
            old.unlink() if number == keep else old.rename(log.with_name(f"a.log.{number + 1}"))
    log.rename(log.with_name("a.log.1"))


class Traffic:
    """A log that is rotated ten times a second; how long a reader may read between two rotations is up to the test."""

    def __init__(self, log, keep):
        self.log = log
        self.keep = keep
        self.lines = []

    def second(self, follow, steps):
        for _ in range(10):
            made = [b"%09d" % (len(self.lines) + number) for number in range(SIZE // 10)]
            append(self.log, b"".join(line + b"\n" for line in made))
            self.lines += made
            for _ in range(steps):
                follow.step()
            follow.ctx.clock.elapsed += 0.1
            rotate(self.log, self.keep)


def look_and_tell(follow):
    """What was deleted until now is noticed and committed."""
    follow.ctx.clock.elapsed += 0.3
    follow.step()
    while follow.follower._out:
        follow.step()


@pytest.mark.parametrize("restart", ["never", "stop", "crash"])
def test_a_reader_that_is_slower_than_a_hundred_rotations_reads_all(log, tail, monkeypatch, restart):
    """T26: while the rotated files are there, exactly, also over a stop or a crash in the middle."""
    monkeypatch.setattr("pipeline_plugins.inputs.file.generation.CHUNK", SIZE // 4)
    follow, traffic = tail(), Traffic(log, keep=200)
    for second in range(10):
        traffic.second(follow, steps=2)
        if second == 5 and restart == "crash":
            committed, records = dict(follow.progress), list(follow.records)
            follow.step()
            follow.progress, follow.records = committed, records
        if second == 5 and restart != "never":
            follow.restart()
    assert len(follow.records) < len(traffic.lines) * 3 // 4
    follow.wait(120)
    assert follow.records == traffic.lines
    assert follow.ctx.metrics == {}


def test_a_log_that_is_rotated_more_often_than_it_is_looked_at_is_kept_up_with(log, tail, monkeypatch):
    """T26: ten rotations a second, five looks, and eight rotated files: a reader with half as much time again as it needs loses nothing."""
    monkeypatch.setattr("pipeline_plugins.inputs.file.generation.CHUNK", SIZE // 4)
    follow, traffic = tail(), Traffic(log, keep=8)
    for _ in range(10):
        traffic.second(follow, steps=6)
        assert len(follow.records) >= len(traffic.lines) - 300
    follow.wait(120)
    assert follow.records == traffic.lines
    assert follow.ctx.metrics == {}


@pytest.mark.parametrize("restart", [False, True])
def test_what_was_rotated_away_before_it_was_read_is_counted(log, tail, monkeypatch, restart):
    """T26: with ten files kept, the reader is too slow: what it gave and what it counts as lost is all that was written."""
    monkeypatch.setattr("pipeline_plugins.inputs.file.generation.CHUNK", SIZE // 4)
    follow, traffic = tail(), Traffic(log, keep=10)
    for second in range(10):
        traffic.second(follow, steps=2)
        if second == 5 and restart:
            look_and_tell(follow)
            follow.restart()
    follow.wait(120)
    lost = follow.ctx.metrics["possible_loss_bytes"]
    assert lost > len(traffic.lines) * 10 // 4
    assert set(Counter(follow.records).values()) == {1}
    assert set(follow.records) <= set(traffic.lines)
    assert len(follow.records) * 10 + lost == len(traffic.lines) * 10
    assert follow.follower.backlog == {}


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_that_vanishes_while_stopped_is_counted(log, tail, monkeypatch, packed):
    """T26: what of a file was known and not read when it was last committed; once."""
    monkeypatch.setattr("pipeline_plugins.inputs.file.generation.CHUNK", SIZE)
    name = log.with_name("a.log.1.gz") if packed else log
    noise = b"".join(b"%s\n" % os.urandom(8).hex().encode() for _ in range(60_000))
    name.write_bytes(gzip.compress(noise) if packed else noise)
    os.utime(name, (1, 1))
    size = name.stat().st_size
    follow = tail()
    while not follow.records:
        follow.step()
    read = sum(len(record) + 1 for record in follow.records)
    follow.follower.close()
    name.unlink()
    follow.restart()
    assert follow.wait(200) == []
    lost = follow.ctx.metrics["possible_loss_bytes"]
    assert 0 < lost < size if packed else lost == size - read
    follow.restart()
    assert follow.wait(200) == []
    assert follow.ctx.metrics["possible_loss_bytes"] == lost


@pytest.mark.parametrize("how", ["deleted", "moved out of the globs", "replaced"])
def test_an_open_file_without_a_name_is_read_to_its_end_and_closed(log, tail, tmp_path, how):
    """T32: 50 MB are unread; its handle is closed within 60 s of the last byte, also when its writer writes on for a while."""
    lines = [b"%08d" % number + b"x" * 100_000 for number in range(500)]
    append(log, lines[0] + b"\n")
    follow = tail(log)
    assert follow.wait() == lines[:1]
    writer = log.open("ab")
    writer.write(b"".join(line + b"\n" for line in lines[1:]))
    writer.flush()
    follow.step()
    match how:
        case "deleted":
            log.unlink()
        case "replaced":
            other = tmp_path / "other"
            append(other, b"new\n")
            other.rename(log)
        case _:
            (tmp_path / "old").mkdir()
            log.rename(tmp_path / "old" / "a.log")
    follow.wait(2)
    writer.write(b"last\n")
    writer.close()
    follow.wait(60)
    expected = [*lines, b"last", *([b"new"] if how == "replaced" else [])]
    assert sorted(follow.records) == sorted(expected)
    assert [name for name in descriptors() if "a.log" in name and name != str(log)] == []
    assert follow.ctx.metrics == {}


def descriptors():
    """What this process has open."""
    found = []
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            found.append(str(entry.readlink()))
    return found


def members(data, packing):
    """A compressed file of many members."""
    pack = gzip.compress if packing == "gz" else zstandard.compress
    return b"".join(pack(data[at : at + 150]) for at in range(0, len(data), 150))


@pytest.mark.parametrize("packing", ["gz", "zst"])
def test_a_kill_in_the_middle_of_a_compressed_file_loses_and_doubles_nothing(tmp_path, monkeypatch, packing):
    """T22: of many members, at every call of the reader."""
    monkeypatch.setattr("pipeline_plugins.inputs.file.decoding._FILL", 16)
    monkeypatch.setattr("pipeline_plugins.inputs.file.generation.CHUNK", 64)
    lines = [b"line %d" % number for number in range(60)]
    form = tmp_path / f"a.log.1.{packing}"
    form.write_bytes(members(b"".join(line + b"\n" for line in lines), packing))
    world = World(tmp_path)
    _, points = live(world, tmp_path, {})
    world.crash()
    assert points > 20
    for kill_at in range(1, points + 1):
        progress = {}
        before, _ = live(world, tmp_path, progress, kill_at)
        after, _ = live(world, tmp_path, progress)
        world.crash()
        assert before + after == lines, kill_at


def test_a_kill_in_a_log_that_is_then_rotated_and_compressed_loses_and_doubles_nothing(tmp_path, monkeypatch):
    """T21, T22: killed at any call, then renamed, compressed and begun anew; killed again at any call, of three in a row."""
    monkeypatch.setattr("pipeline_plugins.inputs.file.generation.CHUNK", 64)
    old, new = ([b"%s %d" % (name, number) for number in range(20)] for name in (b"old", b"new"))
    log, form = tmp_path / "a.log", tmp_path / "a.log.1.gz"
    text = b"".join(line + b"\n" for line in old)
    world = World(tmp_path)
    log.write_bytes(text)
    _, points = live(world, tmp_path, {})
    world.crash()
    for kill_at in range(1, points + 1):
        for again in range(kill_at % 3 + 1, points, 3):
            form.unlink(missing_ok=True)
            log.write_bytes(text)
            progress = {}
            records, _ = live(world, tmp_path, progress, kill_at)
            form.write_bytes(members(text, "gz"))
            os.utime(form, (1, 1))
            log.unlink()
            log.write_bytes(b"".join(line + b"\n" for line in new))
            for kill in (again, None):
                more, _ = live(world, tmp_path, progress, kill)
                records += more
            world.crash()
            assert records == old + new, (kill_at, again)


@pytest.mark.parametrize("first", [1, 2])
def test_a_kill_before_the_rest_of_a_line_comes_doubles_nothing(tmp_path, monkeypatch, first):
    """T30: a line whose parts are written in different lives is one record, wherever a life ends."""
    monkeypatch.setattr("pipeline_plugins.inputs.file.generation.CHUNK", 8)
    log = tmp_path / "a.log"
    whole = b"one\ntwo, which is longer\nthree, which is longer\n"
    cut = whole.index(b"two") + first
    log.write_bytes(whole[:cut])
    world = World(tmp_path)
    _, points = live(world, tmp_path, {}, once=False, until=[b"one"])
    world.crash()
    for kill_at in range(1, points + 1):
        log.write_bytes(whole[:cut])
        progress = {}
        before, _ = live(world, tmp_path, progress, kill_at, once=False, until=[b"one"])
        append(log, whole[cut:])
        rest = whole.splitlines()[len(before) :]
        after, _ = live(world, tmp_path, progress, once=False, until=rest)
        world.crash()
        assert before + after == whole.splitlines(), kill_at
