"""The README's own program and plugin."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
import zstandard
from pages import ROOT, blocks
from running import install, pipe

README = ROOT / "README.md"
PLUGIN = ROOT / "examples" / "plugins" / "hide"


def shown(kind: str) -> str:
    """The first block of a kind in the README."""
    return next(block for block in blocks(kind) if block.page == README).text


def test_first_program_does_what_it_says(tmp_path: Path) -> None:
    """Facts add up to the lines of the log, the kept requests are those that failed, and a second run adds nothing."""
    (tmp_path / "errors.pipe").write_text(shown("pipe"), encoding="utf-8")
    made = pipe(tmp_path, "generate", "--format", "json", "--count", "2000", "--garbage", "0.01", "-o", "shop.log")
    assert made.returncode == 0, made.stderr
    events, broken = [], 0
    for line in (tmp_path / "shop.log").read_bytes().splitlines():
        try:
            events.append(json.loads(line))
        except ValueError:
            broken += 1
    checked = pipe(tmp_path, "check", "errors.pipe")
    assert (checked.returncode, checked.stderr) == (0, "")

    first = pipe(tmp_path, "run", "errors.pipe", "--once")
    assert (first.returncode, first.stderr) == (0, "")
    failed = [event for event in events if event["status"] >= 500]
    assert sum(json.loads(line)["failed"] for line in first.stdout.splitlines()) == len(failed) > 0
    kept = tmp_path / "out" / "failed.ndjson.zst"
    data = kept.read_bytes()
    rows = zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True).read().splitlines()
    assert [json.loads(row)["request"] for row in rows] == [event["request"] for event in failed]

    second = pipe(tmp_path, "run", "errors.pipe", "--once")
    assert (second.returncode, second.stdout, kept.read_bytes()) == (0, "", data)
    audit = json.loads(pipe(tmp_path, "audit", "errors.pipe", "--format", "json").stdout)
    assert broken > 0
    assert [row["rejected"] for row in audit["stages"] if row["stage"] == "requests"] == [broken]
    assert audit["faults"] == []


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder that looks as if the README's plugin were installed there."""
    project = tomllib.loads((PLUGIN / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return install(tmp_path / "site", project["name"], project["entry-points"], "pipe_hide", shown("python"))


def test_plugin_in_the_readme_is_the_example() -> None:
    """The README shows the whole of the example's file and the entry point of its pyproject.toml, in about 30 lines."""
    code = shown("python")
    assert code == (PLUGIN / "pipe_hide.py").read_text(encoding="utf-8")
    assert len(code.splitlines()) <= 33
    assert shown("toml") in (PLUGIN / "pyproject.toml").read_text(encoding="utf-8")


def test_plugin_runs(installed: Path, tmp_path: Path) -> None:
    """Once installed, the filter is a name in programs, with a page and checked options."""
    program = """
source lines = stdin()
transform safe = lines | json() | hide(url, /(q|token)=[^&]+/, mask: '$1=***')
sink out = safe -> console()
"""
    done = pipe(
        tmp_path, "run", "-e", program, "--once", stdin=b'{"url":"/?token=abc&page=2"}\n{"url":7}\n', path=installed
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert [json.loads(line).get("url") for line in done.stdout.splitlines()] == ["/?token=***&page=2", None]

    page = pipe(tmp_path, "plugins", "hide", path=installed).stdout
    assert page.startswith("# filter `hide`\n\nReplaces what a regex finds in a text.")
    assert "| `mask` | string | `***` |" in page

    wrong = pipe(tmp_path, "run", "-e", program.replace("json()", "grok('%{INT:url:int}')"), path=installed)
    assert wrong.returncode == 65
    assert "hide changes texts, and this is of type int" in wrong.stderr


def test_example_of_the_plugin_runs(installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example in the plugin's file is a program that runs."""
    monkeypatch.syspath_prepend(str(installed))
    import pipe_hide

    done = pipe(tmp_path, "run", "-e", pipe_hide.Hide.example, "--once", path=installed)
    assert (done.returncode, done.stderr) == (0, "")
    assert 95 <= len(done.stdout.splitlines()) <= 100
