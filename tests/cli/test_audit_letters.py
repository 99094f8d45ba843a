"""`pipe audit` with dead letters that were put in again or removed, and with records that nobody computes."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import pytest
from command import Pipe
from test_audit import audit, change, told_of

from pipeline.cli.audit import OUTCOMES

DEADLY = '''
import os, signal
from pipeline import api

class Options(api.Options):
    pass

class Deadly(api.Filter[Options], api=1):
    """Dies of lines that say so, unless HARMLESS is set."""

    name = "deadly"
    options_model = Options
    example = ""

    def schema(self, columns: api.Columns) -> api.Columns:
        return columns

    def apply(self, batch: api.Batch) -> api.Batch:
        if "HARMLESS" not in os.environ and any(raw.startswith(b"die") for raw in batch.frame["@raw"]):
            os.kill(os.getpid(), signal.SIGKILL)
        return batch
'''

FAILING = """
source log = file("*.log")
transform words = log | deadly() | grok('^(?<w>[a-z]+) %{INT:n:int}$')
transform facts = words | window(10s) { n = count() by w }
transform split = words | route { small = n < 5 }
sink away  = words -> null()
sink few   = split.small -> file("few.ndjson")
sink more  = split.else -> file("more/{w}.ndjson")
sink shown = facts -> file("facts.ndjson")
sink all   = log -> file("all.txt", format: raw)
"""


@pytest.fixture(scope="module")
def lettered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a program that has read nine lines. Two ended the process, of which one was put in again later; five were
    rejected, of which one was removed, three were put in again, and one of these was rejected again."""
    plugin = tmp_path_factory.mktemp("plugin")
    about = plugin / "pipe_deadly-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: pipe-deadly\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[pipeline.filters]\ndeadly = pipe_deadly:Deadly\n")
    (plugin / "pipe_deadly.py").write_text(DEADLY)
    found = {"PYTHONPATH": os.pathsep.join([str(plugin), os.environ.get("PYTHONPATH", "")])}
    pipe = Pipe(tmp_path_factory.mktemp("lettered"))
    pipe.write("p.pipe", FAILING)
    (pipe.folder / "in.log").write_bytes(b"a 1\ndie 1\n? 2\n? 9\n! 4\n# 5\ndie 2\n~ 6\nb 7\n")
    code = -signal.SIGKILL
    while code == -signal.SIGKILL:
        code = pipe("run", "p.pipe", "--once", **found).returncode
    assert code == 0
    shown = pipe("dlq", "show", "p.pipe").stdout.splitlines()
    ids = {letter["@raw"]: letter["id"] for letter in map(json.loads, shown)}
    assert pipe("dlq", "drop", "p.pipe", ids["# 5"], "--yes").returncode == 0
    chosen = [ids[raw] for raw in ("? 2", "? 9", "! 4", "die 1")]
    assert pipe("dlq", "retry", "p.pipe", *chosen).stdout == b"4 dead letters are put in again by the next run\n"
    pipe.write("p.pipe", FAILING.replace("[a-z]", "[a-z?]"))
    assert pipe("run", "p.pipe", "--once", **found, HARMLESS="1").returncode == 0
    return pipe.folder


def test_dead_letters_are_accounted_for(lettered: Path, tmp_path: Path) -> None:
    """What was put in again is `in` once more, at its stage; a source gave what it read but the poison."""
    shutil.copytree(lettered, tmp_path, dirs_exist_ok=True)
    told = audit(Pipe(tmp_path))
    rows = {row["stage"]: {name: count for name, count in row.items() if count} for row in told["stages"]}
    assert {name: rows[name] for name in ("log", "words", "split", "few", "more", "away", "all")} == {
        "log": {"stage": "log", "in": 10, "poison": 2, "retried": 1},
        "words": {"stage": "words", "in": 11, "out": 5, "rejected": 6, "retried": 3, "dropped": 1},
        "split": {"stage": "split", "in": 5, "out": 5},
        "few": {"stage": "few", "in": 3, "out": 3},
        "more": {"stage": "more", "in": 2, "out": 2},
        "away": {"stage": "away", "in": 5, "out": 5},
        "all": {"stage": "all", "in": 8, "out": 8},
    }
    assert [row["missing"] for row in (*told["stages"], *told["sinks"]) if row["missing"]] == []
    assert [row["rows"] for row in told["partitions"]] == [9]
    head = Pipe(tmp_path)("audit").stdout.decode().splitlines()[0].split()
    assert head == ["stage", *OUTCOMES, "poison", "retried", "dropped", "missing"]


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        (
            "UPDATE ledger SET rows = rows - 1 WHERE stage = 'words' AND outcome = 'retried'",
            ["words took 11 rows, log gave 8, 2 were put in again: 1 row too many"],
        ),
        (
            "UPDATE ledger SET rows = rows + 1 WHERE stage = 'log' AND outcome = 'retried'",
            ["log: its partitions do not add up, 1 row too many"],
        ),
        (
            "UPDATE ledger SET rows = rows - 1 WHERE stage = 'log' AND outcome = 'poison'",
            [
                "all took 8 rows, log gave 9: 1 row missing",
                "words took 11 rows, log gave 9, 3 were put in again: 1 row missing",
            ],
        ),
        ("INSERT INTO ledger VALUES ('log', 'expired', 1), ('log', 'dropped', 1), ('words', 'expired', 1)", []),
    ],
)
def test_dead_letters_that_do_not_add_up_are_named(lettered: Path, tmp_path: Path, sql: str, told: list[str]) -> None:
    """One that was put in again and is not there, or the other way round; those that are gone for good are in no equation."""
    shutil.copytree(lettered, tmp_path, dirs_exist_ok=True)
    change(tmp_path, sql)
    assert told_of(tmp_path) == told
    audit(Pipe(tmp_path), 1 if told else 0)
