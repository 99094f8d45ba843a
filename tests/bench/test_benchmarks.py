"""Every benchmark runs, and ends when an answer is wrong. Figures are not looked at: they mean nothing on a busy machine."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench"
sys.path.insert(0, str(BENCH))

import report  # noqa: E402 — a script's folder
from measure import Contender, Spread, alternate, measured, timed  # noqa: E402

ROWS = {
    "seed_job": {"`zstd -1`", "nine facts", "with GeoIP and user agents", "cores: 1", "10,000 lines/s, nine facts"},
    "scan": {
        "Python `re`, by hand",
        "Polars' regex, by hand",
        "`zstd -1`",
        "pipe, engine polars",
        "pipe, engine python",
    },
    "windows": {"Polars `group_by`, by hand", "Python `Counter`"},
    "sessions": {"Polars, sorted and grouped by hand", "Python, row by row"},
    "json_lines": {"Python `json.loads`", "Polars `read_ndjson`", "`zstd -1`"},
    "filters": {"Python `str.split`", "sample", "flatten"},
    "folds": {"Python `set`", "`dedupe` by an address", "`cluster` of paths", "Python `re`, joined", "`unsplit`"},
    "record_codecs": {"Python `json.loads`", "Python `csv.reader`", "Python `json.dumps`", "Python `csv.writer`"},
    "encoders": {"`zstd -1`", "Python `join` and `zstandard`", "Python `json.dumps`"},
    "functions": {"`abs`", "`join`", "`year`"},
    "events": {"`api.Filter`, columns", "`api.EventFilter`, one event at a time"},
    "scaling": {"1,000", "10", "50", "3"},
    "durability": {"as it is", "nothing made durable", "the run above"},
}
TABLES = {
    "seed_job": 3,
    "scan": 5,
    "windows": 1,
    "sessions": 1,
    "json_lines": 1,
    "filters": 3,
    "events": 1,
    "folds": 2,
    "record_codecs": 2,
    "encoders": 2,
    "functions": 1,
    "scaling": 5,
    "durability": 2,
}


@pytest.mark.skipif(
    shutil.which("zstd") is None, reason="zstd is the reference of the benchmarks, and is not installed"
)
@pytest.mark.parametrize("name", ROWS)
def test_benchmark_runs(name: str) -> None:
    """In its quick mode it checks all answers and gives its tables, a row for each contender."""
    command = [sys.executable, str(BENCH / f"{name}.py"), "--quick", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    section = report.Section.loads(done.stdout)
    assert len(section.tables) == TABLES[name]
    assert ROWS[name] <= {row[0] for table in section.tables for row in table.rows}
    assert all(len(row) == len(table.columns) for table in section.tables for row in table.rows)
    assert all(row[1] not in ("", "0", "0.00") for table in section.tables[:1] for row in table.rows)


def test_every_function_is_measured() -> None:
    """Each function of the language has a call of its own; `env` is known before there are values."""
    from function_calls import CALLS

    from pipeline.plan.catalog import Catalog

    assert CALLS.keys() ^ set(Catalog.installed().names("functions")) == {"env"}
    assert [name for name, call in CALLS.items() if f"{name}(" not in call] == []


def test_every_codec_is_measured() -> None:
    """Those that read and those that write."""
    from record_codecs import DECODED, ENCODED

    from pipeline.plan.catalog import Catalog

    catalog = Catalog.installed()
    known = [catalog.codec(name) for name in catalog.names("codecs")]
    assert set(DECODED) == {codec.name for codec in known if codec.decodes()}
    assert set(ENCODED) == {codec.name for codec in known if codec.encodes()}


def test_all_makes_the_page() -> None:
    """The page has the machine, a section for each benchmark with its command, and says when its figures mean nothing."""
    command = [sys.executable, str(BENCH / "all.py"), "--quick", "--only", "timestamps"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    headings = [line for line in done.stdout.splitlines() if line.startswith("#")]
    assert headings == ["# Performance", "## Timestamps", "## How it is measured"]
    assert "This was a quick run" in done.stdout
    assert "    python bench/timestamps.py" in done.stdout
    assert "| Polars `strptime` |" in done.stdout
    assert "| Python `datetime.strptime` |" in done.stdout


def test_failed_benchmark_fails_the_whole(tmp_path: Path) -> None:
    """Nothing is written over the page when a benchmark ended with an error."""
    for script in BENCH.glob("*.py"):
        shutil.copy(script, tmp_path)
    (tmp_path / "timestamps.py").write_text("raise SystemExit('wrong answer')")
    command = [sys.executable, str(tmp_path / "all.py"), "--quick", "--write", "--only", "timestamps"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 1
    assert "failed: timestamps" in done.stderr
    assert not (tmp_path.parent / "docs" / "performance.md").exists()


def test_peer_is_skipped_where_it_is_not_installed(tmp_path: Path) -> None:
    """A quick run installs nothing: it says that the peer is skipped."""
    for script in BENCH.glob("*.py"):
        shutil.copy(script, tmp_path)
    command = [sys.executable, str(tmp_path / "peer.py"), "--quick"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert "Skipped: it is not installed" in done.stdout


def test_wrong_answer_ends_a_benchmark() -> None:
    """A contender that is fast and wrong has no figure."""
    right = Contender("right", 3, lambda: [1, 2, 3], sum, 6)
    wrong = Contender("wrong", 3, lambda: [1, 2], sum, 6)
    assert [len(costs) for costs in alternate([right], 2, "test").values()] == [2]
    with pytest.raises(SystemExit, match="wrong: wrong answer 3, expected 6"):
        alternate([right, wrong], 1, "test")


def test_wrong_facts_end_the_seed_job(tmp_path: Path) -> None:
    """Facts that do not add up to the lines of the log are noticed, and so is an archive with other bytes."""
    import jobs
    import zstandard

    (tmp_path / "out" / "raw").mkdir(parents=True)
    (tmp_path / "out" / "facts.ndjson").write_text(
        '{"id":"a","revision":1,"metric":"requests","value":1}\n'
        '{"id":"a","revision":2,"metric":"requests","value":2}\n'
        '{"id":"b","revision":1,"metric":"volume","value":7}\n'
    )
    (tmp_path / "out" / "raw" / "1.zst").write_bytes(zstandard.compress(b"one\ntwo\n"))
    log = tmp_path / "log"
    log.write_bytes(b"one\ntwo\n")
    size, crc = jobs.beginning(log, 8)
    jobs.verify(tmp_path, {"matched": 2, "volume": 7, "bytes": size, "crc": crc})
    with pytest.raises(SystemExit, match="requests: wrong, 2 instead of 3"):
        jobs.verify(tmp_path, {"matched": 3, "volume": 7, "bytes": size, "crc": crc})
    with pytest.raises(SystemExit, match="the archive's bytes and checksum: wrong"):
        jobs.verify(tmp_path, {"matched": 2, "volume": 7, "bytes": size, "crc": crc + 1})


def test_costs_include_children() -> None:
    """CPU of a process that is started is counted, and a command that fails ends the benchmark."""
    burn = [sys.executable, "-c", "sum(range(3_000_000))"]
    cost, inner = timed(lambda: measured(burn))
    assert 0 < inner.cpu <= cost.cpu * 1.01
    with pytest.raises(SystemExit, match="failed with 3"):
        measured([sys.executable, "-c", "raise SystemExit(3)"])


def test_spread_and_tables() -> None:
    """Medians with their range; a row needs as many cells as there are columns; JSON gives the same section back."""
    assert Spread.of([3, 1, 2]).text() == "2 (1 – 3)"
    assert Spread.of([1.234]).text(".2f") == "1.23"
    table = report.Table("T", ["", "a"], note="N")
    table.add("x|y", "1")
    with pytest.raises(ValueError, match="1 cells for 2 columns"):
        table.add("x")
    assert table.markdown() == "**T**\n\n|  | a |\n|---|---:|\n| x&#124;y | 1 |\n\nN"
    section = report.Section("S", "about", [table])
    assert report.Section.loads(section.dumps()).markdown() == section.markdown()
