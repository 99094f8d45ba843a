"""What the tests of faults share: a program that copies a log, run to its end, and what it left behind."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from real import Pipe

COPY = 'source log = file("in.log*")\nsink out = log -> file("out/all.log", format: raw)\n'


def lines(count: int, first: int = 0) -> bytes:
    """Numbered lines of 40 bytes."""
    return b"".join(b"line %09d %024d\n" % (number, number * 7919) for number in range(first, first + count))


def program(pipe: Pipe, text: str, name: str = "faults.pipe") -> str:
    (pipe.folder / name).write_text(text)
    return name


def once(pipe: Pipe, name: str, *, code: int = 0) -> str:
    """Run to the end with the state in `state`. Gives stderr."""
    done = pipe.run("run", name, "--once", "--state", "state", timeout=110)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def read(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def rows(path: Path) -> list[Mapping[str, object]]:
    return [json.loads(line) for line in read(path).splitlines()]


def stderr(pipe: Pipe) -> str:
    return (pipe.folder / "stderr.txt").read_text()
