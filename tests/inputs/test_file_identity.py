"""What makes a file the same file: truncation, used inodes, like beginnings, holes, copies, links. On a disk and in memory,
because kernels answer differently there."""

import gzip
import itertools
import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard
from input_tail import append
from input_world import START

MEMORY = Path("/dev/shm")
HEADER = b"time,host,status,bytes\n" * 200


@pytest.fixture(params=["disk", "memory"])
def folder(request, tmp_path):
    """A folder on the disk of the temporary folder, and one in memory."""
    if request.param == "disk":
        yield tmp_path
    elif not MEMORY.is_dir():
        pytest.skip("no file system in memory")
    else:
        with tempfile.TemporaryDirectory(dir=MEMORY) as made:
            yield Path(made)


@pytest.fixture
def log(folder):
    return folder / "a.log"


@pytest.fixture
def follow(log, tail):
    """A follower of `a.log*`."""
    return tail(log.with_name("a.log*"))


def numbered(first, count, width=40):
    """Lines that are all different, and as long as one another."""
    return b"".join(b"%0*d\n" % (width, number) for number in range(first, first + count))


def written_at(path, follow):
    """Say that the file was written just now, by the clock of the test."""
    moment = START * 1000 + round(follow.ctx.clock.elapsed * 1e9)
    os.utime(path, ns=(moment, moment))


def test_a_message_before_and_after_each_rotation_comes_once(log, follow):
    """T17: rename and create, a message each time: exactly three."""
    for number in (1, 2, 3):
        append(log, b"message %d\n" % number)
        assert follow.wait() == [b"message %d" % number]
        log.rename(log.with_name(f"a.log.{4 - number}"))
    follow.restart()
    assert follow.wait(30) == []


def test_a_message_before_and_after_each_copytruncate_comes_once(log, follow):
    """T18: copy and truncate, a message each time: exactly three, although the copies match the glob."""
    for number in (1, 2, 3):
        append(log, b"message %d\n" % number)
        assert follow.wait() == [b"message %d" % number]
        shutil.copyfile(log, log.with_name(f"a.log.{4 - number}"))
        os.truncate(log, 0)
        assert follow.wait() == []
    follow.restart()
    assert follow.wait(30) == []
    assert follow.ctx.metrics == {"files_truncated": 3}


@pytest.mark.parametrize("looked", [False, True])
def test_what_was_read_before_a_cut_and_the_line_after_it_come_once(log, follow, looked):
    """T19: of 100 MiB a part is read when the file is cut. What was not is counted, to the byte; the line in which reading
    had come stands as far as it was read."""
    lines = [b"%08d" % number + b"x" * (1 << 20) for number in range(100)]
    log.write_bytes(b"\n".join(lines) + b"\n")
    size = log.stat().st_size
    for _ in range(10):
        follow.step()
    read = list(follow.records)
    assert 0 < len(read) < 100
    os.truncate(log, 0)
    append(log, b"Hello world\n")
    if looked:
        follow.ctx.clock.elapsed += 1
    greeting, part = follow.wait(100)
    assert greeting == b"Hello world"
    assert read == lines[: len(read)]
    assert lines[len(read)].startswith(part)
    assert sum(len(line) + 1 for line in read) + len(part) + follow.ctx.metrics["possible_loss_bytes"] == size


@pytest.mark.parametrize("state", ["open", "closed", "stopped"])
@pytest.mark.parametrize("more", [0, 1, 1000])
def test_a_file_cut_and_written_anew_past_the_old_offset_is_read_from_its_beginning(log, follow, state, more):
    """T20: within one tick of the file system's clock, as long as before or longer."""
    append(log, numbered(0, 500))
    written_at(log, follow)
    follow.wait(0.2)
    assert len(follow.records) == 500
    if state == "closed":
        for generation in follow.follower._roster:
            follow.follower._handles.shut(generation)
    elif state == "stopped":
        follow.follower.close()
    before = log.stat()
    with log.open("r+b") as file:
        file.truncate(0)
        file.write(numbered(1000, 500 + more))
    os.utime(log, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert log.stat().st_ino == before.st_ino
    if state == "stopped":
        follow.restart()
    assert follow.wait(3) == numbered(1000, 500 + more).splitlines()


@pytest.mark.parametrize("stopped", [False, True])
def test_a_file_written_anew_with_the_same_last_lines_is_read_from_its_beginning(log, follow, stopped):
    """T20: the kilobyte before the offset is the same, the first line is not."""
    same = b"still here\n" * 1000
    append(log, b"started on Monday\n" + same)
    assert len(follow.wait()) == 1001
    if stopped:
        follow.follower.close()
    with log.open("r+b") as file:
        file.truncate(0)
        file.write(b"started on Friday\n" + same + b"end\n")
    if stopped:
        follow.restart()
    assert follow.wait(3) == [b"started on Friday", *same.splitlines(), b"end"]


@pytest.mark.parametrize("packing", ["gzip", "gzip in members", "zstd"])
def test_a_log_rotated_and_compressed_while_stopped_is_continued(log, follow, packing):
    """T21: with 30 % unread and nothing left but `a.log.1.gz`: exactly the rest comes, then the new log."""
    data = numbered(0, 3000)
    append(log, data[: len(data) * 7 // 10 // 41 * 41])
    assert len(follow.wait()) == 2100
    follow.follower.close()
    match packing:
        case "gzip":
            packed = gzip.compress(data)
        case "gzip in members":
            packed = b"".join(gzip.compress(data[at : at + 10_000]) for at in range(0, len(data), 10_000))
        case _:
            packed = zstandard.compress(data)
    form = log.with_name("a.log.1.zst" if packing == "zstd" else "a.log.1.gz")
    form.write_bytes(packed)
    os.utime(form, (1, 1))
    log.unlink()
    append(log, numbered(3000, 100))
    follow.restart()
    assert follow.wait(90) == numbered(2100, 1000).splitlines()
    assert follow.ctx.metrics == {}
    follow.restart()
    assert follow.wait(90) == []


class OneInode:
    """Files that all have the same device and inode; with `born`, each its own birth time, else none."""

    def __init__(self, files, *, born):
        self._files = files
        self._born = born

    def stat(self, path):
        stat = self._files.stat(path)
        return stat and self.given(stat)

    def given(self, stat):
        return replace(stat, device=1, inode=7, born=stat.born if self._born else 0)

    def trusted(self, path, stat):
        return True

    def read(self, path):
        return OneInodeFile(self._files.read(path), self.given)

    def __getattr__(self, name):
        return getattr(self._files, name)


class OneInodeFile:
    """An open one of them."""

    def __init__(self, file, given):
        self._file = file
        self._given = given

    def stat(self):
        return self._given(self._file.stat())

    def __getattr__(self, name):
        return getattr(self._file, name)


@pytest.mark.parametrize("size", [300, 500, 700])
@pytest.mark.parametrize("state", ["closed", "stopped"])
@pytest.mark.parametrize("end", [False, True])
@pytest.mark.parametrize("born", [False, True])
def test_an_inode_that_is_given_again_tells_nothing(log, tail, world, size, state, end, born):
    """T23: with and without a birth time to tell them apart, of a file that is read on and of one that was read to its end."""
    ctx = world()
    ctx.files = OneInode(ctx.files, born=born)
    follow = tail(log.with_name("a.log*"), ctx=ctx)
    at = log.with_name("a.log.1") if end else log
    if end:
        append(log, numbered(0, 500))
        follow.wait()
        log.rename(at)
        follow.wait(10)
    else:
        append(at, numbered(0, 500))
        follow.wait()
    assert [position.get("done", False) for position in follow.progress.values()] == [end]
    if state == "stopped":
        follow.follower.close()
    else:
        for generation in follow.follower._roster:
            follow.follower._handles.shut(generation)
    at.unlink()
    append(log, numbered(1000, size))
    if state == "stopped":
        follow.restart()
    assert follow.wait(10) == numbered(1000, size).splitlines()


def test_logs_that_begin_alike_are_read_both(log, follow, folder, tail):
    """T24: two live files with the same first 4 KiB, also over a restart and a rotation of both."""
    follow = tail(folder / "*.log*")
    other = folder / "b.log"
    for path in (log, other):
        path.write_bytes(HEADER)
    assert len(follow.wait()) == 400
    for number in range(3):
        append(log, b"a%d\n" % number)
        append(other, b"b%d\n" % number)
        assert sorted(follow.wait()) == [b"a%d" % number, b"b%d" % number]
        follow.restart()
        for path in (log, other):
            path.rename(path.with_name(f"{path.name}.{9 - number}"))
            path.write_bytes(HEADER)
        assert follow.wait() == HEADER.splitlines() * 2
    assert len(follow.progress) == 8


def test_a_small_file_is_read_at_once(log, folder, tail):
    """T25: ten bytes and a newline; no bytes at all; and what is added to either."""
    follow = tail(folder / "*.log")
    log.write_bytes(b"0123456789\n")
    other = folder / "b.log"
    other.write_bytes(b"")
    assert follow.wait(2) == [b"0123456789"]
    append(other, b"x\n")
    append(log, b"y\n")
    assert sorted(follow.wait(2)) == [b"x", b"y"]
    follow.restart()
    append(other, b"z\n")
    assert follow.wait(2) == [b"z"]


@pytest.mark.parametrize("stopped", [False, True])
@pytest.mark.parametrize("size", [100, 3000, 5_000_000])
def test_the_hole_before_a_writer_that_does_not_append_is_no_line(log, follow, size, stopped):
    """T27: truncated under it, twice, it goes on at its old place: every line once, no line has a zero byte."""
    line = b"x" * 98 + b"\n"
    count = 0
    with log.open("wb", buffering=0) as writer:
        for number in (1, 2, 3):
            writer.write(line * (size // 99) + b"end %d\n" % number)
            count += size // 99 + 1
            follow.wait(3)
            if stopped:
                follow.follower.close()
            shutil.copyfile(log, log.with_name(f"a.log.{4 - number}"))
            os.truncate(log, 0)
            writer.write(b"after %d\n" % number)
            count += 1
            if stopped:
                follow.restart()
            follow.wait(3)
    assert [record for record in follow.records if b"\0" in record] == []
    assert len(follow.records) == count
    assert follow.ctx.metrics["possible_loss_bytes"] == 0


def test_a_hole_that_was_there_before_is_no_line(log, follow):
    """T27: at the very first look at the file; zeros that were written are kept."""
    log.touch()
    os.truncate(log, 10_000_000)
    append(log, b"1\n\0\0\n")
    assert follow.wait() == [b"1", b"\0\0"]
    log.with_name("a.log.1").write_bytes(b"\0written\n")
    assert follow.wait() == [b"\0written"]


@pytest.mark.parametrize("restarts", [0, 1, 2])
def test_a_line_in_parts_is_one_record(log, follow, restarts):
    """T30: the beginning, a restart, some more, a restart, the end."""
    append(log, b"whole\n" + b"be")
    assert follow.wait(30) == [b"whole"]
    for more in itertools.repeat(b"gin", restarts):
        follow.restart()
        assert follow.wait(30) == []
        append(log, more)
        assert follow.wait(30) == []
    follow.restart()
    append(log, b"ning\n")
    assert follow.wait() == [b"be" + b"gin" * restarts + b"ning"]
    assert len(follow.progress) == 1


@pytest.mark.parametrize("stopped", [False, True])
@pytest.mark.parametrize("small", [False, True])
def test_what_was_read_and_comes_back_is_ignored(log, follow, folder, small, stopped):
    """T31: a rotated file is touched, copied beside itself, restored after its deletion, and restored compressed."""
    append(log, numbered(0, 3 if small else 3000))
    follow.wait()
    rotated = log.with_name("a.log.1")
    log.rename(rotated)
    append(log, b"new\n")
    follow.wait(10)
    assert len(follow.records) == (4 if small else 3001)
    backup = folder / "backup"
    shutil.copy2(rotated, backup)

    def back(act):
        if stopped:
            follow.follower.close()
        act()
        if stopped:
            follow.restart()
        return follow.wait(100)

    assert back(lambda: os.utime(rotated)) == []
    assert back(lambda: shutil.copy(backup, log.with_name("a.log.2"))) == []
    assert back(rotated.unlink) == []
    assert back(log.with_name("a.log.2").unlink) == []
    assert back(lambda: shutil.copy2(backup, rotated)) == []
    packed = log.with_name("a.log.3.gz")
    assert back(lambda: packed.write_bytes(gzip.compress(backup.read_bytes()))) == []
    assert follow.ctx.metrics == {}


def test_a_copy_that_is_written_over_in_place_is_seen(log, follow):
    """T31: `cp a.log a.log.1; : > a.log` again and again: the same inode gets other bytes, as many as before."""
    for number in range(4):
        append(log, numbered(number * 100, 100))
        assert follow.wait() == numbered(number * 100, 100).splitlines()
        append(log, b"%040d\n" % (900 + number))
        with log.with_name("a.log.1").open("wb") as copy:
            copy.write(log.read_bytes())
        os.truncate(log, 0)
        assert follow.wait(10) == [b"%040d" % (900 + number)]
    assert follow.ctx.metrics == {"files_truncated": 4}


def test_a_link_that_is_switched_leads_to_a_new_generation(folder, tail):
    """T33: what the old target got before the switch, and all of the new one."""
    first, second, link = folder / "0", folder / "1", folder / "pod.log"
    append(first, b"1\n")
    append(second, b"3\n4\n")
    link.symlink_to(first)
    follow = tail(folder / "*.log")
    assert follow.wait() == [b"1"]
    append(first, b"2\n")
    other = folder / "made"
    other.symlink_to(second)
    other.rename(link)
    append(second, b"5\n")
    assert sorted(follow.wait(10)) == [b"2", b"3", b"4", b"5"]
    follow.restart()
    append(second, b"6\n")
    assert follow.wait(10) == [b"6"]
    assert len(follow.progress) == 2
    assert follow.ctx.metrics == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("way", ["link", "folder", "relative"])
def test_a_link_of_somebody_else_to_a_file_that_is_not_theirs_is_refused(folder, tail, way):
    """T33: said once, the other files go on; a link to a file of their own is followed."""
    secret = folder / "elsewhere" / "shadow.log"
    secret.parent.mkdir()
    secret.write_bytes(b"root:secret\n")
    logs = folder / "logs"
    logs.mkdir()
    append(logs / "good.log", b"good\n")
    link = logs / "app"
    match way:
        case "link":
            link = logs / "app.log"
            link.symlink_to(secret)
        case "folder":
            link.symlink_to(secret.parent)
        case _:
            link.symlink_to("../elsewhere")
    os.chown(link, 4711, 4711, follow_symlinks=False)
    follow = tail(logs / "*.log", logs / "*" / "*.log")
    assert follow.wait(60) == [b"good"]
    assert [fields["reason"] for _, fields in follow.ctx.log.warnings] == [
        "a symbolic link on the way to it belongs to another user"
    ]
    os.chown(secret, 4711, 4711)
    assert follow.wait(10) == [b"root:secret"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_link_that_is_switched_while_it_is_looked_at_is_refused(folder, tail, world):
    """T33: what is trusted is the file that was seen, not whatever the path leads to a moment later."""
    secret, own, link = folder / "secret", folder / "own", folder / "a.log"
    secret.write_bytes(b"root:secret\n")
    own.write_bytes(b"own\n")
    os.chown(own, 4711, 4711)

    class Racing:
        """The link leads to the secret whenever the path is looked at or opened, and elsewhere when it is examined."""

        def __init__(self, files):
            self._files = files

        def trusted(self, path, stat):
            lead(own)
            try:
                return self._files.trusted(path, stat)
            finally:
                lead(secret)

        def __getattr__(self, name):
            return getattr(self._files, name)

    def lead(target):
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        os.chown(link, 4711, 4711, follow_symlinks=False)

    lead(secret)
    ctx = world()
    ctx.files = Racing(ctx.files)
    assert tail(link, ctx=ctx).wait(10) == []


class Blind:
    """Files whose folders cannot be listed, from time to time."""

    def __init__(self, files):
        self._files = files
        self.blind = False

    def glob(self, pattern):
        return [] if self.blind else self._files.glob(pattern)

    def __getattr__(self, name):
        return getattr(self._files, name)


def test_a_folder_that_cannot_be_listed_for_a_while_changes_nothing(log, tail, world):
    """T13: without a descriptor to list it, say. Files that are there are not given up, nor is the line that is begun."""
    ctx = world()
    ctx.files = Blind(ctx.files)
    follow = tail(log.with_name("a.log*"), ctx=ctx)
    append(log, b"1\nbe")
    assert follow.wait() == [b"1"]
    ctx.files.blind = True
    assert follow.wait(100) == []
    append(log, b"gin")
    assert follow.wait(100) == []
    ctx.files.blind = False
    append(log, b"ning\n")
    assert follow.wait(10) == [b"beginning"]
    assert len(follow.progress) == 1
