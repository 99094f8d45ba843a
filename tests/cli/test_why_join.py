"""`pipe why` of a fact whose group comes out of a joined stream."""

from __future__ import annotations

import json
from pathlib import Path

from command import Pipe

PROGRAM = """
source log   = file("in.log")
source users = file("users.log")
transform told = users | grok('^%{NOTSPACE:t} %{WORD:id} %{WORD:plan}$') | set { @timestamp = time(t) } | keep(id, plan)
transform known = log | grok('^%{NOTSPACE:t} %{WORD:user}$') | set { @timestamp = time(t) } | join(told, on: user, key: id)
transform facts = known | window(1m) { n = count() by plan }
sink shown = facts -> file("facts.ndjson")
"""
LINES = ["2026-01-01T00:00:01Z ann", "2026-01-01T00:00:02Z bob", "2026-01-01T00:00:30Z ann", "2026-01-01T00:00:31Z bob"]


def test_a_fact_of_a_join_is_made_of_the_lines_that_met_it(tmp_path: Path) -> None:
    """The table is asked as it was, by the time of the lines: ann is `free` in her first and `pro` in her second."""
    pipe = Pipe(tmp_path)
    pipe.write("p.pipe", PROGRAM)
    pipe.write("in.log", "\n".join([*LINES, ""]))
    pipe.write(
        "users.log",
        "2026-01-01T00:00:00Z ann free\n2026-01-01T00:00:10Z ann pro\n2026-01-01T00:00:00Z bob free\n",
    )
    assert pipe("run", "p.pipe", "--once").returncode == 0
    facts = [json.loads(line) for line in (tmp_path / "facts.ndjson").read_text().splitlines()]
    assert {fact["by"]["plan"]: fact["value"] for fact in facts} == {"free": 3, "pro": 1}
    done = pipe("why", next(fact["id"] for fact in facts if fact["by"]["plan"] == "pro"))
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().split("\n\n")[1].splitlines() == [f"in.log:50: {LINES[2]}"]
