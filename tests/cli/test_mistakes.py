"""Whatever somebody types: a message, advice, the right exit code, no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from command import Pipe

from pipeline.cli import main

GOOD = "source a = generate(count: 3)\nsink s = a -> null()\n"
ENDLESS = "source a = generate()\nsink s = a -> null()\n"

MISTAKES = [
    ([], 64, "Usage"),
    (["rnu", "good.pipe"], 64, "Did you mean `run`?"),
    (["--nope"], 64, "--nope"),
    (["run"], 64, "takes a program file"),
    (["run", "good.pipe", "-e", GOOD], 64, "takes a program file"),
    (["run", "good.pipe", "more"], 64, "more"),
    (["run", "good.pipe", "--once", "--timeout", "soon"], 64, "no duration"),
    (["run", "good.pipe", "--set", "x"], 64, "NAME=VALUE"),
    (["run", "good.pipe", "--set", "x=1", "--set", "x=2"], 64, "given twice"),
    (["run", "-e", GOOD, "--watch"], 64, "--watch"),
    (["run", "good.pipe", "--set", "nope=1"], 65, "nope"),
    (["run", "bad.pipe"], 65, "bad.pipe:1:"),
    (["run", "empty.pipe"], 65, "no statements"),
    (["run", "binary.pipe"], 65, "binary.pipe:2: this is not UTF-8"),
    (["run", "-e", ""], 65, "no statements"),
    (["run", "nope.pipe"], 66, "nope.pipe: No such file"),
    (["run", "."], 66, "Is a directory"),
    (["run", "no\0.pipe"], 66, "null"),
    (["run", "vanished.pipe", "--once"], 66, "nope.log"),
    (["run", "good.pipe", "--once", "--state", "good.pipe"], 73, "good.pipe"),
    (["run", "good.pipe", "--once", "--state", "good.pipe/state"], 73, "good.pipe/state"),
    (["run", "endless.pipe", "--once"], 78, "no end"),
    (["check"], 64, "Missing argument"),
    (["check", "nope.pipe"], 66, "nope.pipe"),
    (["check", "bad.pipe"], 65, "bad.pipe has"),
    (["check", "unused.pipe", "--strict"], 65, "1 warning"),
    (["fmt"], 64, "needs a file"),
    (["fmt", "bad.pipe"], 65, "left as it is"),
    (["fmt", "nope.pipe"], 66, "nope.pipe"),
    (["graph", "good.pipe", "--format", "png"], 64, "png"),
    (["graph", "bad.pipe"], 65, "bad.pipe"),
    (["explain", "bad.pipe"], 65, "bad.pipe"),
    (["query"], 64, "Missing argument"),
    (["query", ""], 65, "<query>"),
    (["query", "nope("], 65, "<query>:1:"),
    (["query", "file('nope.log')"], 66, "nope.log"),
    (["query", "generate()"], 78, "no end"),
    (["query", "generate(count: 1)", "--format", "xml"], 64, "xml"),
    (["grok"], 64, "Missing argument"),
    (["grok", "%{NOPE:x}"], 65, "NOPE"),
    (["grok", "(", "good.pipe"], 65, "pattern"),
    (["grok", "%{WORD:x}", "nope.log"], 66, "nope.log"),
    (["grok", "%{WORD:x}", "."], 66, "Is a directory"),
    (["generate", "--count", "-1"], 64, "-1"),
    (["generate", "--rate", "0"], 64, "--rate"),
    (["generate", "--count", "1", "--start", "noon"], 64, "no time"),
    (["generate", "--output", "x.log"], 64, "fill the disk"),
    (["generate", "--count", "1", "--rotate", "hourly"], 64, "--output"),
    (["generate", "--count", "1", "--output", "x.log", "--rotate", "daily"], 64, "daily"),
    (["generate", "--count", "1", "--output", "good.pipe/x.log"], 78, "good.pipe"),
    (["generate", "--mmdb", "good.pipe/x.mmdb"], 78, "good.pipe"),
    (["plugins", "groc"], 64, "did you mean `grok`?"),
    (["plugins", "--markdown", "good.pipe"], 78, "good.pipe"),
    (["top"], 64, "no state"),
    (["top", "--state", "nope"], 66, "nope"),
    (["audit", "--state", "nope"], 66, "nope"),
    (["audit", "--state", "broken"], 73, "cannot be read"),
    (["checkpoint", "nope.pipe"], 66, "nope"),
    (["dlq", "list", "nope.pipe"], 66, "nope"),
    (["dlq", "nope"], 64, "nope"),
    (["dlq", "show", "--limit", "0"], 64, "--limit"),
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with good and bad files, the current one."""
    (tmp_path / "good.pipe").write_text(GOOD)
    (tmp_path / "bad.pipe").write_text("source a = fiel('x')\nsink s = b -> null(\n")
    (tmp_path / "empty.pipe").write_text("# nothing\n")
    (tmp_path / "binary.pipe").write_bytes(b"# fine\nsource \xff\xfe = x\n")
    (tmp_path / "endless.pipe").write_text(ENDLESS)
    (tmp_path / "unused.pipe").write_text(f"{GOOD}transform t = a | keep(x)\n".replace("keep(x)", "grok('%{WORD:w}')"))
    (tmp_path / "vanished.pipe").write_text("source a = file('nope.log')\nsink s = a -> null()\n")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "state.db").write_bytes(b"not a database at all, but long enough to look" * 100)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("arguments", "code", "told"), MISTAKES, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_a_mistake_is_explained(arguments: list[str], code: int, told: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Each mistake has its exit code, names the culprit on stderr, and leaves stdout empty."""
    assert main(arguments) == code
    out, err = capfd.readouterr()
    assert told in err
    assert "Traceback" not in err
    assert out == ""


def test_a_debugger_sees_the_traceback(pipe: Pipe) -> None:
    """PIPE_DEBUG=1 adds the traceback to the message."""
    done = pipe("run", "nope.pipe", PIPE_DEBUG="1")
    assert done.returncode == 66
    assert b"Traceback" in done.stderr


def test_a_reader_that_leaves_is_no_error(pipe: Pipe) -> None:
    """When the reader of standard output goes away, the command ends quietly."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "generate", "--count", "1000"],
        stdout=writer,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_full_disk_is_told(pipe: Pipe) -> None:
    """Results that cannot be written are an error that may be tried again: 75."""
    with Path("/dev/full").open("wb") as full:
        for arguments in (["generate", "--count", "1000"], ["query", "generate(count: 10)"], ["plugins"]):
            done = subprocess.run(
                [sys.executable, "-m", "pipeline", *arguments],
                cwd=pipe.folder,
                stdout=full,
                stderr=subprocess.PIPE,
                timeout=60,
                check=False,
            )
            assert done.returncode == 75, done.stderr
            assert b"no space left" in done.stderr
            assert b"Traceback" not in done.stderr
            assert b"Exception ignored" not in done.stderr
