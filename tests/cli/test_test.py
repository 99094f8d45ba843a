"""`pipe test`: what it prints, writes and exits with."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from command import Pipe

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
    """Lists that are not met are written anew with the members that they had, and the tests pass then."""
    path = pipe.write("p.pipe", PROGRAM + GOOD + BAD)
    done = pipe("test", "p.pipe", "--update")
    assert done.returncode == 1
    assert done.stdout.decode().splitlines()[-2:] == ["p.pipe: 2 lists written anew", "2 tests, 1 failed"]
    assert path.read_text() == PROGRAM + GOOD + BAD.replace(
        "== [{number: 2}, {number: 3}]", "== [{number: 1}]"
    ).replace("== []", "== ['x']")
    assert pipe("test", "p.pipe").returncode == 0


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
