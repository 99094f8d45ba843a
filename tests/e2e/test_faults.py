"""What goes wrong around a log: rotations, clocks, sizes, values, shapes of programs. An exact result."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from faults import COPY, lines, once, program, read, rows, stderr
from real import Pipe, unpacked, wait_until


def test_a_log_rotated_and_compressed_while_stopped_is_continued(pipe: Pipe) -> None:
    """A rename, a compression and a new file between two runs: each line once."""
    name = program(pipe, COPY)
    log = pipe.folder / "in.log"
    log.write_bytes(lines(1000))
    once(pipe, name)
    with log.open("ab") as file:
        file.write(lines(1000, 1000))
    (pipe.folder / "in.log.1.gz").write_bytes(gzip.compress(log.read_bytes()))
    log.unlink()
    log.write_bytes(lines(1000, 2000))
    once(pipe, name)
    assert read(pipe.folder / "out/all.log") == lines(3000)


def test_a_log_rotated_twice_while_stopped_is_continued(pipe: Pipe) -> None:
    """Two renames, the older one compressed: read oldest first."""
    name = program(pipe, COPY)
    log = pipe.folder / "in.log"
    log.write_bytes(lines(500))
    once(pipe, name)
    with log.open("ab") as file:
        file.write(lines(500, 500))
    (pipe.folder / "in.log.2.gz").write_bytes(gzip.compress(log.read_bytes()))
    os.utime(pipe.folder / "in.log.2.gz", (1_000_000_000, 1_000_000_000))
    log.unlink()
    (pipe.folder / "in.log.1").write_bytes(lines(500, 1000))
    os.utime(pipe.folder / "in.log.1", (1_000_000_100, 1_000_000_100))
    log.write_bytes(lines(500, 1500))
    once(pipe, name)
    assert read(pipe.folder / "out/all.log") == lines(2000)


TIMED = """
    source log = file("in.log")
    transform parsed = log | grok('^(?<stamp>[^ ]+) %{INT:n:int}') | set { @timestamp = time!(stamp, 'iso8601') }
    transform facts = parsed | window(10s) { lines = count() total = sum(n) }
    sink out = facts -> file("facts.ndjson")
"""


def stamped(second: int, number: int) -> bytes:
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%SZ} {number}\n".encode()


def facts(path: Path) -> dict[tuple[str, str], object]:
    """(window start, metric) → value of the highest revision, extra parts added up."""
    latest: dict[object, tuple[int, tuple[str, str], int]] = {}
    for fact in rows(path):
        key, revision = fact["id"], int(str(fact["revision"]))
        if key not in latest or latest[key][0] < revision:
            where = (str(fact["window_start"]), str(fact["metric"]))
            latest[key] = (revision, where, int(str(fact["value"])))
    found: dict[tuple[str, str], object] = {}
    for _, where, value in latest.values():
        found[where] = int(str(found.get(where, 0))) + value
    return found


def test_a_clock_that_goes_backwards_loses_no_line(pipe: Pipe) -> None:
    """Each line is in the window of its stamp, in whatever order the stamps come."""
    seconds = [1_700_000_000 + (number * 37) % 600 for number in range(3000)]
    (pipe.folder / "in.log").write_bytes(b"".join(stamped(second, 1) for second in reversed(seconds)))
    once(pipe, program(pipe, TIMED))
    expected: dict[tuple[str, str], int] = {}
    for second in seconds:
        start = f"{datetime.fromtimestamp(second // 10 * 10, UTC):%Y-%m-%dT%H:%M:%SZ}"
        for metric in ("lines", "total"):
            expected[start, metric] = expected.get((start, metric), 0) + 1
    assert facts(pipe.folder / "facts.ndjson") == expected


def test_lines_of_1970_and_2099_have_their_own_windows(pipe: Pipe) -> None:
    """A stamp from the future neither closes nor hides the windows of today."""
    now = 1_700_000_000
    data = [stamped(now, 1), stamped(4_070_908_800, 2), stamped(0, 4), stamped(now + 1, 8), stamped(now + 60, 16)]
    (pipe.folder / "in.log").write_bytes(b"".join(data))
    once(pipe, program(pipe, TIMED))
    assert facts(pipe.folder / "facts.ndjson") == {
        ("1970-01-01T00:00:00Z", "lines"): 1,
        ("1970-01-01T00:00:00Z", "total"): 4,
        ("2023-11-14T22:13:20Z", "lines"): 2,
        ("2023-11-14T22:13:20Z", "total"): 9,
        ("2023-11-14T22:14:20Z", "lines"): 1,
        ("2023-11-14T22:14:20Z", "total"): 16,
        ("2099-01-01T00:00:00Z", "lines"): 1,
        ("2099-01-01T00:00:00Z", "total"): 2,
    }


def test_a_second_run_adds_late_lines_to_windows_that_were_sent(pipe: Pipe) -> None:
    """--once closes the windows; later lines for them come as the next revision."""
    log = pipe.folder / "in.log"
    log.write_bytes(stamped(1_700_000_000, 1) + stamped(1_700_000_300, 2))
    name = program(pipe, TIMED)
    once(pipe, name)
    with log.open("ab") as file:
        file.write(stamped(1_700_000_001, 4))
    once(pipe, name)
    found = facts(pipe.folder / "facts.ndjson")
    assert found["2023-11-14T22:13:20Z", "total"] == 5
    assert found["2023-11-14T22:18:20Z", "total"] == 2


def test_once_without_any_file_is_66(pipe: Pipe) -> None:
    """No such input: said with the glob, and nothing is written."""
    told = once(pipe, program(pipe, COPY), code=66)
    assert "no file matches" in told
    assert "in.log*" in told
    assert not (pipe.folder / "out").exists()


def test_a_log_that_grows_during_once_is_read_to_the_end_it_had(pipe: Pipe) -> None:
    """The run ends although the writer does not; the next runs have the rest, each line once."""
    name = program(pipe, COPY)
    log, out = pipe.folder / "in.log", pipe.folder / "out/all.log"
    log.write_bytes(lines(50_000))
    script = (
        "import sys, time\n"
        "for n in range(50_000, 10_000_000):\n"
        " sys.stdout.write('line %09d %024d\\n' % (n, n * 7919))\n"
        " n % 500 or (sys.stdout.flush(), time.sleep(0.01))\n"
    )
    with log.open("ab") as file:
        writer = subprocess.Popen([sys.executable, "-c", script], stdout=file)
    try:
        once(pipe, name)
        first = read(out)
        assert writer.poll() is None
    finally:
        writer.kill()
        writer.wait()
    whole = log.read_bytes()
    assert len(first) >= 50_000 * 40
    assert whole.startswith(first)
    once(pipe, name)
    assert read(out) == whole


def test_two_thousand_small_files_are_read_each_once(pipe: Pipe) -> None:
    """Every line of every file, and nothing again in a second run."""
    (pipe.folder / "in").mkdir()
    for number in range(2000):
        (pipe.folder / "in" / f"f{number}.log").write_bytes(b"file %d line 1\nfile %d line 2\n" % (number, number))
    name = program(pipe, 'source log = file("in/*.log")\nsink out = log -> file("all.log", format: raw)\n')
    once(pipe, name)
    expected = sorted(b"file %d line %d" % (number, line) for number in range(2000) for line in (1, 2))
    assert sorted(read(pipe.folder / "all.log").splitlines()) == expected
    once(pipe, name)
    assert sorted(read(pipe.folder / "all.log").splitlines()) == expected


def test_five_hundred_output_paths_each_have_their_lines(pipe: Pipe) -> None:
    """More than may be open at once, commit after commit and at the stop; in source order each, compressed ones too."""
    text = (
        'source log = file("in.log")\n'
        "transform parsed = log | grok('^%{WORD:key} %{INT:n:int}$')\n"
        'sink plain = parsed -> file("plain/{key}/x.log", format: raw)\n'
        'sink packed = parsed -> file("packed/{key}.log.zst", format: raw)\n'
    )
    log = pipe.folder / "in.log"
    log.touch()
    process = pipe.start("run", program(pipe, text), "--state", "state", before=["prlimit", "--nofile=120"])
    for first in range(0, 20_000, 5_000):
        with log.open("ab") as file:
            file.write(b"".join(b"k%d %d\n" % (n % 500, n) for n in range(first, first + 5_000)))

        def copied() -> bool:
            assert process.poll() is None, stderr(pipe)
            return sum(path.stat().st_size for path in pipe.folder.glob("plain/*/x.log")) == log.stat().st_size

        wait_until(copied, 60, "every line is in its file")
    assert pipe.end(process) == 0, stderr(pipe)
    expected = {f"k{key}": b"".join(b"k%d %d\n" % (key, n) for n in range(key, 20_000, 500)) for key in range(500)}
    assert {path.parent.name: path.read_bytes() for path in (pipe.folder / "plain").rglob("x.log")} == expected
    assert unpacked(pipe.folder / "packed") == [expected[key] for key in sorted(expected, key=lambda k: f"{k}.log.zst")]


def test_more_logs_than_open_files_are_all_followed(pipe: Pipe) -> None:
    """T13: 500 logs that all grow, three times, with 64 descriptors: each line once, each file within a minute, nothing told."""
    (pipe.folder / "logs").mkdir()
    text = 'source log = file("logs/*.log")\nsink out = log -> file("out/all.log", format: raw)\n'
    process = pipe.start("run", program(pipe, text), "--state", "state", before=["prlimit", "--nofile=64"])
    expected: list[bytes] = []
    for turn in range(3):
        for number in range(500):
            made = [b"file %03d turn %d line %d" % (number, turn, line) for line in range(20)]
            expected += made
            with (pipe.folder / "logs" / f"{number:03d}.log").open("ab") as file:
                file.write(b"".join(line + b"\n" for line in made))

        def copied(count: int = len(expected)) -> bool:
            assert process.poll() is None, stderr(pipe)
            return read(pipe.folder / "out/all.log").count(b"\n") >= count

        wait_until(copied, 60, "every line was copied")
    open_files = [str(entry.readlink()) for entry in Path(f"/proc/{process.pid}/fd").iterdir()]
    assert sum(name.endswith(".log") and "/logs/" in name for name in open_files) <= 16
    assert pipe.end(process) == 0, stderr(pipe)
    assert sorted(read(pipe.folder / "out/all.log").splitlines()) == sorted(expected)
    assert stderr(pipe) == ""


@pytest.mark.parametrize("length", [200, 5_000])
def test_a_value_longer_than_a_file_name_stops_nothing(pipe: Pipe, length: int) -> None:
    """A path made of data is data: however long, the row is delivered or rejected, and the others are delivered."""
    (pipe.folder / "in.log").write_bytes(b"a 1\n" + b"x" * length + b" 2\nb 3\n")
    text = (
        'source log = file("in.log")\n'
        "transform parsed = log | grok('^%{WORD:key} %{INT:n:int}$')\n"
        'sink out = parsed -> file("out/{key}.log", format: raw)\n'
    )
    once(pipe, program(pipe, text))
    assert read(pipe.folder / "out/a.log") == b"a 1\n"
    assert read(pipe.folder / "out/b.log") == b"b 3\n"


def test_values_cannot_leave_the_folder_of_their_path(pipe: Pipe) -> None:
    """Slashes, dots, NUL and nothing at all are encoded; each row is in a file below the literal prefix."""
    values = ["../../evil", "..", ".", "/etc/passwd", "a/b", "a%2Fb", "", "é", "x\0y", "-"]
    (pipe.folder / "in.log").write_bytes(b"".join(f"[{value}]\n".encode() for value in values))
    text = (
        'source log = file("in.log")\n'
        "transform parsed = log | grok('^\\[(?<key>[^\\]]*)\\]$')\n"
        'sink out = parsed -> file("out/{key}/x.log", format: raw)\n'
    )
    once(pipe, program(pipe, text))
    files = [path for path in pipe.folder.rglob("x.log") if path.is_file()]
    assert all(path.parent.parent == pipe.folder / "out" for path in files)
    assert sorted(b"".join(path.read_bytes() for path in files).splitlines()) == sorted(
        f"[{value}]".encode() for value in values
    )
    assert all(re.fullmatch(r"[A-Za-z0-9_.=%-]+", path.parent.name) for path in files)


def test_sources_sinks_routes_and_rejects_account_for_every_line(pipe: Pipe) -> None:
    """Two sources joined, one parser, a route with a rest, rejects of all: each line in exactly the sinks it belongs to."""
    (pipe.folder / "a.log").write_bytes(b"".join(b"a %d\n" % n for n in range(1000)) + b"a broken\n")
    (pipe.folder / "b.log").write_bytes(b"".join(b"b %d\n" % n for n in range(1000)) + b"b broken\n")
    text = """
        source a = file("a.log")
        source b = file("b.log")
        transform parsed = [a, b] | grok('^%{WORD:key} %{INT:n:int}$')
        transform split = parsed | route { low = n < 100  even = n % 2 == 0 }
        sink low  = split.low -> file("low.log", format: raw)
        sink even = split.even -> file("even.log", format: raw)
        sink rest = [split.else, parsed.rejected] -> file("rest.log", format: raw)
        sink all  = [parsed, parsed.rejected] | set { tag = "x" } -> file("all.log", format: raw)
    """
    once(pipe, program(pipe, text))

    def of(name: str, key: bytes) -> list[bytes]:
        return [line[2:] for line in read(pipe.folder / name).splitlines() if line.startswith(key)]

    for key in (b"a", b"b"):
        assert of("low.log", key) == [b"%d" % n for n in range(100)]
        assert of("even.log", key) == [b"%d" % n for n in range(100, 1000, 2)]
        assert of("rest.log", key) == [*(b"%d" % n for n in range(101, 1000, 2)), b"broken"]
        assert of("all.log", key) == [*(b"%d" % n for n in range(1000)), b"broken"]
    assert pipe.run("audit", "--state", "state").returncode == 0
