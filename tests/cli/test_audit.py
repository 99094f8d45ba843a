"""`pipe audit`: every row is somewhere, and where one is not, it is said which."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import pytest
from command import Pipe

from pipeline.cli.audit import OUTCOMES, SOME
from pipeline.cli.snapshot import snapshot
from pipeline.proof.balance import faults

PROGRAM = """
source log = file("*.log")
transform words = log | grok('^%{WORD:w} %{INT:n:int}$') | where(n > 1)
transform facts = words | window(10s) { n = count() by w }
transform split = words | route { small = n < 5 }
sink away    = words -> null()
sink few     = split.small -> file("few.ndjson")
sink more    = split.else -> file("more/{w}.ndjson")
sink refused = words.rejected -> file("refused.txt", format: raw)
sink shown   = facts -> file("facts.ndjson")
"""
LINES = b"a 1\nb 2\n?\nc 3\nc 9\n"


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a program that was stopped: its state has committed LINES and holds those of `away`."""
    pipe = Pipe(tmp_path_factory.mktemp("stopped"))
    stop(pipe)
    return pipe.folder


def stop(pipe: Pipe) -> None:
    """Run PROGRAM until LINES are committed, and stop it."""
    pipe.write("p.pipe", PROGRAM)
    (pipe.folder / "in.log").write_bytes(LINES)
    process = pipe.start("run", "p.pipe")
    while b"in.log" not in pipe("checkpoint", "p.pipe").stdout:
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)


def told_of(folder: Path) -> list[str]:
    """What does not add up in a state; partitions are called P."""
    with snapshot(folder / ".pipe" / "p") as state:
        books = state.books()
    names = {account["partition"] for account in books["accounts"]} | {
        part["partition"] for parts in books["delivered"].values() for part in parts
    }
    said = [fault.told for fault in faults(books)]
    for name in names:
        said = [line.replace(name, "P") for line in said]
    return said


def audit(pipe: Pipe, code: int = 0) -> dict[str, Any]:
    """What the command says as JSON."""
    done = pipe("audit", "p.pipe", "--format", "json")
    assert done.returncode == code, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def change(folder: Path, sql: str) -> None:
    """Damage a state."""
    with apsw.Connection(str(folder / ".pipe" / "p" / "state.db")) as database:
        database.execute("PRAGMA foreign_keys = ON")
        database.execute(sql)
    database.close()


def test_every_row_is_somewhere(pipe: Pipe) -> None:
    """Stages, sinks and partitions with exact numbers: filtered, rejected, routed, windowed, delivered."""
    pipe.write("p.pipe", PROGRAM)
    (pipe.folder / "in.log").write_bytes(LINES)
    assert pipe("run", "p.pipe", "--once").returncode == 0
    told = audit(pipe)
    none = dict.fromkeys((*OUTCOMES, *SOME, "missing"), 0)
    assert {row.pop("stage"): row for row in told["stages"]} == {
        "log": {**none, "in": 5},
        "words": {**none, "in": 5, "out": 3, "filtered": 1, "rejected": 1},
        "facts": {**none, "in": 3, "facts": 2, "out": 2, "windowed": 3},
        "split": {**none, "in": 3, "out": 3},
        "away": {**none, "in": 3, "out": 3},
        "few": {**none, "in": 2, "out": 2},
        "more": {**none, "in": 1, "out": 1},
        "refused": {**none, "in": 1, "out": 1},
        "shown": {**none, "in": 2, "out": 2},
    }
    assert {row["sink"]: (row["out"], row["delivered"], row["held"], row["missing"]) for row in told["sinks"]} == {
        "away": (3, 3, 0, 0),
        "few": (2, 2, 0, 0),
        "more": (1, 1, 0, 0),
        "refused": (1, 1, 0, 0),
        "shown": (2, 2, 0, 0),
    }
    (part,) = told["partitions"]
    assert (part["source"], part["from"], part["to"], part["rows"]) == ("log", 0, len(LINES), 5)
    assert told["faults"] == []


def test_a_running_agent_is_audited(pipe: Pipe, started: Callable[..., subprocess.Popen[bytes]]) -> None:
    """Over its socket, and after its stop from its state: what is not delivered yet is held."""
    pipe.write("p.pipe", PROGRAM)
    (pipe.folder / "in.log").write_bytes(LINES)
    process = started("run", "p.pipe")
    while b"in.log" not in pipe("checkpoint", "p.pipe").stdout:
        assert process.poll() is None
    running = audit(pipe)
    assert process.poll() is None
    assert {row["sink"]: row["held"] for row in running["sinks"]}["away"] == 3
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert audit(pipe) == running


def test_what_is_delivered_stays_accounted_for(pipe: Pipe) -> None:
    """Segment after segment is delivered and forgotten; of a partition and sink one range remains, of all of them."""
    pipe.write("p.pipe", PROGRAM)
    with (pipe.folder / "in.log").open("wb") as log:
        for _ in range(3):
            log.write(LINES)
            log.flush()
            assert pipe("run", "p.pipe", "--once").returncode == 0
    assert audit(pipe)["partitions"][0]["to"] == 3 * len(LINES)
    with apsw.Connection(str(pipe.folder / ".pipe" / "p" / "state.db")) as database:
        rows = list(database.execute("SELECT sink, start, stop, rows FROM delivered ORDER BY sink"))
    database.close()
    whole = (0, 3 * len(LINES))
    assert rows == [("away", *whole, 9), ("few", *whole, 6), ("more", *whole, 3), ("refused", *whole, 3)]


def test_each_file_is_a_partition_of_its_own(pipe: Pipe) -> None:
    """Ranges of one file say nothing of another's."""
    pipe.write("p.pipe", PROGRAM)
    (pipe.folder / "a.log").write_bytes(b"a 2\n" * 10)
    (pipe.folder / "b.log").write_bytes(b"b 7\n" * 20)
    assert pipe("run", "p.pipe", "--once").returncode == 0
    assert sorted((row["to"], row["rows"]) for row in audit(pipe)["partitions"]) == [(40, 10), (80, 20)]
    change(pipe.folder, "DELETE FROM delivered WHERE sink = 'more' AND stop = 80")
    (gap, rows) = audit(pipe, 1)["faults"]
    assert (gap["stage"], gap["start"], gap["stop"], gap["missing"]) == ("more", 0, 80, 20)
    assert (rows["partition"], rows["missing"]) == (gap["partition"], 20)


def test_a_program_may_change(pipe: Pipe) -> None:
    """A sink that came later has what came after it; one that went away keeps its account."""
    pipe.write("p.pipe", PROGRAM)
    (pipe.folder / "in.log").write_bytes(LINES)
    assert pipe("run", "p.pipe", "--once").returncode == 0
    kept = [line for line in PROGRAM.splitlines() if not line.startswith("sink few")]
    pipe.write("p.pipe", "\n".join([*kept, 'sink late = words -> file("late.ndjson")', ""]))
    with (pipe.folder / "in.log").open("ab") as log:
        log.write(LINES)
    assert pipe("run", "p.pipe", "--once").returncode == 0
    told = audit(pipe)
    assert {row["sink"]: row["delivered"] for row in told["sinks"]} == {
        "away": 6, "few": 2, "late": 3, "more": 2, "refused": 2, "shown": 4,
    }  # fmt: skip
    change(
        pipe.folder, "UPDATE ledger SET rows = rows + 1 WHERE stage = 'late' AND outcome IN ('in', 'out', 'delivered')"
    )
    assert [fault["told"] for fault in audit(pipe, 1)["faults"]] == ["late took 4 rows, words gave 3: 1 row too many"]


@pytest.mark.parametrize(
    ("then", "told"),
    [
        ("source y = file('in.log')\nsink x = y -> file('x.txt')\n", "x was a source, and is a sink now"),
        ("source z = file('in.log')\nsink y = z -> file('x.txt')\n", "y was a transform, and is a sink now"),
        ("source z = file('in.log')\nsink o = z -> file('x.txt')\n", ""),
        ("source o = file('in.log')\nsink z = o -> file('x.txt')\n", "o was a sink, and is a source now"),
    ],
)
def test_a_name_stays_that_of_its_kind(pipe: Pipe, then: str, told: str) -> None:
    """Counts are kept under names: those of a source say nothing about a sink."""
    (pipe.folder / "in.log").write_bytes(LINES)
    pipe.write(
        "p.pipe", "source x = file('in.log')\ntransform y = x | keep(@raw)\nsink o = y -> file('o.txt', format: raw)\n"
    )
    assert pipe("run", "p.pipe", "--once").returncode == 0
    pipe.write("p.pipe", then)
    done = pipe("run", "p.pipe", "--once")
    assert (done.returncode, told in done.stderr.decode()) == ((78, True) if told else (0, True)), done.stderr
    assert not told or "of its own" in done.stderr.decode()


def test_a_sink_that_went_away_with_nothing_delivered_is_accounted_for(pipe: Pipe) -> None:
    """What it put out is held until it comes back; where that is gone, it is missing."""
    stop(pipe)
    pipe.write("p.pipe", "\n".join(line for line in PROGRAM.splitlines() if not line.startswith("sink away")) + "\n")
    assert pipe("run", "p.pipe", "--once").returncode == 0
    rows = {row["sink"]: row for row in audit(pipe)["sinks"]}
    assert rows["away"] == {"sink": "away", "out": 3, "delivered": 0, "refused": 0, "held": 3, "missing": 0}
    change(pipe.folder, "DELETE FROM segment WHERE sink = 'away'")
    assert [line for line in told_of(pipe.folder) if line.startswith("away put")] == [
        "away put out 3 rows, 0 are delivered and 0 held: 3 rows missing"
    ]


def test_a_transform_that_nothing_reads_is_no_sink(pipe: Pipe) -> None:
    """`pipe check` warns of it; its rows are not missing anywhere."""
    pipe.write("p.pipe", PROGRAM + "transform unread = words | where(n > 3)\n")
    (pipe.folder / "in.log").write_bytes(LINES)
    assert pipe("run", "p.pipe", "--once").returncode == 0
    assert "unread" not in {row["sink"] for row in audit(pipe)["sinks"]}


def test_rows_of_forgotten_partitions_stay(pipe: Pipe) -> None:
    """Every start of `stdin` is a partition; the earlier ones are forgotten, and their rows are still in the sum."""
    pipe.write("p.pipe", "source s = stdin()\nsink o = s -> file('o.txt', format: raw)\n")
    for _ in range(3):
        assert pipe("run", "p.pipe", "--once", stdin=b"x\ny\n").returncode == 0
    told = audit(pipe)
    assert [row["rows"] for row in told["partitions"] if row["partition"] == "(forgotten)"] == [4]
    assert told["sinks"] == [{"sink": "o", "out": 6, "delivered": 6, "refused": 0, "held": 0, "missing": 0}]


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        (
            "UPDATE ledger SET rows = rows - 2 WHERE stage = 'words' AND outcome = 'filtered'",
            ["words: rows do not add up, 2 rows missing"],
        ),
        (
            "UPDATE ledger SET rows = 7 WHERE stage = 'log'",
            ["words took 5 rows, log gave 7: 2 rows missing", "log: its partitions do not add up, 2 rows missing"],
        ),
        (
            "UPDATE ledger SET rows = 1 WHERE stage = 'split' AND outcome = 'out:small'",
            ["few took 2 rows, split.small gave 1: 1 row too many"],
        ),
        (
            "DELETE FROM segment WHERE sink = 'away'",
            [
                "away put out 3 rows, 0 are delivered and 0 held: 3 rows missing",
                "away has nothing of log, partition P, 0..18",
                "away: rows of log, partition P, 0..18 do not add up, 3 rows missing",
            ],
        ),
        (
            "UPDATE segment SET rows = rows + 1 WHERE sink = 'refused'",
            ["refused put out 1 row, 0 are delivered and 2 held: 1 row too many"],
        ),
        ("UPDATE range SET low = 4", ["away has nothing of log, partition P, 0..4"]),
        ("UPDATE range SET high = 10", ["away has nothing of log, partition P, 10..18"]),
        ("UPDATE range SET high = 20", ["away has log, partition P, 18..20, which was not read"]),
        ("UPDATE range SET rows = 2", ["away: rows of log, partition P, 0..18 do not add up, 1 row missing"]),
        ("UPDATE delivered SET stop = 11 WHERE sink = 'few'", ["few has nothing of log, partition P, 11..18"]),
        (
            "INSERT INTO delivered SELECT sink, partition, 8, 10, 0 FROM delivered WHERE sink = 'refused'",
            ["refused has log, partition P, 8..10 twice"],
        ),
        (
            "UPDATE progress SET position = json_set(position, '$.offset', 20)",
            ["log: log, partition P, 0..18 is accounted for, it is committed up to 20"],
        ),
        (
            "UPDATE account SET counts = json_set(counts, '$.words.rejected', 0)",
            ["words: rows of log, partition P, 0..18 do not add up, 1 row missing"],
        ),
    ],
)  # fmt: skip
def test_what_does_not_add_up_is_named(stopped: Path, tmp_path: Path, sql: str, told: list[str]) -> None:
    """Whatever is changed in a ledger: the stage, the partition and the range, and nothing else."""
    shutil.copytree(stopped, tmp_path, dirs_exist_ok=True)
    assert told_of(tmp_path) == []
    change(tmp_path, sql)
    assert told_of(tmp_path) == told


def test_an_imbalance_is_an_error(stopped: Path, tmp_path: Path) -> None:
    """Exit code 1, and what does not add up on stderr, for people and as JSON."""
    shutil.copytree(stopped, tmp_path, dirs_exist_ok=True)
    pipe = Pipe(tmp_path)
    change(tmp_path, "UPDATE range SET high = 10")
    done = pipe("audit")
    assert (done.returncode, done.stderr.count(b"\n")) == (1, 1)
    assert done.stderr.startswith(b"pipe: error: away has nothing of log, partition ")
    assert b", 10..18\n" in done.stderr
    (fault,) = audit(pipe, 1)["faults"]
    assert (fault["stage"], fault["missing"], fault["start"], fault["stop"]) == ("away", 0, 10, 18)
