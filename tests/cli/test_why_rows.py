"""`pipe why` of a fact that is made of rows which were made of a line, and `pipe audit` of those."""

from __future__ import annotations

import json
from pathlib import Path

from command import Pipe

PROGRAM = """
source log = file("in.log")
transform words = log | grok('^%{NOTSPACE:t} %{GREEDYDATA:text}$') | set { @timestamp = time(t, '%Y-%m-%dT%H:%M:%SZ') }
  | split(text, on: ' ')
transform facts = words | window(10s) { n = count() by text }
sink shown   = facts -> file("facts.ndjson")
sink doubled = words -> file("doubled.log", format: raw)
"""
LINES = ["2026-01-01T00:00:01Z a b a", "2026-01-01T00:00:02Z b", "2026-01-01T00:00:03Z c a"]
SECOND = len(LINES[0]) + 1


def ran(folder: Path) -> tuple[Pipe, str]:
    """The program has run; the id of the count of `a`."""
    pipe = Pipe(folder)
    pipe.write("p.pipe", PROGRAM)
    pipe.write("in.log", "\n".join([*LINES, ""]))
    assert pipe("run", "p.pipe", "--once").returncode == 0
    facts = [json.loads(line) for line in (folder / "facts.ndjson").read_text().splitlines()]
    assert {fact["by"]["text"]: fact["value"] for fact in facts} == {"a": 3, "b": 2, "c": 1}
    return pipe, next(fact["id"] for fact in facts if fact["by"]["text"] == "a")


def test_a_fact_is_made_of_rows_of_lines(tmp_path: Path) -> None:
    """Each with its number in the line; they give the value."""
    pipe, id = ran(tmp_path)
    done = pipe("why", id)
    assert (done.returncode, done.stderr) == (0, b"")
    third = SECOND + len(LINES[1]) + 1
    assert done.stdout.decode().split("\n\n")[1].splitlines() == [
        f"in.log:0#0: {LINES[0]}",
        f"in.log:0#2: {LINES[0]}",
        f"in.log:{third}#1: {LINES[2]}",
    ]


def test_an_output_of_rows_that_were_made_is_no_archive(tmp_path: Path) -> None:
    """It has lines several times: with the source gone, it is said that they are nowhere."""
    pipe, id = ran(tmp_path)
    (tmp_path / "in.log").unlink()
    done = pipe("why", id)
    assert done.returncode == 1
    assert b"the records of 1 batch were not found" in done.stderr


def test_rows_that_were_made_are_accounted_for(tmp_path: Path) -> None:
    """Beside those that came."""
    pipe, _ = ran(tmp_path)
    done = pipe("audit", "p.pipe", "--format", "json")
    assert done.returncode == 0
    (words,) = (stage for stage in json.loads(done.stdout)["stages"] if stage["stage"] == "words")
    assert (words["in"], words["made"], words["out"], words["filtered"], words["missing"]) == (3, 3, 6, 0, 0)
