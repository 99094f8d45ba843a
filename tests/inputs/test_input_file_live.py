"""`file` on files that change: growth, rotation, truncation, loss, and restarts in the middle of it."""

import errno
import gzip
import os
import shutil

import pytest
from input_tail import append

from pipeline import api


def test_growth_is_followed(log, tail):
    """New lines come, old ones do not come again; a file may appear later, and be small."""
    follow = tail(log)
    assert follow.wait() == []
    log.write_bytes(b"")
    assert follow.wait() == []
    append(log, b"1\n")
    assert follow.wait() == [b"1"]
    append(log, b"2\n3\n")
    assert follow.wait() == [b"2", b"3"]
    assert follow.wait() == []


def test_a_busy_log_makes_few_batches(log, tail):
    """However often a log is written to, it is read every 0.75 s, at the next look, unless much is waiting."""
    follow = tail(log)
    for number in range(100):
        append(log, b"%d\n" % number)
        follow.wait(0.2)
    assert len(follow.records) >= 90
    assert 22 <= len(follow.batches) <= 26


def test_a_line_that_is_written_in_two_parts_is_one_record(log, tail):
    """The beginning of a line is never given by itself while the file is active, also over a restart."""
    follow = tail(log)
    append(log, b"whole\nbegin")
    assert follow.wait(30) == [b"whole"]
    assert dict(follow.follower.backlog) == dict.fromkeys(follow.progress, 0)
    append(log, b"ning")
    follow.wait()
    follow.restart()
    append(log, b" and end\n")
    assert follow.wait() == [b"beginning and end"]


def test_a_rename_in_the_middle_of_a_file_keeps_its_generation(log, tail):
    """What was written before, during and after a rename rotation comes once, in one partition a file."""
    follow = tail()
    append(log, b"1\n2\nthr")
    assert follow.wait() == [b"1", b"2"]
    writer = log.open("ab", buffering=0)
    log.rename(log.with_name("a.log.1"))
    writer.write(b"ee\n")
    append(log, b"5\n")
    writer.write(b"4\n")
    writer.close()
    assert sorted(follow.wait()) == [b"4", b"5", b"three"]
    assert len(follow.progress) == 2
    assert follow.wait(10) == []
    done = [position for position in follow.progress.values() if position.get("done")]
    assert [position["path"] for position in done] == [str(log.with_name("a.log.1"))]
    assert len(follow.follower.backlog) == 1


def test_a_deleted_file_is_read_to_its_end_through_its_handle(log, tail):
    """Deleted while open and unread: nothing is lost."""
    follow = tail()
    append(log, b"1\n")
    follow.wait()
    append(log, b"2\n3")
    log.unlink()
    assert follow.wait(10) == [b"2", b"3"]
    assert follow.ctx.metrics["possible_loss_bytes"] == 0
    assert follow.follower.backlog == {}


def test_a_file_that_moves_out_of_the_globs_is_read_to_its_end(log, tail, tmp_path):
    """Renamed to another folder while open and unread: nothing is lost."""
    follow = tail(log)
    append(log, b"1\n")
    follow.wait()
    append(log, b"2\n")
    (tmp_path / "old").mkdir()
    log.rename(tmp_path / "old" / "b")
    append(log, b"3\n")
    assert follow.wait(10) == [b"2", b"3"]


def test_truncation_begins_a_new_generation(log, tail):
    """A file that is cut is read from its beginning."""
    follow = tail()
    append(log, b"one\ntwo\n")
    follow.wait()
    os.truncate(log, 0)
    append(log, b"new\n")
    assert follow.wait() == [b"new"]
    assert len(follow.progress) == 2
    follow.restart()
    assert follow.wait(100) == []


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("written", [b"new\n" * 100, b"uno\ndos\n", b"one\nnew\n" + b"x" * 5000 + b"\n"])
def test_a_file_written_anew_beyond_the_old_offset_is_read_from_its_beginning(log, tail, written, restart):
    """Truncated and already longer than, or as long as, the place that was read: the bytes before it tell."""
    follow = tail()
    append(log, b"one\ntwo\n")
    follow.wait()
    if restart:
        follow.follower.close()
    log.write_bytes(written)
    os.utime(log, (1, 1))
    if restart:
        follow.restart()
    assert follow.wait(3) == written.splitlines()


@pytest.mark.parametrize("closed", ["handle", "follower"])
@pytest.mark.parametrize("lines", [1, 10, 100])
def test_a_common_header_hides_no_truncation(log, tail, lines, closed):
    """Truncated and written anew with the same first 4 KiB, shorter or longer: the bytes before the offset tell."""
    header = b"h" * 4095 + b"\n"
    follow = tail()
    log.write_bytes(header + b"old\n" * 10)
    follow.wait()
    if closed == "handle":
        for generation in follow.follower._roster:
            follow.follower._handles.shut(generation)
    log.write_bytes(header + b"new\n" * lines)
    os.utime(log, (1, 1))
    if closed == "follower":
        follow.restart()
    if lines == 10 and closed == "handle":
        append(log, b"and more\n")
    assert [line for line in follow.wait(3) if line == b"new"] == [b"new"] * lines
    assert len(follow.progress) == 2


def test_an_inode_that_is_used_again_is_another_file(log, tail):
    """Deleted and made anew while stopped: the old offset is not believed."""
    append(log, b"old line\n" * 10)
    follow = tail()
    follow.wait()
    follow.follower.close()
    position = next(iter(follow.progress.values()))
    log.unlink()
    log.write_bytes(b"new line\n" * 20)
    stat = log.stat()
    position.update(dev=stat.st_dev, ino=stat.st_ino)
    follow.restart()
    assert follow.wait() == [b"new line"] * 20


def test_a_device_number_that_changed_is_the_same_file(log, tail):
    """After a reboot the same file may have another device number: it is not read again."""
    append(log, b"1\n2\n")
    follow = tail(log)
    follow.wait()
    follow.follower.close()
    next(iter(follow.progress.values()))["dev"] += 1
    follow.restart()
    append(log, b"3\n")
    assert follow.wait() == [b"3"]


def test_copytruncate_loses_nothing_that_the_copy_has(log, tail):
    """What was not read when the file was truncated is read from its copy, and the copy is not read again."""
    follow = tail()
    append(log, b"1\n")
    follow.wait()
    append(log, b"2\n3\n")
    shutil.copyfile(log, log.with_name("a.log.1"))
    os.truncate(log, 0)
    append(log, b"4\n")
    assert sorted(follow.wait(10)) == [b"2", b"3", b"4"]
    follow.restart()
    assert follow.wait(100) == []
    assert follow.ctx.metrics["possible_loss_bytes"] == 0


def test_a_copy_is_left_alone_while_the_original_is_read(log, tail):
    """Between the copy and the truncation of copytruncate, both have the same bytes."""
    follow = tail()
    append(log, b"1\n2\n")
    follow.wait()
    shutil.copyfile(log, log.with_name("a.log.1"))
    assert follow.wait(10) == []
    append(log, b"3\n")
    assert follow.wait(10) == [b"3"]
    os.truncate(log, 0)
    append(log, b"4\n")
    assert follow.wait(100) == [b"4"]
    follow.restart()
    assert follow.wait(100) == []


def test_a_hole_at_the_beginning_was_not_written(log, tail):
    """A writer without O_APPEND goes on at its old place after a truncation: the zeros before it are no lines."""
    follow = tail()
    with log.open("wb", buffering=0) as writer:
        writer.write(b"one\n" * 1000)
        assert len(follow.wait()) == 1000
        os.truncate(log, 0)
        writer.write(b"two\n")
        assert follow.wait() == [b"two"]


@pytest.mark.parametrize("stopped", [False, True])
def test_the_gz_of_a_generation_is_continued_at_its_offset(log, tail, stopped):
    """Rotated and compressed with a third unread: exactly the rest is read from the .gz."""
    follow = tail()
    lines = [b"line %d" % number for number in range(3000)]
    append(log, b"\n".join(lines[:2000]) + b"\n")
    follow.wait()
    follow.follower.close()
    if not stopped:
        follow.restart()
    append(log, b"\n".join(lines[2000:]) + b"\n")
    log.with_name("a.log.1.gz").write_bytes(gzip.compress(log.read_bytes()))
    os.utime(log.with_name("a.log.1.gz"), (1, 1))
    log.unlink()
    append(log, b"new\n")
    if stopped:
        follow.restart()
    assert sorted(follow.wait(10)) == sorted([*lines[2000:], b"new"])
    assert len(follow.progress) == 2
    follow.restart()
    assert follow.wait(100) == []


def test_a_generation_that_is_done_and_then_compressed_is_not_read_again(log, tail):
    """The usual delaycompress: .1 is read, becomes .2.gz, and is known, also after a restart."""
    follow = tail()
    append(log, b"1\n" * 2000)
    follow.wait()
    log.rename(log.with_name("a.log.1"))
    append(log, b"2\n")
    assert follow.wait(10) == [b"2"]
    for restart in (False, True):
        source = log.with_name("a.log.1" if not restart else "a.log.2.gz")
        data = source.read_bytes() if not restart else gzip.decompress(source.read_bytes())
        target = log.with_name("a.log.2.gz" if not restart else "a.log.3.gz")
        target.write_bytes(gzip.compress(data))
        os.utime(target, (1, 1))
        source.unlink()
        if restart:
            follow.restart()
        assert follow.wait(20) == []
    assert len(follow.progress) == 2


@pytest.mark.parametrize("form", [".gz", ""])
def test_a_rotated_form_that_was_seen_empty_under_another_name_is_not_read_again(form, log, tail):
    """`gzip > a.log.1.gz.tmp` and then a rename: the glob matches both names, the lines come once."""
    follow = tail()
    append(log, b"1\n" * 2000)
    follow.wait()
    log.rename(log.with_name("a.log.1"))
    append(log, b"2\n")
    follow.wait()
    made = log.with_name(f"a.log.1{form}.tmp")
    made.touch()
    follow.wait(3)
    lines = log.with_name("a.log.1").read_bytes()
    made.write_bytes(gzip.compress(lines) if form else lines)
    made.rename(log.with_name(f"a.log.1{form}"))
    if form:
        log.with_name("a.log.1").unlink()
    assert follow.wait(30) == []
    assert len(follow.progress) == 2


def test_an_empty_log_that_is_rotated_is_followed_by_its_old_writer(log, tail):
    """Its name is that of a rotated form, but it was the log itself: what is written late is no copy of anything."""
    follow = tail()
    writer = log.open("ab", buffering=0)
    follow.wait()
    log.rename(log.with_name("a.log.1"))
    append(log, b"same\nmore\n")
    assert follow.wait() == [b"same", b"more"]
    writer.write(b"same\n")
    writer.close()
    assert follow.wait(10) == [b"same"]


def test_lines_that_came_after_the_end_are_found_in_the_gz(log, tail):
    """A rotated file that was read to its end got one more line while we were stopped, and was compressed."""
    follow = tail()
    append(log, b"1\n" * 2000)
    follow.wait()
    log.rename(log.with_name("a.log.1"))
    follow.wait(10)
    follow.follower.close()
    packed = log.with_name("a.log.2.gz")
    packed.write_bytes(gzip.compress(log.with_name("a.log.1").read_bytes() + b"2\n"))
    os.utime(packed, (1, 1))
    log.with_name("a.log.1").unlink()
    follow.restart()
    assert follow.wait() == [b"2"]
    assert len(follow.progress) == 1


def test_a_rotated_file_that_is_copied_back_is_ignored(log, tail, tmp_path):
    """A backup of something that was read, under a rotation name, is not read again; nor is one that is touched."""
    follow = tail()
    append(log, b"1\n" * 2000)
    follow.wait()
    log.rename(log.with_name("a.log.1"))
    append(log, b"2\n")
    follow.wait(10)
    shutil.copyfile(log.with_name("a.log.1"), log.with_name("a.log.2"))
    os.utime(log.with_name("a.log.1"))
    assert follow.wait(100) == []
    follow.restart()
    assert follow.wait(100) == []


def test_logs_with_the_same_beginning_are_read_both(log, tail, tmp_path):
    """A common header of 4 KiB does not make two logs one."""
    header = b"h" * 4095 + b"\n"
    other = tmp_path / "b.log"
    log.write_bytes(header)
    other.write_bytes(header)
    follow = tail(tmp_path / "*.log")
    assert len(follow.wait()) == 2
    follow.restart()
    append(log, b"1\n")
    append(other, b"2\n")
    assert sorted(follow.wait()) == [b"1", b"2"]
    (tmp_path / "c.log").write_bytes(header + b"3\n")
    assert follow.wait() == [header[:-1], b"3"]


def test_from_end_counts_at_the_very_first_start_only(log, tail, tmp_path):
    """Existing lines are skipped, also after a restart; files that come later are read from their start."""
    log.write_bytes(b"old\nbegin")
    follow = tail(tmp_path / "*", at_end=True)
    follow.wait()
    assert len(follow.progress) == 1
    append(log, b"ning\n")
    (tmp_path / "b.log").write_bytes(b"b\n")
    follow.restart()
    assert sorted(follow.wait()) == [b"b", b"beginning"]


def test_the_backlog_counts_what_is_there_and_not_given(log, tail, tmp_path):
    """Also of files that are not begun; it is 0 when all is read."""
    log.write_bytes(b"1\n2\n")
    (tmp_path / "b.log").write_bytes(b"12345\n")
    follow = tail(tmp_path / "*.log")
    follow.step()
    assert sorted(follow.follower.backlog.values()) == [0, 6]
    follow.wait()
    assert sorted(follow.follower.backlog.values()) == [0, 0]


def test_long_lines_are_read_in_linear_time_and_counted(log, tail):
    """A line of many chunks is one record; the reader looks at each of its bytes once."""
    follow = tail(max_line=1000)
    line = b"x" * 15_000_000
    log.write_bytes(b"a\n" + line + b"\nb\n")
    assert follow.wait() == [b"a", line, b"b"]
    assert follow.ctx.metrics["long_records"] == 1


class Refusing:
    """Files of which some cannot be opened."""

    def __init__(self, files):
        self._files = files
        self.refused = set()

    def read(self, path):
        if path.name in self.refused:
            raise PermissionError(13, "Permission denied", str(path))
        return self._files.read(path)

    def __getattr__(self, name):
        return getattr(self._files, name)


def test_a_file_that_may_not_be_read_is_told_once_and_read_when_it_may(log, tail, world, tmp_path):
    """The other files go on."""
    ctx = world()
    ctx.files = Refusing(ctx.files)
    ctx.files.refused.add("a.log")
    log.write_bytes(b"secret\n")
    (tmp_path / "b.log").write_bytes(b"open\n")
    follow = tail(tmp_path / "*.log", ctx=ctx)
    assert follow.wait(60) == [b"open"]
    assert [fields["reason"] for _, fields in ctx.log.warnings] == ["permission denied"]
    ctx.files.refused.clear()
    assert follow.wait(20) == [b"secret"]


def test_with_once_a_growing_file_is_read_to_the_line_that_its_end_was_in(log, tail, world):
    """What is written while it is read is left for the next run."""
    log.write_bytes(b"1\n2\nthr")
    os.utime(log, (2e9, 2e9))
    follow = tail(ctx=world(once=True))
    assert follow.wait(0.3) == [b"1", b"2"]
    append(log, b"ee\n4\n")
    assert follow.wait() == [b"three"]
    assert follow.follower.finished
    follow.restart()
    assert follow.wait() == [b"4"]


def test_with_once_a_file_that_may_not_be_read_is_an_error_when_it_is_the_only_one(log, tail, world, tmp_path):
    """Another readable file makes it a warning."""
    ctx = world(once=True)
    ctx.files = Refusing(ctx.files)
    ctx.files.refused.add("a.log")
    log.write_bytes(b"secret\n")
    with pytest.raises(api.NoInputError, match=r"cannot read .*a\.log: permission denied"):
        tail(ctx=ctx).wait()
    (tmp_path / "b.log").write_bytes(b"open\n")
    assert tail(tmp_path / "*.log", ctx=ctx).wait() == [b"open"]


def test_a_generation_that_is_gone_for_long_is_forgotten(log, tail):
    """Memory does not grow with the number of rotations."""
    follow = tail()
    for number in range(3):
        append(log, b"%d\n" % number)
        follow.wait()
        log.rename(log.with_name("a.log.1"))
        follow.wait(10)
        log.with_name("a.log.1").unlink()
        follow.wait(10)
    assert len(follow.follower._roster.known) == 3
    follow.ctx.clock.elapsed += 8 * 86_400
    follow.wait(10)
    assert follow.follower._roster.known == {}
    gone = follow.follower.forgotten
    assert len(gone) == 3
    follow.follower.dropped(gone)
    assert follow.follower.forgotten == frozenset()


def test_more_files_than_handles_are_all_followed(tail, tmp_path, monkeypatch):
    """Idle files are closed and opened again when they grow."""
    monkeypatch.setattr("pipeline_plugins.inputs.file.rules.HANDLES", 3)
    monkeypatch.setattr("pipeline_plugins.inputs.file.handles.HANDLES", 3)
    paths = [tmp_path / f"{number}.log" for number in range(10)]
    follow = tail(tmp_path / "*.log")
    follow.follower._handles._most = 3
    for round_number in range(3):
        for path in paths:
            append(path, b"%d of %s\n" % (round_number, path.name.encode()))
        assert len(follow.wait(5)) == 10
        assert sum(g.source is not None for g in follow.follower._roster) <= 3


class Scarce:
    """Files of which only some can be open at once."""

    def __init__(self, files, most):
        self._files = files
        self.free = most

    def read(self, path):
        if self.free == 0:
            raise OSError(errno.EMFILE, "Too many open files", str(path))
        self.free -= 1
        return Counted(self, self._files.read(path))

    def __getattr__(self, name):
        return getattr(self._files, name)


class Counted:
    """An open file that gives its descriptor back."""

    def __init__(self, owner, file):
        self._owner = owner
        self._file = file

    def close(self):
        self._owner.free += 1
        self._file.close()

    def __getattr__(self, name):
        return getattr(self._file, name)


def test_when_descriptors_run_out_the_files_take_turns(tail, world, tmp_path):
    """No file starves, nothing is told."""
    ctx = world()
    ctx.files = Scarce(ctx.files, 2)
    for number in range(7):
        (tmp_path / f"{number}.log").write_bytes(b"%d\n" % number * 3)
    follow = tail(tmp_path / "*.log", ctx=ctx)
    assert len(follow.wait(3)) == 21
    assert ctx.log.warnings == []


def test_a_file_that_vanishes_unread_is_counted(log, tail):
    """What nobody can read any more is a possible loss, said with its size."""
    follow = tail()
    append(log, b"1\n")
    follow.wait()
    append(log, b"22\n")
    follow.step()
    follow.ctx.clock.elapsed += 0.3
    for generation in follow.follower._roster:
        follow.follower._handles.shut(generation)
        generation.size += 3
    log.unlink()
    assert follow.wait(120) == []
    assert follow.ctx.metrics["possible_loss_bytes"] == 3
    assert follow.follower.backlog == {}
