"""A state that is in use, another's, damaged, or cannot be made: refused with the reason, and left alone."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from faults import COPY, lines, once, program, read
from real import Pipe, wait_until, without_permissions


def test_a_state_in_use_is_refused(pipe: Pipe) -> None:
    """73, and the one that runs is not disturbed."""
    name = program(pipe, COPY)
    (pipe.folder / "in.log").write_bytes(lines(10))
    process = pipe.start("run", name, "--state", "state")
    wait_until(lambda: read(pipe.folder / "out/all.log") == lines(10), 30, "the log is copied")
    told = once(pipe, name, code=73)
    assert f"the state in {pipe.folder}/state is in use by another pipe" in told
    assert pipe.end(process) == 0
    assert read(pipe.folder / "out/all.log") == lines(10)


def test_a_state_of_another_program_is_refused(pipe: Pipe) -> None:
    """73, with the name of the program that it belongs to."""
    (pipe.folder / "in.log").write_bytes(lines(10))
    once(pipe, program(pipe, COPY))
    told = once(pipe, program(pipe, COPY, "other.pipe"), code=73)
    assert f"the state in {pipe.folder}/state belongs to another program: {pipe.folder}/faults.pipe" in told
    assert read(pipe.folder / "out/all.log") == lines(10)


@pytest.mark.parametrize("damage", ["text", "cut", "page"])
def test_a_state_that_cannot_be_read_is_refused_and_left_alone(pipe: Pipe, damage: str) -> None:
    """73; neither the outputs nor the log's place is touched, and the help says how to start anew."""
    name = program(pipe, COPY)
    (pipe.folder / "in.log").write_bytes(lines(10))
    once(pipe, name)
    with (pipe.folder / "in.log").open("ab") as file:
        file.write(lines(10, 10))
    database = pipe.folder / "state" / "state.db"
    for other in database.parent.glob("state.db-*"):
        other.unlink()
    whole = database.read_bytes()
    broken = {"text": b"no database\n" * 400, "cut": whole[:5000], "page": whole[:4096] + b"\xa5" * (len(whole) - 4096)}
    database.write_bytes(broken[damage])
    told = once(pipe, name, code=73)
    assert f"{database} is not a readable state database" in told
    assert "help: Move the state directory away to start anew" in told
    assert database.read_bytes() == broken[damage]
    assert read(pipe.folder / "out/all.log") == lines(10)


@pytest.mark.parametrize("damage", ["DELETE FROM meta", "DROP TABLE progress"])
def test_a_state_that_lacks_what_every_state_has_is_refused(pipe: Pipe, damage: str) -> None:
    """73 for a database without its names, or without one of its tables."""
    name = program(pipe, COPY)
    (pipe.folder / "in.log").write_bytes(lines(10))
    once(pipe, name)
    with closing(sqlite3.connect(pipe.folder / "state" / "state.db")) as database, database:
        database.execute(damage)
    once(pipe, name, code=73)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ("UPDATE progress SET position = replace(position, 'head', 'hmad')", "position of the partition "),
        ("UPDATE progress SET position = '{\"a'", "where the position of the source log, partition "),
    ],
)
def test_a_state_with_a_damaged_value_is_refused(pipe: Pipe, damage: str, told: str) -> None:
    """73, with the value and what it should be; nothing is read or written by guess."""
    name = program(pipe, COPY)
    (pipe.folder / "in.log").write_bytes(lines(10))
    once(pipe, name)
    with closing(sqlite3.connect(pipe.folder / "state" / "state.db")) as database, database:
        database.execute(damage)
    message = once(pipe, name, code=73)
    assert told in message
    assert "help: Move the state directory away to start anew" in message
    assert read(pipe.folder / "out/all.log") == lines(10)


def test_a_database_of_another_kind_is_refused_and_left_alone(pipe: Pipe) -> None:
    """73 for a `state.db` that some other program made."""
    name = program(pipe, COPY)
    (pipe.folder / "in.log").write_bytes(lines(10))
    (pipe.folder / "state").mkdir()
    with closing(sqlite3.connect(pipe.folder / "state" / "state.db")) as database, database:
        database.execute("CREATE TABLE customer (name TEXT)")
    once(pipe, name, code=73)


def test_a_state_that_cannot_be_made_is_said(pipe: Pipe) -> None:
    """73, when its parent may not be written."""
    name = program(pipe, COPY)
    (pipe.folder / "in.log").write_bytes(lines(10))
    (pipe.folder / "locked").mkdir(mode=0o555)
    done = pipe.run("run", name, "--once", "--state", "locked/state", before=without_permissions())
    assert done.returncode == 73, done.stderr
    assert f"the state directory {pipe.folder}/locked/state cannot be used: Permission denied" in done.stderr
    assert not (pipe.folder / "out").exists()


def test_a_state_directory_that_is_a_file_is_said(pipe: Pipe) -> None:
    """73, and the file is left alone."""
    name = program(pipe, COPY)
    (pipe.folder / "in.log").write_bytes(lines(10))
    (pipe.folder / "state").write_bytes(b"precious")
    told = once(pipe, name, code=73)
    assert f"the state directory {pipe.folder}/state cannot be used" in told
    assert (pipe.folder / "state").read_bytes() == b"precious"
