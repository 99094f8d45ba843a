"""Lines to measure with, each a function of its number; `python bench/samples.py KIND FILE LINES` writes a file.

Writing is left to a process of its own: a child's peak memory is never less than its parent's when it started, so what
measures must stay small. The process prints, as JSON, what is in the file, found by Python's `re` and nothing of ours.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pipeline.columns.traffic import Traffic

START = 1_790_000_000_000_000
RATE = 10_000
BLOCK = 16_384

COMBINED = re.compile(
    rb'([^ ]+) - ([^ ]+) \[([^\]]+)\] "(?:([A-Z_-]+) ([^ ]+) HTTP/([0-9.]+)|[^"]*)" ([0-9]{3}) ([0-9]+|-) "([^"]*)" "([^"]*)"'
)
"""The combined log format by hand, the way of somebody who knows this log."""


def nginx(first: int, count: int) -> bytes:
    """Traffic of a web shop in the combined log format; two lines in ten thousand are garbage."""
    return _traffic("combined", 0.0002).lines(first, count)


def clean(first: int, count: int) -> bytes:
    """The same with proper requests only: for contenders that cannot tell what is wrong with a line."""
    lines = _traffic("combined", 0.0).lines(first, count).splitlines(keepends=True)
    return b"".join(line for line in lines if (found := COMBINED.match(line)) and found[4] and found[8] != b"-")


def ndjson(first: int, count: int) -> bytes:
    """The same traffic as JSON, an object a line."""
    return _traffic("json", 0.0).lines(first, count)


@cache
def _traffic(form: Literal["combined", "json"], garbage: float) -> Traffic:
    from pipeline.columns.traffic import Traffic

    return Traffic(7, START, RATE, form, garbage=garbage)


def syslog(first: int, count: int) -> bytes:
    """What `sshd`, `cron` and `kernel` write into /var/log/messages."""
    return b"".join(_syslog(number) for number in range(first, first + count))


def _syslog(number: int) -> bytes:
    noise = _noise(number)
    host = f"web{noise % 7}"
    match noise % 3:
        case 0:
            address = f"198.18.{noise >> 8 & 255}.{noise >> 16 & 255}"
            said = (
                f"sshd[{noise % 30000 + 300}]: Failed password for root from {address} port {noise % 60000 + 1024} ssh2"
            )
        case 1:
            said = f"CRON[{noise % 30000 + 300}]: (root) CMD (/usr/local/bin/rotate --keep {noise % 30})"
        case _:
            said = f"kernel: [{noise % 10**6}.{noise % 997:06}] eth0: link is up at {noise % 10}Gbps, full duplex"
    return f"{_moment(number):%b %d %H:%M:%S} {host} {said}\n".encode()


def haproxy(first: int, count: int) -> bytes:
    """HAProxy's `option httplog` through syslog."""
    return b"".join(_haproxy(number) for number in range(first, first + count))


def _haproxy(number: int) -> bytes:
    noise, moment = _noise(number), _moment(number)
    status = (200, 200, 200, 200, 304, 404, 503)[noise % 7]
    client = f"198.18.{noise >> 8 & 255}.{noise >> 16 & 255}:{noise % 60000 + 1024}"
    times = f"{noise % 9}/0/{noise % 30}/{noise % 800}/{noise % 9 + noise % 30 + noise % 800}"
    return (
        f"{moment:%b %d %H:%M:%S} lb1 haproxy[14389]: {client} [{moment:%d/%b/%Y:%H:%M:%S}.{noise % 1000:03}] http-in "
        f"static/srv{noise % 4} {times} {status} {noise % 90000} - - ---- {noise % 90}/{noise % 80}/{noise % 40}/{noise % 20}/0 "
        f'0/0 {{shop.example.com}} {{}} "GET /product/{noise % 5000}?page={noise % 12} HTTP/1.1"\n'
    ).encode()


def keyed(keys: int) -> Callable[[int, int], bytes]:
    """The combined format with this many distinct users, each as often as the others, all within one minute."""

    def made(first: int, count: int) -> bytes:
        moment = datetime.fromtimestamp(START // 60_000_000 * 60, UTC)
        return b"".join(
            b'198.18.0.1 - user%d [%s] "GET /product/%d HTTP/1.1" 200 %d "-" "bench/1.0"\n'
            % (number * 7_368_787 % keys, f"{moment:%d/%b/%Y:%H:%M:%S} +0000".encode(), number % 50, number % 1000)
            for number in range(first, first + count)
        )

    return made


def made(kind: str) -> Callable[[int, int], bytes]:
    """The maker of a kind: the name of a function above, or `keyed-N`. Called with the first line's number and a count."""
    if kind.startswith("keyed-"):
        return keyed(int(kind.removeprefix("keyed-")))
    return {"nginx": nginx, "clean": clean, "ndjson": ndjson, "syslog": syslog, "haproxy": haproxy}[kind]


def blocks(kind: str, count: int) -> Iterator[bytes]:
    """`count` lines in blocks of about 4 MiB, as the `file` input reads them."""
    maker = made(kind)
    for first in range(0, count, BLOCK):
        yield maker(first, min(BLOCK, count - first))


def write(kind: str, path: Path, count: int, files: int = 0) -> dict[str, int]:
    """A file of such lines, made by another process; with `files`, a folder of so many that get the lines in turn.

    Gives what is in it: `lines`, `bytes` and `crc` of all, and of the combined format how many lines `matched` and the
    `volume`, the sum of the bytes sent."""
    command = [sys.executable, __file__, kind, str(path), str(count), str(files)]
    found: dict[str, int] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return found


def _noise(number: int) -> int:
    return (number * 0x9E3779B97F4A7C15 ^ number >> 7) * 0xBF58476D1CE4E5B9 >> 11 & 0xFFFFFFFF


def _moment(number: int) -> datetime:
    return datetime.fromtimestamp(START // 1_000_000 + number // RATE, UTC)


def _main() -> None:
    kind, path, count, files = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    found = {"lines": 0, "bytes": 0, "crc": 0, "matched": 0, "volume": 0}
    with ExitStack() as stack:
        if files:
            path.mkdir()
        paths = [path / f"{number:03}.log" for number in range(files)] or [path]
        opened = [stack.enter_context(each.open("wb")) for each in paths]
        for block in blocks(kind, count):
            lines = [line + b"\n" for line in block.split(b"\n")[:-1]]
            for number, file in enumerate(opened):
                file.write(block if len(opened) == 1 else b"".join(lines[number :: len(opened)]))
            sent = [m[8] for m in map(COMBINED.match, lines) if m]
            found["lines"] += len(lines)
            found["bytes"] += len(block)
            found["crc"] = zlib.crc32(block, found["crc"])
            found["matched"] += len(sent)
            found["volume"] += sum(int(size) for size in sent if size != b"-")
    print(json.dumps(found))


if __name__ == "__main__":
    _main()
