"""The console: exact tables at a fixed width, lines elsewhere, nothing that talks to the terminal."""

import asyncio
import io
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import polars as pl
import pytest
from pipeline_plugins.outputs.console import Console, Options
from pipeline_plugins.outputs.console.board import Board, table
from pipeline_plugins.outputs.console.screen import Screen
from rich.console import Console as Terminal

from pipeline import api
from pipeline.env import reading
from pipeline.env.real import RealFiles
from pipeline.errors import InternalError

FACTS = api.Columns({"metric": api.STRING, "by": api.JSON, "value": api.INT, "window_start": api.TIME})


def fact(metric, by, value, start="12:00:00", **more):
    end = start[:-2] + "10"
    return {
        "id": f"{metric}{by}{start}",
        "metric": metric,
        "by": by,
        "value": value,
        "window_start": f"2026-01-31T{start}Z",
        "window_end": f"2026-01-31T{end}Z",
    } | more


def drawn(facts, width=60):
    terminal = Terminal(file=io.StringIO(), width=width, color_system=None)
    terminal.print(table(facts))
    return [line.rstrip() for line in terminal.file.getvalue().rstrip("\n").split("\n")]


def test_a_table_groups_by_metric_with_the_highest_first():
    """Metrics in the order in which they came, five rows of each, numbers with separators."""
    facts = [
        fact("requests", {"status": 404}, 12),
        fact("requests", {"status": 200}, 123456),
        fact("volume", None, 2.5),
        *(fact("top_ips", {"ip": f"10.0.0.{rank}"}, 9, rank=rank) for rank in (7, 6, 5, 4, 3, 2, 1)),
    ]
    assert drawn(facts) == [
        "2026-01-31 12:00:00 – 12:00:10 UTC",
        "metric     by           value",
        "─────────────────────────────",
        "requests   200        123,456",
        "           404             12",
        "volume                    2.5",
        "top_ips    10.0.0.1         9",
        "           10.0.0.2         9",
        "           10.0.0.3         9",
        "           10.0.0.4         9",
        "           10.0.0.5         9",
        "           … 2 more",
    ]


def test_values_cannot_talk_to_the_terminal():
    """Escapes and line breaks are spelled out, markup is text, and long values are cut to the width."""
    lines = drawn([fact("m", {"page": "\x1b[2J\n[red]"}, None, text="x"), fact("n", {"a": "y" * 90, "b": None}, 1)])
    assert lines[3:] == [
        "m        \\x1b[2J\\n[red]                                    x",
        "n        a=yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy…       1",
    ]


def test_a_board_shows_the_newest_window():
    """A newer window takes the place of the older; late revisions of an older one are not shown; revisions replace."""
    board = Board()
    assert board.add([fact("m", None, 1), fact("n", None, 5)])
    assert board.add([fact("m", None, 2)])
    assert [row["value"] for row in board.facts] == [2, 5]
    assert board.add([fact("m", None, 3, "12:00:10")])
    assert not board.add([fact("n", None, 6)])
    assert [row["value"] for row in board.facts] == [3]


class World:
    files = RealFiles()

    async def run(self, work, *arguments):
        return await asyncio.to_thread(work, *arguments)


class Given:
    """A standard output with a descriptor."""

    def __init__(self, descriptor):
        self._descriptor = descriptor

    def fileno(self):
        return self._descriptor

    def flush(self):
        pass


@pytest.fixture
def console(monkeypatch):
    """Gives what is read from standard output, a terminal or a pipe, while a console delivers frames."""

    def shown(columns, frames, *, terminal, **options):
        reading, writing = os.openpty() if terminal else os.pipe()
        monkeypatch.setattr(sys, "stdout", Given(writing))
        with ThreadPoolExecutor(1) as threads:
            read = threads.submit(whole, reading)
            try:
                asyncio.run(session(columns, frames, options))
            finally:
                os.close(writing)
            return read.result().decode().replace("\r\n", "\n")

    return shown


def whole(descriptor):
    parts = []
    try:
        while part := os.read(descriptor, 65536):
            parts.append(part)
    except OSError:  # a terminal that nobody has open any more
        pass
    os.close(descriptor)
    return b"".join(parts)


async def session(columns, frames, options):
    made = Console(Options(**options))
    made.schema(columns)
    await made.open(World())
    try:
        for frame in frames:
            data = made.encode(frame)
            assert (await made.deliver(segment(data))).accepted
    finally:
        await made.close()


def segment(data):
    return api.Segment("out", 1, name="x", rows=1, size=len(data), sha256="", ranges=(), data=data)


TIMES = pl.Series([0, 10_000_000]).cast(pl.Datetime("us", "UTC"))
ROWS = pl.DataFrame(
    {"@timestamp": TIMES, "metric": ["m", "m"], "by": ['{"k":"a"}', None], "value": [1, 2], "window_start": TIMES}
)


@pytest.mark.parametrize(
    ("terminal", "columns", "options"),
    [
        (False, FACTS, {}),
        (True, FACTS, {"format": "json"}),
        (True, api.Columns({"metric": api.STRING}), {}),
        (False, api.Columns({"metric": api.STRING}), {"format": "table"}),
    ],
    ids=["no terminal", "asked for json", "no facts", "no facts in a table"],
)
def test_lines_where_there_is_no_table(console, terminal, columns, options):
    """One JSON object a line, as `file` writes it."""
    text = console(columns, [ROWS], terminal=terminal, **options)
    assert len(text.splitlines()) == 2
    assert text.startswith('{"@timestamp":"1970-01-01T00:00:00Z","metric":"m"')


def test_a_terminal_gets_a_table(console):
    """The newest window's facts, drawn in place."""
    text = console(FACTS, [ROWS], terminal=True)
    assert "1970-01-01 00:00:10 UTC" in text
    assert '{"' not in text


def test_more_than_a_pipe_holds_comes_whole(console):
    """In order, also lines longer than what is written at once."""
    columns = api.Columns({"text": api.STRING})
    texts = [f"{number} " + "x" * (number * 7 % 9000) for number in range(2000)]
    frame = pl.DataFrame({"@timestamp": TIMES[:1].new_from_index(0, 2000), "text": texts})
    shown = console(columns, [frame, frame], terminal=False).splitlines()
    assert [json.loads(line)["text"] for line in shown] == texts * 2


@pytest.mark.parametrize("terminal", [False, True], ids=["pipe", "terminal"])
def test_a_reader_that_has_stopped_reading_holds_up_no_stop(monkeypatch, terminal):
    """A delivery can be given up at any time, it blocks no thread, and a pipe then ends with a whole line."""
    reading, writing = os.openpty() if terminal else os.pipe()
    monkeypatch.setattr(sys, "stdout", Given(writing))
    data = b"".join(b"%06d\n" % number for number in range(100_000))
    blocked, room = asyncio.Event(), Screen.room

    async def observed(screen):
        blocked.set()
        await room(screen)

    monkeypatch.setattr(Screen, "room", observed)

    async def given_up():
        made = Console(Options(format="json"))
        made.schema(FACTS)
        await made.open(World())
        delivery = asyncio.ensure_future(made.deliver(segment(data)))
        waiting = asyncio.ensure_future(blocked.wait())
        await asyncio.wait({delivery, waiting}, return_when=asyncio.FIRST_COMPLETED)
        delivery.cancel()
        await asyncio.wait({delivery})
        await made.close()
        assert delivery.cancelled()

    asyncio.run(given_up())
    os.close(writing)
    taken = whole(reading).replace(b"\r\n", b"\n")
    assert 0 < len(taken) < len(data)
    assert data.startswith(taken)
    assert terminal or taken.endswith(b"\n")


def test_no_standard_output_is_an_error(monkeypatch):
    """As in a daemon."""
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(api.ConfigurationError, match="no standard output"):
        asyncio.run(session(FACTS, [], {}))


def test_segments_are_sealed_with_every_commit():
    """What is committed is shown at once; a crash may show it twice."""
    made = Console(Options())
    assert (made.layout.roll, made.layout.in_place, made.guarantee()[0]) == (api.Roll(age=0), False, "at least once")


def test_a_segment_is_read_to_its_end_or_not_at_all(tmp_path, monkeypatch):
    """However little one read gives; a file that is shorter than the segment is an error, not fewer lines."""
    monkeypatch.setattr(reading, "PART", 3)
    (tmp_path / "body").write_bytes(b"0123456789 and what was never committed")
    segment = api.Segment("out", 1, name="x", rows=1, size=10, sha256="", ranges=(), file=tmp_path / "body")
    assert segment.read(RealFiles()) == b"0123456789"
    with pytest.raises(InternalError, match="body ends at 39 bytes, 40 were committed"):
        replace(segment, size=40).read(RealFiles())


@pytest.mark.parametrize(("height", "values"), [(24, 2), (60, 5), (10, 1)])
def test_every_metric_is_shown_on_a_small_terminal(height, values):
    """The number of values of each follows the terminal's height."""
    facts = [fact(f"m{metric}", {"k": f"v{rank}"}, 10 - rank, rank=rank) for metric in range(9) for rank in range(1, 8)]
    stream = io.StringIO()
    Terminal(file=stream, width=60).print(table(facts, height))
    lines = stream.getvalue().splitlines()
    assert [line.split()[0] for line in lines if line.startswith("m") and line[1].isdigit()] == [
        f"m{n}" for n in range(9)
    ]
    assert sum(f" v{rank} " in line for line in lines for rank in range(1, 8)) == 9 * values
