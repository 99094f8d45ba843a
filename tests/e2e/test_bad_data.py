"""Logs that no parser was made for: every byte is archived, bad lines are rejected with a reason, other files go on."""

from __future__ import annotations

import filecmp
import gzip
import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
import zstandard
from real import Pipe, wait_until, without_permissions

PROGRAM = """
    source log = file("in/*")
    transform parsed = log | grok('^%{WORD:word} %{INT:number:int}$')
    sink archive = [parsed, parsed.rejected] -> file("raw/{@path}", format: raw)
    sink good = parsed -> file("good.ndjson")
    sink bad = parsed.rejected -> file("bad.ndjson", metadata: [@path, @offset])
"""

PEAK = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(code)
"""
"""Runs the rest of its words, and says on stderr how much memory they took at most (kB)."""

SIDE = b"side 1\nside 2\n"
"""A healthy log that lies beside every bad one."""

GOOD_SIDE = [("side", 1), ("side", 2)]


class Case:
    """PROGRAM in a folder of logs, and what it made of them."""

    def __init__(self, pipe: Pipe) -> None:
        self.pipe = pipe
        self.folder = pipe.folder
        self.logs = pipe.folder / "in"
        self.logs.mkdir()
        (pipe.folder / "bad_data.pipe").write_text(PROGRAM)
        self.write("side.log", SIDE)

    def write(self, name: str, data: bytes) -> Path:
        path = self.logs / name
        path.write_bytes(data)
        return path

    def once(self, *, before: tuple[str, ...] = (), code: int = 0) -> str:
        """Run to the end: the exit code as given, no traceback, every row accounted for. Gives what went to stderr."""
        done = self.pipe.run("run", "bad_data.pipe", "--once", "--state", "state", before=before)
        assert (done.returncode, done.stdout) == (code, ""), done.stderr
        assert "Traceback" not in done.stderr
        assert "defect" not in done.stderr
        audit = self.pipe.run("audit", "--state", "state")
        assert audit.returncode == 0, audit.stdout
        return done.stderr

    def archived(self, name: str) -> bytes:
        """What the archive has of one log."""
        path = self.folder / "raw" / f"in%2F{name}"
        return path.read_bytes() if path.exists() else b""

    def good(self, *, side: bool = True) -> list[tuple[str, int]]:
        """Parsed lines of all logs but the healthy one, which must be there."""
        rows = [(str(row["word"]), int(row["number"])) for row in self._rows("good.ndjson")]
        if side:
            assert [row for row in rows if row[0] == "side"] == GOOD_SIDE
            assert self.archived("side.log") == SIDE
        return [row for row in rows if row[0] != "side"]

    def bad(self) -> list[tuple[str, int, str]]:
        """(record, offset, reason) of what was rejected."""
        return [(str(row["@raw"]), int(row["@offset"]), row["@error"]["reason"]) for row in self._rows("bad.ndjson")]

    def _rows(self, name: str) -> list[dict[str, Any]]:
        path = self.folder / name
        return [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []


@pytest.fixture
def case(pipe: Pipe) -> Case:
    return Case(pipe)


# ── bytes ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_invalid_utf8_is_archived_as_it_is_and_shown_replaced(case: Case) -> None:
    """The archive has the bytes; the rejected text has U+FFFD in their place."""
    data = b"ok 1\n\xff\xfe bad\nok 2\n"
    case.write("bad.log", data)
    case.once()
    assert case.archived("bad.log") == data
    assert case.good() == [("ok", 1), ("ok", 2)]
    assert case.bad() == [("\ufffd\ufffd bad", 5, "no_match")]


def test_nul_is_a_character_as_any_other(case: Case) -> None:
    """A NUL neither ends a record nor a string."""
    data = b"ok 1\nn\0ul 4\n\0\nok 2\n"
    case.write("bad.log", data)
    case.once()
    assert case.archived("bad.log") == data
    assert case.good() == [("ok", 1), ("ok", 2)]
    assert case.bad() == [("n\0ul 4", 5, "no_match"), ("\0", 12, "no_match")]


def test_crlf_lines_parse_as_others_and_keep_their_cr_in_the_archive(case: Case) -> None:
    """Decoders ignore one final CR; the archive does not."""
    data = b"ok 1\r\nok 2\r\n\r\n"
    case.write("bad.log", data)
    case.once()
    assert case.archived("bad.log") == data
    assert case.good() == [("ok", 1), ("ok", 2)]
    assert case.bad() == [("\r", 12, "no_match")]


def test_a_lone_cr_does_not_end_a_record(case: Case) -> None:
    """`a CR b` is one record."""
    data = b"ok 1\rok 2\nok 3\n"
    case.write("bad.log", data)
    case.once()
    assert case.archived("bad.log") == data
    assert case.good() == [("ok", 3)]
    assert case.bad() == [("ok 1\rok 2", 0, "no_match")]


def test_empty_lines_are_records(case: Case) -> None:
    """They are archived and rejected, each at its offset."""
    data = b"\n\nok 1\n\n"
    case.write("bad.log", data)
    case.once()
    assert case.archived("bad.log") == data
    assert case.good() == [("ok", 1)]
    assert case.bad() == [("", 0, "no_match"), ("", 1, "no_match"), ("", 7, "no_match")]


def test_a_file_of_newlines_is_as_many_empty_records(case: Case) -> None:
    """Nothing but newlines."""
    case.write("bad.log", b"\n" * 1000)
    case.once()
    assert case.archived("bad.log") == b"\n" * 1000
    assert case.good() == []
    assert case.bad() == [("", offset, "no_match") for offset in range(1000)]


def test_a_line_of_ten_megabytes_is_one_record(case: Case) -> None:
    """It is passed on whole; its neighbours do not suffer."""
    line = b"x" * 10_000_000
    data = b"ok 1\n" + line + b"\nok 2\n"
    case.write("bad.log", data)
    case.once()
    assert case.archived("bad.log") == data
    assert case.good() == [("ok", 1), ("ok", 2)]
    ((record, offset, reason),) = case.bad()
    assert (len(record), set(record), offset, reason) == (10_000_000, {"x"}, 5, "no_match")


def test_a_line_that_never_ends_is_archived_in_parts_and_takes_no_more_memory(pipe: Pipe) -> None:
    """400 MB without a newline, which are records of 16 MiB; in 640 MB."""
    (pipe.folder / "endless.pipe").write_text(
        'source log = file("in.log") sink all = log -> file("all.log", format: raw)'
    )
    log = pipe.folder / "in.log"
    with log.open("wb") as file:
        for _ in range(400):
            file.write(b"x" * 1_000_000)
        file.write(b"\nok\n")
    watched = (sys.executable, "-c", PEAK)
    done = pipe.run("run", "endless.pipe", "--once", "--state", "state", before=watched)
    assert done.returncode == 0, done.stderr
    assert int(done.stderr) < 640_000
    assert filecmp.cmp(log, pipe.folder / "all.log", shallow=False)


def test_a_last_line_without_newline_is_a_record_and_the_rest_of_it_another(case: Case) -> None:
    """The archive is byte-exact after each of two runs, though the line went on after the first."""
    path = case.write("bad.log", b"ok 1\nok 2")
    case.once()
    assert case.archived("bad.log") == b"ok 1\nok 2"
    assert case.good() == [("ok", 1), ("ok", 2)]
    with path.open("ab") as file:
        file.write(b"7 and more\nok 3\n")
    case.once()
    assert case.archived("bad.log") == b"ok 1\nok 27 and more\nok 3\n"
    assert case.good() == [("ok", 1), ("ok", 2), ("ok", 3)]
    assert case.bad() == [("7 and more", 9, "no_match")]


def test_an_empty_file_is_nothing(case: Case) -> None:
    """No record, no output, no complaint."""
    case.write("bad.log", b"")
    assert case.once() == ""
    assert (case.archived("bad.log"), case.good(), case.bad()) == (b"", [], [])


def test_only_an_empty_file_is_a_run_with_nothing_to_do(case: Case) -> None:
    """Exit code 0 and no output files."""
    (case.logs / "side.log").unlink()
    case.write("bad.log", b"")
    assert case.once() == ""
    assert sorted(path.name for path in case.folder.iterdir()) == ["bad_data.pipe", "in", "state"]


def test_records_of_two_logs_in_one_archive_stay_two_records(pipe: Pipe) -> None:
    """An unterminated last line is not glued to the record of another log that follows it in the archive."""
    (pipe.folder / "a.log").write_bytes(b"a 1\na 2")
    (pipe.folder / "b.log").write_bytes(b"b 1\nb 2")
    program = 'source log = file("*.log") sink all = log -> file("all.txt", format: raw)'
    assert pipe.run("run", "-e", program, "--once").returncode == 0
    assert sorted((pipe.folder / "all.txt").read_bytes().splitlines()) == [b"a 1", b"a 2", b"b 1", b"b 2"]


def test_no_member_of_a_rejected_row_is_written_twice(pipe: Pipe) -> None:
    """JSON objects have each name once, as in the rejected lines of the main job."""
    (pipe.folder / "in.log").write_bytes(b"bad\n")
    program = """
        source log = file("in.log")
        transform parsed = log | grok('^%{INT:n:int}$')
        sink bad = parsed.rejected -> file("bad.ndjson", metadata: [@raw, @error])
    """
    assert pipe.run("run", "-e", program, "--once").returncode == 0
    names = [name for name, _ in json.loads((pipe.folder / "bad.ndjson").read_bytes(), object_pairs_hook=list)]
    assert sorted(names) == ["@error", "@raw", "@timestamp"]


# ── files that are none, or not any more ─────────────────────────────────────────────────────────────────────────────


def test_a_folder_that_matches_the_glob_is_reported_once(case: Case) -> None:
    """It is no log, whatever is inside."""
    (case.logs / "bad.log").mkdir()
    (case.logs / "bad.log" / "inner.log").write_bytes(b"inner 1\n")
    told = case.once()
    assert told == 'pipe: warning: log: cannot read file path="in/bad.log" reason="is a folder"\n'
    assert (case.good(), case.bad()) == ([], [])


def test_a_fifo_and_a_socket_hold_nothing_up(case: Case) -> None:
    """Both are reported once and not opened: nobody writes to the FIFO, so an open for reading would wait for ever."""
    os.mkfifo(case.logs / "fifo.log")
    here = os.open(case.logs, os.O_RDONLY)
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(f"/proc/self/fd/{here}/sock.log")
            told = case.once()
    finally:
        os.close(here)
    assert sorted(told.splitlines()) == [
        'pipe: warning: log: cannot read file path="in/fifo.log" reason="is not a regular file"',
        'pipe: warning: log: cannot read file path="in/sock.log" reason="is not a regular file"',
    ]
    assert (case.good(), case.bad()) == ([], [])


def test_a_broken_symlink_holds_nothing_up(case: Case) -> None:
    """A name that leads nowhere is no file."""
    (case.logs / "bad.log").symlink_to("nowhere")
    case.once()
    assert (case.good(), case.bad()) == ([], [])


def test_a_symlink_to_a_log_that_also_matches_is_read_once(case: Case) -> None:
    """Two names of one file are one log."""
    case.write("bad.log", b"ok 1\n")
    (case.logs / "zz.log").symlink_to("bad.log")
    os.link(case.logs / "bad.log", case.logs / "zzz.log")
    case.once()
    assert case.good() == [("ok", 1)]


def test_a_symlink_that_leads_to_itself_holds_nothing_up(case: Case) -> None:
    """ELOOP is the error of one name, not of the run."""
    (case.logs / "loop.log").symlink_to("loop.log")
    case.once()
    assert (case.good(), case.bad()) == ([], [])


def test_a_file_without_permission_is_reported_and_read_once_it_may_be(case: Case) -> None:
    """Other logs are read; the next run with the right to read it begins at its start."""
    path = case.write("bad.log", b"ok 1\n")
    path.chmod(0)
    told = case.once(before=without_permissions())
    assert told == 'pipe: warning: log: cannot read file path="in/bad.log" reason="permission denied"\n'
    assert (case.archived("bad.log"), case.good()) == (b"", [])
    path.chmod(0o644)
    assert case.once() == ""
    assert (case.archived("bad.log"), case.good(), case.bad()) == (b"ok 1\n", [("ok", 1)], [])


def test_when_nothing_can_be_read_the_exit_code_is_66(case: Case) -> None:
    """The only log may not be read: said with its name and the reason, and nothing is written."""
    (case.logs / "side.log").chmod(0)
    done = case.pipe.run("run", "bad_data.pipe", "--once", "--state", "state", before=without_permissions())
    assert done.returncode == 66, done.stderr
    assert "side.log" in done.stderr
    assert "permission denied" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (case.folder / "good.ndjson").exists()


def test_a_file_that_vanishes_between_two_runs_is_forgotten(case: Case) -> None:
    """What was read of it stays; the next run is about the others."""
    path = case.write("bad.log", b"ok 1\nok 2\n")
    case.once()
    path.unlink()
    with (case.logs / "other.log").open("wb") as file:
        file.write(b"other 1\n")
    case.once()
    assert case.archived("bad.log") == b"ok 1\nok 2\n"
    assert case.good() == [("ok", 1), ("ok", 2), ("other", 1)]


def test_a_file_that_vanishes_while_it_is_followed_is_read_to_its_end(case: Case) -> None:
    """The open file still has what the name has not; the other log goes on."""
    path = case.write("bad.log", b"ok 1\n")
    process = case.pipe.start("run", "bad_data.pipe", "--state", "state")
    wait_until(lambda: case.archived("bad.log") == b"ok 1\n", 30, "the first line is archived")
    with path.open("ab") as file:
        path.unlink()
        file.write(b"ok 2\n")
    with (case.logs / "side.log").open("ab") as file:
        file.write(b"later 1\n")
    wait_until(lambda: case.archived("side.log") == SIDE + b"later 1\n", 30, "the other log goes on")
    wait_until(lambda: case.archived("bad.log") == b"ok 1\nok 2\n", 30, "the deleted file is read to its end")
    assert case.pipe.end(process) == 0
    rows = case.good(side=False)
    assert sorted(rows) == [("later", 1), ("ok", 1), ("ok", 2)]
    assert "Traceback" not in (case.folder / "stderr.txt").read_text()


# ── compressed files that are damaged ────────────────────────────────────────────────────────────────────────────────

LINES = b"".join(b"ok %d\n" % (number * 7919 % 100_003) for number in range(100_000))


@pytest.mark.parametrize("name", ["cut.log.1.gz", "cut.log.1.zst"])
def test_a_compressed_file_cut_in_the_middle_gives_what_it_has_and_later_the_rest(case: Case, name: str) -> None:
    """A prefix of the plain bytes is archived; when the whole file is there, all of them, none twice."""
    packed = gzip.compress(LINES) if name.endswith("gz") else zstandard.compress(LINES)
    path = case.write(name, packed[: len(packed) // 2])
    told = case.once()
    assert f'path="in/{name}" reason="ends in the middle of its compressed data"' in told
    first = case.archived(name)
    assert 100_000 < len(first) < len(LINES)
    assert LINES.startswith(first)
    path.write_bytes(packed)
    assert case.once() == ""
    assert case.archived(name) == LINES


@pytest.mark.parametrize("name", ["fake.log.1.gz", "fake.log.1.zst"])
def test_a_file_that_only_pretends_to_be_compressed_is_reported(case: Case, name: str) -> None:
    """Plain text under a packed name is no input."""
    case.write(name, b"ok 1\nok 2\n")
    told = case.once()
    kind = "gzip" if name.endswith("gz") else "zstd"
    assert (
        told
        == f'pipe: warning: log: cannot read file path="in/{name}" reason="not {kind} data, whatever its name says"\n'
    )
    assert (case.archived(name), case.good(), case.bad()) == (b"", [], [])


@pytest.mark.parametrize("name", ["flip.log.1.gz", "flip.log.1.zst"])
def test_a_compressed_file_with_a_wrong_byte_is_reported_and_holds_up_nothing(case: Case, name: str) -> None:
    """The decoder's complaint has the file's name; other logs are whole; no byte is invented before the damage."""
    zstd = zstandard.ZstdCompressor(write_checksum=True)
    packed = bytearray(gzip.compress(LINES) if name.endswith("gz") else zstd.compress(LINES))
    packed[len(packed) // 2] ^= 0xFF
    case.write(name, bytes(packed))
    told = case.once()
    assert told.startswith(f'pipe: warning: log: cannot read file path="in/{name}" reason="')
    assert case.archived(name)[:100_000] == LINES[: min(100_000, len(case.archived(name)))]
    case.good()
