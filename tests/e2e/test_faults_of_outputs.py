"""Outputs that cannot be what they should: a clear error before anything is written, or an exact result."""

from __future__ import annotations

import os

import pytest
from faults import COPY, lines, once, program, read, rows
from real import Pipe, wait_until, without_permissions


def test_an_output_folder_without_permission_is_said_and_completed_later(pipe: Pipe) -> None:
    """78 with the path; once it may be written, the same state goes on and nothing is missing."""
    name = program(pipe, COPY)
    (pipe.folder / "in.log").write_bytes(lines(1000))
    (pipe.folder / "out").mkdir(mode=0o555)
    done = pipe.run("run", name, "--once", "--state", "state", before=without_permissions())
    assert done.returncode == 78, done.stderr
    assert f"{pipe.folder}/out/all.log: Permission denied" in done.stderr
    assert "Traceback" not in done.stderr
    (pipe.folder / "out").chmod(0o755)
    assert once(pipe, name) == ""
    assert read(pipe.folder / "out/all.log") == lines(1000)


@pytest.mark.parametrize("obstacle", ["file", "folder", "fifo"])
def test_an_output_that_cannot_be_a_file_is_a_matter_of_configuration(pipe: Pipe, obstacle: str) -> None:
    """78: nothing is wrong inside the engine when a path is taken by something else."""
    name = program(pipe, COPY)
    (pipe.folder / "in.log").write_bytes(lines(10))
    if obstacle == "file":
        (pipe.folder / "out").write_bytes(b"")
    else:
        (pipe.folder / "out").mkdir()
        path = pipe.folder / "out" / "all.log"
        path.mkdir() if obstacle == "folder" else os.mkfifo(path)
    assert f"{pipe.folder}/out/all.log" in once(pipe, name, code=78)


def test_an_output_that_is_removed_while_it_is_written_goes_on_in_a_new_file(pipe: Pipe) -> None:
    """What was in the file is its remover's; everything later is in the new one."""
    name = program(pipe, COPY)
    log, out = pipe.folder / "in.log", pipe.folder / "out/all.log"
    log.write_bytes(lines(100))
    process = pipe.start("run", name, "--state", "state")
    wait_until(lambda: read(out) == lines(100), 30, "the first lines are copied")
    out.unlink()
    with log.open("ab") as file:
        file.write(lines(50, 100))
    wait_until(lambda: read(out) == lines(50, 100), 30, "the later lines are in a new file")
    assert pipe.end(process) == 0
    once(pipe, name)
    assert read(out) == lines(50, 100)


def test_an_output_that_is_moved_away_keeps_what_it_has(pipe: Pipe) -> None:
    """logrotate on our own output: both files together are the log."""
    name = program(pipe, COPY)
    log, out = pipe.folder / "in.log", pipe.folder / "out/all.log"
    log.write_bytes(lines(100))
    process = pipe.start("run", name, "--state", "state")
    wait_until(lambda: read(out) == lines(100), 30, "the first lines are copied")
    out.rename(pipe.folder / "out/all.log.1")
    with log.open("ab") as file:
        file.write(lines(50, 100))
    wait_until(lambda: read(out) == lines(50, 100), 30, "the later lines are in a new file")
    assert pipe.end(process) == 0
    assert read(pipe.folder / "out/all.log.1") == lines(100)


def test_two_sinks_to_one_path_are_refused(pipe: Pipe) -> None:
    """65: each would cut back what the other has written."""
    name = program(
        pipe, 'source log = file("in.log") sink a = log -> file("same.log") sink b = log -> file("same.log")'
    )
    (pipe.folder / "in.log").write_bytes(lines(5))
    assert pipe.run("check", name).returncode == 65


def test_a_sink_into_its_own_source_is_refused(pipe: Pipe) -> None:
    """A log that feeds itself grows for ever."""
    name = program(pipe, 'source log = file("*.log") sink a = log -> file("in.log", format: raw)')
    (pipe.folder / "in.log").write_bytes(lines(5))
    assert pipe.run("check", name).returncode == 65


@pytest.mark.parametrize("form", ["%Q", "%", "%Y/%:z"])
def test_a_template_with_a_wrong_time_format_is_refused(pipe: Pipe, form: str) -> None:
    """65 from the checker, as for `format_time`."""
    name = program(pipe, COPY.replace("out/all.log", f"out/{{@timestamp:{form}}}.log"))
    (pipe.folder / "in.log").write_bytes(lines(5))
    assert pipe.run("check", name).returncode == 65


def test_a_window_without_length_is_refused(pipe: Pipe) -> None:
    """65: when following a log it would never be sent."""
    text = 'source log = file("in.log*") sink n = log | window(0s) { n = count() } -> file("n.ndjson")'
    assert pipe.run("check", program(pipe, text)).returncode == 65


@pytest.mark.xfail(
    strict=True, reason="one column `value` for all metrics: a float metric makes floats of the others' ints"
)
def test_a_whole_number_stays_one_beside_a_metric_of_floats(pipe: Pipe) -> None:
    """2**53 + 1 is the maximum of 2**53 + 1."""
    (pipe.folder / "in.log").write_bytes(b"9007199254740993\n")
    text = """
        source log = file("in.log")
        transform facts = log | grok('^%{INT:n:int}$') | window(1d) { high = max(n) mean = mean(n) }
        sink out = facts -> file("n.ndjson")
    """
    once(pipe, program(pipe, text))
    assert [fact["value"] for fact in rows(pipe.folder / "n.ndjson") if fact["metric"] == "high"] == [2**53 + 1]


@pytest.mark.parametrize("name", ["@raw", "@timestamp", "@offset"])
def test_a_pattern_that_names_metadata_is_refused(pipe: Pipe, name: str) -> None:
    """65: `@raw` is never assigned, and a text is no time."""
    text = f"source log = file('in.log*') sink out = log | grok('(?<{name}>.)') -> file('out.ndjson')"
    assert pipe.run("check", program(pipe, text)).returncode == 65
