"""`pipe test`: what it prints, writes and exits with."""

from __future__ import annotations

import re
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from command import Pipe

CONFIGS = Path(__file__).parents[2] / "configs"

PROGRAM = """\
let n = 1

source log = file("a.log")

transform parsed = log | grok('^%{INT:number:int} %{WORD:word}$')

sink kept = parsed -> file("kept.ndjson")
"""
GOOD = """
test "good lines" {
  given log: ['1 a']
  expect kept has n
}
"""
BAD = """
test "bad lines" {
  given log: ['1 a', 'x']
  expect kept == [{number: 2}, {number: 3}]
  expect parsed.rejected == []
}
"""


def test_passing(pipe: Pipe) -> None:
    """Each test and a summary go to stdout; the exit code is 0, and nothing is written anywhere."""
    pipe.write("p.pipe", PROGRAM + GOOD)
    done = pipe("test", "p.pipe")
    assert (done.returncode, done.stdout.decode()) == (0, "ok    p.pipe: good lines\n1 test, all passed\n")
    assert sorted(path.name for path in pipe.folder.iterdir()) == ["p.pipe"]


def test_failing(pipe: Pipe) -> None:
    """A failing test ends with 1, after the others were run, in files of which some include others."""
    pipe.write("p.pipe", PROGRAM + GOOD)
    pipe.write("q.pipe", 'include "p.pipe"\n' + BAD)
    done = pipe("test", "q.pipe", "--filter", "lines")
    said = done.stdout.decode().splitlines()
    assert done.returncode == 1
    assert [line for line in said if not line.startswith(" ")] == [
        "ok    p.pipe: good lines",
        "FAIL  q.pipe: bad lines",
        "2 tests, 1 failed",
    ]
    assert "  q.pipe:5:3: error P507: expectation of kept not met: it has other events than the 2 of the list" in said


def test_filter(pipe: Pipe) -> None:
    """Only tests with the text in their names are run; where there are none, the exit code is 66."""
    pipe.write("p.pipe", PROGRAM + GOOD + BAD)
    done = pipe("test", "p.pipe", "--filter", "good")
    assert (done.returncode, done.stdout.decode()) == (0, "ok    p.pipe: good lines\n1 test, all passed\n")
    none = pipe("test", "p.pipe", "--filter", "other")
    assert (none.returncode, none.stderr.decode()) == (
        66,
        "pipe: error: there is no test in p.pipe with 'other' in its name\n",
    )


def test_a_program_with_errors(pipe: Pipe) -> None:
    """No test is run, and the exit code is 65."""
    pipe.write("p.pipe", PROGRAM + "test 'x' { expect nobody is empty }\n")
    done = pipe("test", "p.pipe")
    assert (done.returncode, done.stdout) == (65, b"")
    assert b"error P501: there is no node `nobody`" in done.stderr


def test_settings(pipe: Pipe) -> None:
    """`--set` is for the program and its tests."""
    pipe.write("p.pipe", PROGRAM + GOOD)
    assert pipe("test", "p.pipe", "--set", "n=2").returncode == 1


def test_junit(pipe: Pipe) -> None:
    """One suite a file, one case a test, with what is printed for one that fails."""
    pipe.write("p.pipe", PROGRAM + GOOD + BAD)
    pipe("test", "p.pipe", "--junit", "report.xml")
    root = ET.parse(pipe.folder / "report.xml").getroot()
    (suite,) = root
    assert (suite.get("name"), suite.get("tests"), suite.get("failures")) == ("p.pipe", "2", "1")
    good, bad = suite
    assert (good.get("name"), good.get("classname"), good.get("line"), list(good)) == ("good lines", "p.pipe", "9", [])
    (failure,) = bad
    assert failure.get("message") == "it has other events than the 2 of the list"
    assert "rejected 1 by grok: no_match (no match), such as 'x'" in (failure.text or "")


def test_update(pipe: Pipe) -> None:
    """Lists that are not met are rewritten with the members that they had, and the tests pass then."""
    path = pipe.write("p.pipe", PROGRAM + GOOD + BAD)
    done = pipe("test", "p.pipe", "--update")
    assert done.returncode == 1
    assert done.stdout.decode().splitlines()[-2:] == ["p.pipe: 2 lists rewritten", "2 tests, 1 failed"]
    assert path.read_text() == PROGRAM + GOOD + BAD.replace(
        "== [{number: 2}, {number: 3}]", "== [{number: 1}]"
    ).replace("== []", "== ['x']")
    assert pipe("test", "p.pipe").returncode == 0


def test_update_with_numbers_that_the_language_cannot_write(pipe: Pipe) -> None:
    """The program is one again, and its tests pass."""
    path = pipe.write(
        "p.pipe",
        """\
source log = stdin(codec: json)

sink kept = log -> console()

test 'large' {
  given log: ['{"a": 99999999999999999999, "b": -9223372036854775809, "c": 1e300, "d": 9007199254740993.0, "e": [1.10]}']
  expect kept == [{a: 1, b: 1, c: 1, d: 1, e: 1}]
}
""",
    )
    path.chmod(0o640)
    assert pipe("test", "p.pipe", "--update").returncode == 1
    assert (
        path.read_text().partition("expect kept == ")[2]
        == """\
[
    {a: parse_json('99999999999999999999'), b: parse_json('-9223372036854775809'), c: float('1e+300'), d: 9007199254740992.0, e: [1.1]},
  ]
}
"""
    )
    assert (path.stat().st_mode & 0o777, [one.name for one in pipe.folder.iterdir()]) == (0o640, ["p.pipe"])
    assert pipe("test", "p.pipe").returncode == 0


@pytest.mark.parametrize("other", [("--filter", "x"), ("--junit", "x.xml"), ("--update",)])
def test_record_runs_no_tests(pipe: Pipe, other: tuple[str, ...]) -> None:
    pipe.write("p.pipe", PROGRAM)
    pipe.write("sample.log", "1 a\n")
    done = pipe("test", "p.pipe", "--record", "log=sample.log", *other)
    told = f"pipe: error: --record runs no tests, and {other[0]} is about tests that run\n"
    assert (done.returncode, done.stdout) == (64, b"")
    assert done.stderr.decode().startswith(told)


def test_record(pipe: Pipe) -> None:
    """A test made of the lines of a file; it passes with the program that it was made with."""
    path = pipe.write("p.pipe", PROGRAM)
    pipe.write("sample.log", "1 a\nit's\n")
    done = pipe("test", "p.pipe", "--record", "log=sample.log")
    assert (done.returncode, done.stdout.decode()) == (
        0,
        """\
test 'recorded from sample.log' {
  given log: ['1 a', 'it''s'] at '2026-01-01T00:00:00Z'
  advance 1h
  expect kept == [{number: 1, word: 'a'}]
}
""",
    )
    path.write_text(PROGRAM + "\n" + done.stdout.decode())
    assert pipe("test", "p.pipe").returncode == 0
    assert pipe("test", "p.pipe", "--record", "nobody=sample.log").returncode == 64


def test_record_of_standard_input(pipe: Pipe) -> None:
    """`-` is standard input, of which as many lines are taken as asked for."""
    pipe.write("p.pipe", PROGRAM)
    done = pipe("test", "p.pipe", "--record", "log=-", "--count", "2", stdin=b"1 a\n2 b\n3 c\n")
    assert done.stdout.decode().splitlines()[:2] == [
        "test 'recorded from standard input' {",
        "  given log: ['1 a', '2 b'] at '2026-01-01T00:00:00Z'",
    ]


def test_record_of_a_program_that_runs(pipe: Pipe, started: Callable[..., subprocess.Popen[bytes]]) -> None:
    """The first records that it reads from now on, and how many came; the test that they make passes."""
    path = pipe.write("p.pipe", PROGRAM)
    log = pipe.folder / "a.log"
    log.write_bytes(b"1 a\n")
    running = started("run", "p.pipe")
    while not (pipe.folder / "kept.ndjson").exists():
        assert running.poll() is None
    recording = started("test", "p.pipe", "--record", "log", "--count", "2", "--for", "60s")
    while recording.poll() is None:
        with log.open("ab") as file:
            file.write(b"2 b\n" * 20)
        with suppress(subprocess.TimeoutExpired):
            recording.wait(0.05)
    told, said = recording.communicate()
    assert told.decode().splitlines()[:2] == [
        "test 'recorded from log' {",
        "  given log: ['2 b', '2 b'] at '2026-01-01T00:00:00Z'",
    ]
    assert re.match(rb"pipe: log: 2 of \d+0 records that came\npipe: they are written as they came", said)
    assert running.poll() is None
    path.write_text(PROGRAM + "\n" + told.decode())
    assert pipe("test", "p.pipe").returncode == 0


def test_record_of_a_program_that_does_not_run(pipe: Pipe) -> None:
    """The error says what to do instead."""
    pipe.write("p.pipe", PROGRAM)
    pipe.write("a.log", "1 a\n")
    assert pipe("run", "p.pipe", "--once").returncode == 0
    done = pipe("test", "p.pipe", "--record", "log")
    assert done.returncode == 66
    assert b"no pipe is running on" in done.stderr
    assert b"Start it with `pipe run`, or name a file: SOURCE=FILE." in done.stderr


def test_the_main_job_records_and_accepts(pipe: Pipe) -> None:
    """Of configs/nginx.pipe: a recorded test holds, and where its lists are wrong `--update` makes them those of the record."""
    made = pipe("generate", "--count", "20").stdout
    main = str(CONFIGS / "nginx.pipe")
    recorded = pipe("test", main, "--record", "access=-", "--count", "20", stdin=made).stdout.decode()
    assert recorded.count("metric: 'requests'") >= 2
    path = pipe.write("main.pipe", f'include "{main}"\n\n{recorded}')
    assert pipe("test", "main.pipe").returncode == 0
    text = path.read_text()
    path.write_text(text.replace("metric: 'requests'", "metric: 'request'"))
    assert pipe("test", "main.pipe", "--update").returncode == 1
    assert path.read_text() == text
