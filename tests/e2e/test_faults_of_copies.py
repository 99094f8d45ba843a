"""One writer: second processes, stolen locks, copies of a state beside it, and older copies in its place."""

from __future__ import annotations

import shutil
import signal
import time

import pytest
from faults import COPY, lines, once, program, read, stderr
from real import Pipe, wait_until


def running(pipe: Pipe, name: str, count: int):
    """The program on `state`, when it has copied the log of so many lines."""
    (pipe.folder / "in.log").write_bytes(lines(count))
    process = pipe.start("run", name, "--state", "state")
    wait_until(lambda: read(pipe.folder / "out/all.log") == lines(count), 30, "the log is copied")
    return process


@pytest.mark.parametrize("stopped", [False, True], ids=["running", "stopped"])
@pytest.mark.parametrize("stolen", [False, True], ids=["locked", "lock removed"])
def test_a_second_process_is_refused(pipe: Pipe, *, stopped: bool, stolen: bool) -> None:
    """73, also while the first one is stopped and somebody removed its lock; the first one goes on undisturbed."""
    name = program(pipe, COPY)
    process = running(pipe, name, 10)
    if stopped:
        process.send_signal(signal.SIGSTOP)
    if stolen:
        (pipe.folder / "state/lock").unlink()
    begun = time.monotonic()
    assert "in use by another p" in once(pipe, name, code=73)
    assert time.monotonic() - begun < 20
    process.send_signal(signal.SIGCONT)
    with (pipe.folder / "in.log").open("ab") as file:
        file.write(lines(10, 10))
    wait_until(lambda: read(pipe.folder / "out/all.log") == lines(20), 30, "the first one goes on")
    assert pipe.end(process) == 0
    assert stderr(pipe) == ""


def test_a_copy_of_the_state_beside_it_is_refused_at_the_output(pipe: Pipe) -> None:
    """73 and the file that both write; it has every line once."""
    name = program(pipe, COPY)
    process = running(pipe, name, 10)
    shutil.copytree(pipe.folder / "state", pipe.folder / "copy", ignore=shutil.ignore_patterns("*.sock"))
    with (pipe.folder / "in.log").open("ab") as file:
        file.write(lines(10, 10))
    wait_until(lambda: read(pipe.folder / "out/all.log") == lines(20), 30, "the first one goes on")
    done = pipe.run("run", name, "--once", "--state", "copy")
    assert done.returncode == 73, done.stderr
    assert f"another process writes {pipe.folder}/out/all.log" in done.stderr
    assert "Traceback" not in done.stderr
    assert read(pipe.folder / "out/all.log") == lines(20)
    assert pipe.end(process) == 0
    once(pipe, name)
    assert read(pipe.folder / "out/all.log") == lines(20)


@pytest.mark.parametrize("replaced", [True, False], ids=["replaced", "removed"])
def test_a_state_that_is_taken_away_ends_its_process(pipe: Pipe, *, replaced: bool) -> None:
    """73 at the next commit, before a byte is written; with the state in its place again the next run is exact."""
    name = program(pipe, COPY)
    process = running(pipe, name, 10)
    (pipe.folder / "state").rename(pipe.folder / "away")
    if replaced:
        shutil.copytree(pipe.folder / "away", pipe.folder / "state", ignore=shutil.ignore_patterns("*.sock"))
    with (pipe.folder / "in.log").open("ab") as file:
        file.write(lines(10, 10))
    assert process.wait(timeout=30) == 73
    assert "was removed or replaced while it was used" in stderr(pipe)
    assert read(pipe.folder / "out/all.log") == lines(10)
    if not replaced:
        (pipe.folder / "away").rename(pipe.folder / "state")
    once(pipe, name)
    assert read(pipe.folder / "out/all.log") == lines(20)


def older(pipe: Pipe, name: str) -> None:
    """The output has 20 lines, the state in its place knows of 10."""
    assert pipe.end(running(pipe, name, 10)) == 0
    shutil.copytree(pipe.folder / "state", pipe.folder / "copy")
    assert pipe.end(running(pipe, name, 20)) == 0
    shutil.rmtree(pipe.folder / "state")
    shutil.move(pipe.folder / "copy", pipe.folder / "state")


@pytest.mark.parametrize("kept", [True, False], ids=["the source has all", "the source has lost some"])
def test_an_older_copy_in_place_of_the_state_goes_by_the_source(pipe: Pipe, *, kept: bool) -> None:
    """A file that is still written is cut back to the copy's length and written again from the source: it is exact where the
    source has the lines, and lacks those that the source has not."""
    name = program(pipe, COPY)
    older(pipe, name)
    if not kept:
        (pipe.folder / "in.log").unlink()
        (pipe.folder / "in.log").write_bytes(lines(10, 20))
    once(pipe, name)
    assert read(pipe.folder / "out/all.log") == (lines(20) if kept else lines(10) + lines(10, 20))


def test_files_that_are_complete_stay_when_an_older_copy_takes_the_place_of_the_state(pipe: Pipe) -> None:
    """They are not the state's any more: what is read again is written to later files, and is there twice."""
    name = program(pipe, COPY.replace("out/all.log", "out/"))
    log = pipe.folder / "in.log"
    log.write_bytes(lines(10))
    once(pipe, name)
    shutil.copytree(pipe.folder / "state", pipe.folder / "copy")
    log.write_bytes(lines(20))
    once(pipe, name)
    shutil.rmtree(pipe.folder / "state")
    shutil.move(pipe.folder / "copy", pipe.folder / "state")
    once(pipe, name)
    found = [path.read_bytes() for path in sorted((pipe.folder / "out").iterdir())]
    assert found == [lines(10), lines(10, 10), lines(10, 10)]
