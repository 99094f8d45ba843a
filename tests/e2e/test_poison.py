"""A line that ends the process whenever it is computed: a supervisor starts it again, and nothing but that line is lost to it."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from faults import read, rows
from real import Pipe, wait_until

PLUGIN = '''
import os, signal
import polars as pl
from pipeline import api

class Options(api.Options):
    pass

class Touchy(api.Filter[Options], api=1):
    """Dies of some lines."""

    name = "touchy"
    options_model = Options
    example = ""

    def schema(self, columns: api.Columns) -> api.Columns:
        return columns

    def apply(self, batch: api.Batch) -> api.Batch:
        raw = set(batch.frame["@raw"])
        if b"abort" in raw:
            os.abort()
        if b"kill" in raw:
            os.kill(os.getpid(), signal.SIGKILL)
        if b"raise" in raw:
            raise ValueError("not this one")
        return batch
'''

PROGRAM = """
source log = file("in.log*")
transform parsed = log | touchy() | grok('^line %{INT:n:int}$') | set { @timestamp = time(n / 100, 'unix') }
transform facts = parsed | window(10s) { count = count()  total = sum(n) }
sink lines = parsed -> file("out/lines.log", format: raw)
sink shown = facts -> file("out/facts.ndjson")
sink all = log -> file("out/all.log", format: raw)
"""

COUNT = 5_000


@pytest.fixture
def touchy(pipe: Pipe, tmp_path_factory: pytest.TempPathFactory) -> Pipe:
    """`pipe` with a plugin that dies of lines, and PROGRAM."""
    folder = tmp_path_factory.mktemp("plugin")
    about = folder / "pipe_touchy-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: pipe-touchy\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[pipeline.filters]\ntouchy = pipe_touchy:Touchy\n")
    (folder / "pipe_touchy.py").write_text(PLUGIN)
    pipe.environment["PYTHONPATH"] = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    (pipe.folder / "p.pipe").write_text(PROGRAM)
    return pipe


def supervised(pipe: Pipe, most: int = 30) -> list[int]:
    """Run to the end, again after every death: the exit codes."""
    codes: list[int] = []
    while len(codes) < most and (not codes or codes[-1] < 0):
        done = pipe.run("run", "p.pipe", "--once")
        codes.append(done.returncode)
        assert done.returncode <= 0, done.stderr
    return codes


def log(*bad: tuple[int, bytes]) -> list[bytes]:
    records = [b"line %d" % number for number in range(COUNT)]
    for at, record in bad:
        records[at] = record
    return records


def written(records: list[bytes]) -> bytes:
    return b"".join(record + b"\n" for record in records)


def check(pipe: Pipe, records: list[bytes], *poison: bytes) -> None:
    """All outputs, exactly; the poison is nowhere in them."""
    good = [record for record in records if record.startswith(b"line")]
    assert read(pipe.folder / "out/lines.log") == written(good)
    assert read(pipe.folder / "out/all.log") == written([record for record in records if record not in poison])
    totals: dict[int, list[int]] = {}
    for record in good:
        cell = totals.setdefault(int(record[5:]) // 1000, [0, 0])
        cell[0] += 1
        cell[1] += int(record[5:])
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for fact in rows(pipe.folder / "out/facts.ndjson"):
        key = (str(fact["window_start"]), str(fact["metric"]))
        found[key] = max(found.get(key, (0, 0)), (int(str(fact["revision"])), int(str(fact["value"]))))
    values = {
        metric: [value for (_, name), (_, value) in sorted(found.items()) if name == metric]
        for metric in ("count", "total")
    }
    assert values == {
        "count": [cell[0] for _, cell in sorted(totals.items())],
        "total": [cell[1] for _, cell in sorted(totals.items())],
    }
    assert pipe.run("audit", "p.pipe").returncode == 0


def test_a_line_that_ends_the_process_is_a_dead_letter_after_a_few_restarts(touchy: Pipe) -> None:
    """5,000 records in a batch: 6 restarts, where ceil(log2(records)) + 3 would be 16."""
    records = log((2_345, b"abort"), (777, b"raise"))
    (touchy.folder / "in.log").write_bytes(written(records))
    assert supervised(touchy) == [-signal.SIGABRT] * 7 + [0]
    check(touchy, records, b"abort")
    shown = [json.loads(line) for line in touchy.run("dlq", "show", "p.pipe").stdout.splitlines()]
    assert [(letter["stage"], letter["@raw"], letter["@error"]["reason"]) for letter in shown] == [
        ("log", "abort", "poison"),
        ("parsed", "raise", "failed"),
    ]
    assert shown[1]["@error"]["detail"].split("/")[-1].startswith("pipe_touchy.py:")


def test_why_leaves_out_a_line_that_ends_the_process(touchy: Pipe) -> None:
    """The other lines of its batch give the value of their fact; the line was counted in none."""
    (touchy.folder / "in.log").write_bytes(written(log((5, b"abort"))[:100]))
    assert supervised(touchy)[-1] == 0
    ids = {str(fact["id"]) for fact in rows(touchy.folder / "out/facts.ndjson")}
    assert len(ids) == 2
    for id in ids:
        done = touchy.run("why", id)
        assert (done.returncode, done.stderr) == (0, "")
        assert "99 lines found, which give it" in done.stdout


def test_a_live_log_goes_on_behind_a_line_that_ends_the_process(touchy: Pipe) -> None:
    """Without --once: what is written meanwhile is read, and the plugin once mended takes the line."""
    records = log((5, b"kill"))
    target = touchy.folder / "in.log"
    target.write_bytes(written(records[:100]))
    out = touchy.folder / "out/lines.log"
    deaths, more = 0, 100
    process = touchy.start("run", "p.pipe")

    def done() -> bool:
        nonlocal process, deaths, more
        if process.poll() is not None:
            deaths += 1
            with target.open("ab") as file:
                file.write(written(records[more : more + 100]))
            more += 100
            process = touchy.start("run", "p.pipe")
        return read(out) == written([record for record in records[:more] if record != b"kill"])

    wait_until(done, 60, "everything but the poison is written")
    assert deaths <= 10
    assert touchy.end(process) == 0
    plugin = Path(touchy.environment["PYTHONPATH"].split(os.pathsep)[0]) / "pipe_touchy.py"
    plugin.write_text(PLUGIN.replace("os.kill(os.getpid(), signal.SIGKILL)", "pass"))
    assert touchy.run("dlq", "retry", "p.pipe", "--reason", "poison").stdout == (
        "1 dead letter is put in again by the next run\n"
    )
    assert touchy.run("run", "p.pipe", "--once").returncode == 0
    assert read(touchy.folder / "out/all.log") == written([r for r in records[:more] if r != b"kill"]) + b"kill\n"
    (letter,) = map(json.loads, touchy.run("dlq", "show", "p.pipe").stdout.splitlines())
    assert (letter["stage"], letter["@raw"], letter["tries"]) == ("parsed", "kill", 1)


def test_a_dead_letter_that_ends_the_process_again_stays(touchy: Pipe) -> None:
    """Put in again without mending anything: one more death, then it is left where it is, and said so."""
    records = log((5, b"abort"), (6, b"raise"), (7, b"raise"))
    (touchy.folder / "in.log").write_bytes(written(records))
    codes = supervised(touchy)
    touchy.run("dlq", "retry", "p.pipe", "--all")
    deaths = 0
    while (done := touchy.run("run", "p.pipe", "--once")).returncode:
        assert done.returncode == -signal.SIGABRT
        deaths += 1
    assert deaths == 2
    assert codes == [-signal.SIGABRT] * 7 + [0]
    assert "a dead letter ended the process when it was put in again, and stays where it is" in done.stderr
    check(touchy, records, b"abort")
    shown = [json.loads(line) for line in touchy.run("dlq", "show", "p.pipe").stdout.splitlines()]
    assert sorted((letter["@raw"], letter.get("tries", 0)) for letter in shown) == [
        ("abort", 0),
        ("raise", 1),
        ("raise", 1),
    ]
