"""The pages of docs/examples: each shows its program, and what the real command makes of the sample."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pages import FENCED, INDENTED, ROOT
from running import pipe

FOLDER = Path("configs", "examples")
PROGRAMS = sorted(path.stem for path in (ROOT / FOLDER).glob("*.pipe"))
SETTINGS = ("APP_LOG", "JAVA_LOG", "JAVA_ZONE", "ACCESS_LOG", "CUSTOMERS", "GEOIP_DB", "SYSLOG")
"""What programs take from the environment, in which there may be something else."""
VARYING = ("id", "host", "@received", "drift")
"""Members that differ from run to run: they are not on the pages."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the examples where the pages have them."""
    shutil.copytree(ROOT / FOLDER, tmp_path / FOLDER)
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def page(name: str) -> str:
    return (ROOT / "docs" / "examples" / f"{name}.md").read_text(encoding="utf-8")


def runs(text: str) -> list[list[str]]:
    """The words after `pipe` of every `pipe run … --once` that a page shows."""
    lines = [line.strip() for match in INDENTED.finditer(FENCED.sub("", text)) for line in match[0].splitlines()]
    words = [shlex.split(line, comments=True) for line in lines if line.startswith("pipe run ")]
    return [line[1:] for line in words if "--once" in line]


def shown(text: str) -> dict[str, str]:
    """What a page says of stdout, stderr and each file: the name follows the kind of the block. A block may have two names."""
    found = {}
    for kind, block in FENCED.findall(text):
        for name in kind.split()[1:]:
            found[name] = block
    return found


def comparable(name: str, text: str) -> object:
    """Documents without what differs from run to run, of whatever layout; other text as it is, but for the time of reading."""
    if name.endswith(".csv"):
        return [line.partition(",")[2] for line in text.splitlines()]
    return list(documents(text)) if name.endswith(".ndjson") or name == "stdout" else text


def documents(text: str) -> Iterator[dict[str, Any]]:
    decoder, at = json.JSONDecoder(parse_float=str), 0
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        row, at = decoder.raw_decode(text, at)
        varying = (*VARYING, "@timestamp") if "@error" in row else VARYING
        yield {name: value for name, value in row.items() if name not in varying}


def files(folder: Path) -> dict[str, str]:
    """Every file that a run wrote, by its path."""
    found = sorted(path for path in (folder / "out").rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in found}


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_page_has_the_whole_program(name: str) -> None:
    """The program on the page is the file, to the letter."""
    programs = [block for kind, block in FENCED.findall(page(name)) if kind == "pipe"]
    assert programs[0] == (ROOT / FOLDER / f"{name}.pipe").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_run_on_the_page_gives_what_the_page_shows(name: str, folder: Path) -> None:
    """Its output, its errors, and all of its files; and when it is called again, nothing more."""
    text = page(name)
    (words,) = runs(text)
    assert words[1] == str(FOLDER / f"{name}.pipe")
    done = pipe(folder, *words)
    assert done.returncode == 0, done.stderr
    made = files(folder)
    found = {"stdout": done.stdout, "stderr": done.stderr, **made}
    expected = shown(text)
    assert {what: comparable(what, found[what]) for what in found if found[what]} == {
        what: comparable(what, expected[what]) for what in expected
    }
    again = pipe(folder, *words)
    assert (again.returncode, again.stdout, files(folder)) == (0, "", made)


def test_the_index_has_every_program() -> None:
    """A program of the folder is in the table of the index, by its page."""
    assert [name for name in PROGRAMS if f"| [{title(name)}]({name}.md) |" not in page("README")] == []


def title(name: str) -> str:
    return page(name).partition("\n")[0].removeprefix("# ")


def test_a_database_of_ones_own_takes_the_place_of_the_sample(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With GEOIP_DB the enrichment reads that file, and has nothing to warn of."""
    assert pipe(folder, "generate", "--mmdb", "geo.mmdb").returncode == 0
    monkeypatch.setenv("GEOIP_DB", "geo.mmdb")
    done = pipe(folder, *runs(page("enrichment"))[0])
    assert (done.returncode, done.stderr) == (0, "")
    assert list(documents(done.stdout)) == list(documents(shown(page("enrichment"))["stdout"]))


def test_a_device_is_believed_while_its_clock_is_near_ours(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines of just now, read with the real clock: their own time where it is near, else the time of reading."""
    now = datetime.now(UTC)
    stamps = {
        "near": (now - timedelta(seconds=10)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "ahead": (now + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "reset": "1970-01-01T00:00:07Z",
        "none": "-",
    }
    lines = "".join(f"<131>1 {stamp} {device} app - - - x\n" for device, stamp in stamps.items())
    (folder / "devices.log").write_text(lines, encoding="utf-8")
    monkeypatch.setenv("SYSLOG", "devices.log")
    done = pipe(folder, "run", str(FOLDER / "syslog.pipe"), "--once")
    assert (done.returncode, done.stderr) == (0, "")
    archived = "".join(text for name, text in files(folder).items() if name.startswith("out/syslog/2"))
    events = {row["device"]: row for row in map(json.loads, archived.splitlines())}
    assert {device: row.get("device_time", "-") for device, row in events.items()} == stamps
    clocks = {device: row["clock"] for device, row in events.items()}
    assert clocks == {"near": "good", "ahead": "wrong", "reset": "wrong", "none": "none"}
    times = {device: row["@timestamp"] for device, row in events.items()}
    assert times == {**{device: row["@received"] for device, row in events.items()}, "near": stamps["near"]}
    counts = [json.loads(line) for line in done.stdout.splitlines()]
    assert {row["device"]: (row["messages"], row["errors"], row["doubtful"]) for row in counts} == {
        "near": (1, 1, 0), "ahead": (1, 1, 1), "reset": (1, 1, 1), "none": (1, 1, 1)
    }  # fmt: skip
