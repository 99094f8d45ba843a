"""`pipe why`: from a fact back to its lines, wherever they are by now."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest
from command import Pipe

PROGRAM = """
source log = file("in.log*")
transform words = log | grok('^%{NOTSPACE:t} %{WORD:w} %{INT:n:int}$') | set { @timestamp = time(t, '%Y-%m-%dT%H:%M:%SZ') }
transform facts = words | window(10s) {
  n     = count() by w
  best  = top(2, w) where n > 2
  total = sum(n)
}
transform wide = words | window(10s, keep: 0s) by w { n = count()  most = max(n) }
sink shown   = facts -> file("facts.ndjson")
sink wider   = wide -> file("wide.ndjson")
sink archive = [words, words.rejected] -> file("archive.log.zst", format: raw)
"""
ROWS = [("01", "a", 1), ("02", "b", 5), ("12", "a", 7), ("03", "a", 4), ("09", "c", 3), ("05", "a", 9)]
LINES = [f"2026-01-01T00:00:{second}Z {word} {number}" for second, word, number in ROWS]
NOISE = "nothing that matches " * 100
"""Longer than what a file is known by, so that a copy of it is the same file."""
LOG = "\n".join([*LINES[:2], NOISE, *LINES[2:], ""]).encode()
AT = "2026-01-01T00:00:00Z"


def offset(line: str) -> int:
    """Where a line begins in LOG."""
    return LOG.index(line.encode())


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the program has read all of LOG."""
    pipe = Pipe(tmp_path_factory.mktemp("ran"))
    pipe.write("p.pipe", PROGRAM)
    (pipe.folder / "in.log").write_bytes(LOG)
    assert pipe("run", "p.pipe", "--once").returncode == 0
    return pipe.folder


@pytest.fixture
def copy(ran: Path, tmp_path: Path) -> Iterator[Path]:
    """The same folder, to be damaged: it is put back after the test."""
    saved = shutil.copytree(ran, tmp_path / "saved")
    yield ran
    shutil.rmtree(ran)
    shutil.copytree(saved, ran)


def facts(folder: Path, name: str = "facts.ndjson") -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / name).read_text().splitlines()]


def id_of(folder: Path, metric: str, word: str | None = None, at: str = AT) -> str:
    """The id of a published fact."""
    (id,) = {
        fact["id"]
        for fact in facts(folder)
        if (fact["metric"], fact["window_start"]) == (metric, at) and (fact.get("by") or {}).get("w") == word
    }
    return str(id)


def why(folder: Path, *arguments: str, code: int = 0) -> dict[str, Any]:
    """What the command says as JSON."""
    done = Pipe(folder)("why", *arguments, "--format", "json")
    assert done.returncode == code, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_the_lines_of_a_count(ran: Path) -> None:
    """Those of its window and its group, each with file and offset; and whether they are as many as the fact says."""
    done = Pipe(ran)("why", id_of(ran, "n", "a"), "--limit", "2")
    assert (done.returncode, done.stderr) == (0, b"")
    head, shown, value = done.stdout.decode().strip().split("\n\n")
    assert head.splitlines()[:2] == [
        'fact      n {"w":"a"} of facts',
        "window    2026-01-01T00:00:00Z, part 0, revision 1",
    ]
    assert shown.splitlines() == [
        f"in.log:0: {LINES[0]}",
        f"in.log:{offset(LINES[3])}: {LINES[3]}",
        "and 1 more (--limit)",
    ]
    assert value == "value 3: 3 lines found, which give it"


@pytest.mark.parametrize(
    ("metric", "word", "value", "rows"),
    [
        ("n", "b", 1, [1]),
        ("best", "a", 2, [3, 5]),
        ("best", "b", 1, [1]),
        ("total", None, 22, [0, 1, 3, 4, 5]),
    ],
)
def test_the_lines_of_any_metric(ran: Path, metric: str, word: str | None, value: int, rows: list[int]) -> None:
    """Its `where` and its key hold for them, and they alone give its value."""
    told = why(ran, id_of(ran, metric, word))
    assert [line["raw"] for line in told["shown"]] == [LINES[row] for row in rows]
    assert [line["offset"] for line in told["shown"]] == [offset(LINES[row]) for row in rows]
    assert (told["fact"]["value"], told["given"]["value"], told["agrees"]) == (value, value, True)


def test_a_window_whose_state_is_gone(ran: Path) -> None:
    """With the time of the window it is computed again, from the same records."""
    (fact,) = (fact for fact in facts(ran, "wide.ndjson") if (fact["w"], fact["window_start"]) == ("a", AT))
    refused = Pipe(ran)("why", fact["id"])
    assert refused.returncode == 66
    assert b"give its window_start with --at" in refused.stderr
    told = why(ran, fact["id"], "--at", fact["window_start"])
    assert (told["kept"], told["lines"], told["fact"]["n"], told["fact"]["most"]) == (False, 3, fact["n"], fact["most"])


@pytest.mark.parametrize("how", ["renamed", "packed"])
def test_a_file_is_found_under_another_name(copy: Path, how: str) -> None:
    """Rotated, and rotated and compressed: the records are the same."""
    log = copy / "in.log"
    if how == "renamed":
        log.rename(copy / "in.log.1")
    else:
        (copy / "in.log.1.gz").write_bytes(gzip.compress(LOG))
        log.unlink()
    log.write_bytes(b"another file\n")
    told = why(copy, id_of(copy, "n", "a"))
    assert {row["read from"] for row in told["ranges"]} == {"the source"}
    assert (told["lines"], told["agrees"]) == (3, True)


def test_a_removed_file_is_read_from_the_archive(copy: Path) -> None:
    """Its frames have the records, and they have the offsets that they had in the file."""
    (copy / "in.log").unlink()
    told = why(copy, id_of(copy, "total"))
    assert [row["read from"] for row in told["ranges"]] == [str(copy / "archive.log.zst")]
    assert [line["place"] for line in told["shown"]] == [f"in.log:{offset(LINES[row])}" for row in (0, 1, 3, 4, 5)]
    assert told["agrees"]


def test_records_that_are_nowhere(copy: Path) -> None:
    """Neither file nor archive: the range is named, and the exit code says that the value could not be confirmed."""
    (copy / "in.log").unlink()
    (copy / "archive.log.zst").write_bytes(b"damaged")
    done = Pipe(copy)("why", id_of(copy, "n", "a"))
    assert done.returncode == 1
    assert f"0..{offset(LINES[5]):,}: not found: no file has the bytes of in.log any more" in done.stdout.decode()
    assert done.stdout.endswith(b"value 3: 0 lines found, which give nothing\n")
    assert b"the records of 1 batch were not found" in done.stderr


def test_all_revisions_and_what_was_forgotten(copy: Path) -> None:
    """A late line makes revision 2, whose lines are those of both; of batches that are forgotten, it is said."""
    late = b"2026-01-01T00:00:04Z a 2\n"
    with (copy / "in.log").open("ab") as log:
        log.write(late)
    assert Pipe(copy)("run", "p.pipe", "--once").returncode == 0
    told = why(copy, id_of(copy, "n", "a"))
    assert (told["revision"], told["lines"], told["fact"]["value"]) == (2, 4, 4)
    assert told["shown"][-1]["offset"] == len(LOG)
    with apsw.Connection(str(copy / ".pipe" / "p" / "state.db")) as database:
        database.execute("DELETE FROM origin WHERE id = 1")
    database.close()
    done = Pipe(copy)("why", id_of(copy, "n", "a"))
    assert done.returncode == 1
    assert b"value 4: 1 line found, which gives 1\n" in done.stdout
    assert b"the oldest batches were forgotten" in done.stderr


def test_a_running_agent_is_asked(pipe: Pipe, started: Callable[..., subprocess.Popen[bytes]]) -> None:
    """While it runs, also when the file is gone and its archive has not yet written the records into a frame."""
    pipe.write("p.pipe", PROGRAM)
    (pipe.folder / "in.log").write_bytes(LOG)
    process = started("run", "p.pipe")
    while not (pipe.folder / "facts.ndjson").exists() or not facts(pipe.folder):
        assert process.poll() is None
    id = id_of(pipe.folder, "n", "a")
    assert why(pipe.folder, id)["lines"] == 3
    (pipe.folder / "in.log").unlink()
    told = why(pipe.folder, id)
    assert process.poll() is None
    assert not (pipe.folder / "archive.log.zst").exists()
    assert [row["read from"] for row in told["ranges"]] == [str(pipe.folder / "archive.log.zst")]
    assert (told["lines"], told["agrees"]) == (3, True)


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["nonsense"], 64, "'nonsense' is no id of a fact"),
        (["0" * 32], 66, "no window whose state is kept has the fact 0000"),
        (["0" * 32, "--at", AT], 66, "no window of that time has the fact 0000"),
        (["0" * 32, "q.pipe"], 66, "there is no state in"),
        (["0" * 32, "q.pipe", "--state", ".pipe/p"], 73, "belongs to another program"),
    ],
)
def test_mistakes_are_explained(ran: Path, arguments: list[str], code: int, told: str) -> None:
    """What is wrong, and an exit code."""
    done = Pipe(ran)("why", *arguments)
    assert (done.returncode, done.stdout) == (code, b"")
    assert told in done.stderr.decode()


def test_a_program_that_changed_is_refused(copy: Path) -> None:
    """Its window computes something else now, so its facts are not those that were published."""
    id = id_of(copy, "n", "a")
    (copy / "p.pipe").write_text(PROGRAM.replace("top(2, w)", "top(3, w)").replace("max(n)", "min(n)"))
    done = Pipe(copy)("why", id)
    assert done.returncode == 73
    assert b"the program has changed since: facts, wide computes something else now" in done.stderr
