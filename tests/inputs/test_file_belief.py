"""What the input says that it makes of a file is what it does."""

import gzip
import os
import shutil

import pytest
from input_tail import append
from pipeline_plugins.inputs.file import File, Options

LINES = b"".join(b"line %d\n" % number for number in range(1000))


@pytest.fixture
def believed(log, world):
    """What a start on the progress of a follower would make of a file."""

    def ask(follow, path=log):
        plugin = File(Options(globs=str(log.with_name("a.log*"))))
        ctx = world(clock=follow.ctx.clock)
        return plugin.explain(ctx, follow.progress, str(path))

    return ask


@pytest.fixture
def follow(log, tail):
    """A follower that has read 1,000 lines of `a.log`, and was stopped."""
    follow = tail()
    append(log, LINES)
    follow.wait()
    follow.follower.close()
    return follow


def old(path):
    os.utime(path, (1, 1))


def grown(log):
    append(log, b"more\n")
    return log


def renamed(log):
    return grown(log).rename(log.with_name("a.log.1"))


def compressed(log):
    form = log.with_name("a.log.1.gz")
    form.write_bytes(gzip.compress(LINES + b"more\n"))
    old(form)
    log.write_bytes(b"other\n")
    return form


def copied(log):
    return shutil.copy(log, log.with_name("a.log.1"))


def cut(log):
    with log.open("r+b") as file:
        file.truncate(0)
        file.write(b"x" * 10_000 + b"\n")
    return log


def replaced(log):
    log.with_name("made").write_bytes(b"other\n")
    return log.with_name("made").rename(log)


def cut_after_copy(log):
    copy = copied(grown(log))
    os.truncate(log, 0)
    return copy


@pytest.mark.parametrize(
    ("change", "verdict", "unread", "agrees"),
    [
        (lambda log: log, "same", 0, [True] * 6),
        (grown, "same", 5, [True] * 6),
        (renamed, "rotated", 5, [True] * 6),
        (compressed, "adopted", None, [True, False, False, True, True]),
        (cut_after_copy, "adopted", 5, [True, False, False, True, True, True]),
        (copied, "copy", None, [True, False, False, True, True, True]),
    ],
)
def test_a_known_file_is_explained(log, follow, believed, change, verdict, unread, agrees):
    """The verdict, what is unread, and which evidence agrees; and reading goes on so."""
    path = change(log)
    told = believed(follow, path)
    assert (told["verdict"], told.get("unread"), told["offset"]) == (verdict, unread, len(LINES))
    assert [row["agrees"] for row in told["evidence"]] == agrees
    (partition,) = follow.progress
    assert told["partition"] == partition
    follow.restart()
    assert (b"more" in follow.wait(90)) == (verdict in ("rotated", "adopted") or unread == 5)


@pytest.mark.parametrize(("change", "verdict", "inode"), [(cut, "truncated", True), (replaced, "new", False)])
def test_a_file_that_is_taken_for_another_is_explained(log, follow, believed, change, verdict, inode):
    """It names the generation that it could have been, and what does not agree."""
    path = change(log)
    told = believed(follow, path)
    assert (told["verdict"], told["next"], told["unread"]) == (verdict, "reads from its beginning", path.stat().st_size)
    (other,) = told["considered"]
    evidence = {row["of"]: row["agrees"] for row in other["evidence"]}
    assert (evidence["inode"], evidence["first 1,024 bytes"]) == (inode, False)
    follow.restart()
    assert follow.wait() == path.read_bytes().splitlines()


def test_a_file_that_is_done_is_explained(log, follow, believed):
    """Read to its end after its rotation; its copy is done as well."""
    rotated = renamed(log)
    follow.restart()
    assert follow.wait(20) == [b"more"]
    assert believed(follow, rotated)["verdict"] == "done"
    copy = shutil.copy(rotated, log.with_name("a.log.2"))
    assert believed(follow, copy)["verdict"] == "copy"
    rotated.unlink()
    assert believed(follow, copy)["verdict"] == "done"
    assert believed(follow, rotated)["verdict"] == "gone"


def test_files_wait_for_older_ones_of_their_log(log, follow, believed):
    """What comes next is said with what comes before it."""
    renamed(log).rename(log.with_name("a.log.2"))
    log.with_name("a.log.1").write_bytes(b"1\n")
    log.write_bytes(b"2\n")
    assert believed(follow, log.with_name("a.log.2"))["next"] == f"reads on at byte {len(LINES):,}"
    assert [believed(follow, log.with_name(name))["verdict"] for name in ("a.log.1", "a.log")] == ["new", "new"]


def test_what_is_not_read_is_explained(log, follow, believed, tmp_path):
    """A compressed file that is too young, one that is damaged, a folder; and nothing is said of what no glob matches."""
    young, damaged = log.with_name("a.log.8.gz"), log.with_name("a.log.9.gz")
    young.write_bytes(gzip.compress(LINES))
    os.utime(young, (2e9, 2e9))
    damaged.write_bytes(b"this is no gzip")
    old(damaged)
    folder = log.with_name("a.log.d")
    folder.mkdir()
    told = {path: believed(follow, path) for path in (young, damaged, folder)}
    assert {path: belief["verdict"] for path, belief in told.items()} == {
        young: "young",
        damaged: "unreadable",
        folder: "unreadable",
    }
    assert told[damaged]["why"] == "not gzip data, whatever its name says"
    assert told[folder]["why"] == "is a folder"
    assert believed(follow, tmp_path / "b.log") is None
    (tmp_path / "b.log").write_bytes(LINES)
    assert believed(follow, tmp_path / "b.log") is None


def test_a_question_changes_nothing(log, follow, believed):
    """The follower goes on as if nobody had asked, and the file is as it was."""
    append(log, b"more\n")
    before = log.stat()
    progress = dict(follow.progress)
    assert believed(follow)["unread"] == 5
    assert follow.progress == progress
    after = log.stat()
    assert (after.st_mtime_ns, after.st_size, after.st_ino) == (before.st_mtime_ns, before.st_size, before.st_ino)
    follow.restart()
    assert follow.wait() == [b"more"]
