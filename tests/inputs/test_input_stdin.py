"""Input `stdin`: every byte that comes through a pipe, in records."""

import asyncio
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate

import pytest
from pipeline_plugins.inputs import stdin
from pipeline_plugins.inputs.stdin import Options, Stdin

from pipeline import api


class Given:
    """A standard input with a file descriptor."""

    def __init__(self, descriptor):
        self._descriptor = descriptor

    def fileno(self):
        return self._descriptor


def read(ctx):
    async def collect():
        plugin = Stdin(Options())
        await plugin.open(ctx)
        return [batch async for batch in plugin.read({})]

    return asyncio.run(collect())


@pytest.fixture
def piped(monkeypatch, world):
    """Gives the batches of what is written to standard input."""

    def batches(pieces):
        reading, writing = os.pipe()
        monkeypatch.setattr(sys, "stdin", Given(reading))

        def write():
            for piece in pieces:
                view = memoryview(piece)
                while view:
                    view = view[os.write(writing, view) :]
            os.close(writing)

        with ThreadPoolExecutor(1) as threads:
            threads.submit(write)
            found = read(world())
        os.close(reading)
        return found

    return batches


@pytest.mark.parametrize(
    ("pieces", "records", "terminated"),
    [
        ([b"a\nb\n"], [b"a", b"b"], True),
        ([], [], True),
        ([b"a\r\n\n\xff", b"\x00b\nlast"], [b"a\r", b"", b"\xff\x00b", b"last"], False),
        ([b"x" * 1_000_000] * 9 + [b"\n"], [b"x" * 9_000_000], True),
    ],
    ids=["lines", "nothing", "odd bytes", "a long line"],
)
def test_what_is_piped_in_comes_out(piped, pieces, records, terminated):
    """In order, byte for byte, with true offsets; a last line without newline is marked."""
    batches = piped(pieces)
    content = b"".join(pieces)
    found = [pair for batch in batches for pair in zip(batch.frame["@offset"], batch.frame["@raw"], strict=True)]
    assert [value for _, value in found] == records
    assert all(content[offset : offset + len(value)] == value for offset, value in found)
    assert all(batch.terminated for batch in batches) == terminated
    ends = [span.end for batch in batches for span in batch.span.values()]
    assert [span.start for batch in batches for span in batch.span.values()] == [None, *ends][: len(ends)]


def test_a_record_without_end_is_cut(piped, monkeypatch):
    """In parts of a bounded size, each but the last marked as without a newline; what follows is read as always."""
    longest = 1 << 20
    monkeypatch.setattr(stdin, "LONGEST", longest)
    batches = piped([b"first\n", b"x" * (32 << 20), b"\nlast\n"])
    found = [pair for batch in batches for pair in zip(batch.frame["@offset"], batch.frame["@raw"], strict=True)]
    *parts, end = [value for offset, value in found if value.strip(b"x") == b""]
    assert b"".join([*parts, end]) == b"x" * (32 << 20)
    assert all(longest <= len(part) <= longest + stdin._CHUNK + stdin._READ for part in parts)
    assert [value for _, value in found] == [b"first", *parts, end, b"last"]
    assert [offset for offset, _ in found] == [0, *accumulate(map(len, parts), initial=6), (32 << 20) + 7]
    assert [raw for batch in batches if not batch.terminated for raw in batch.frame["@raw"]] == parts


def test_no_standard_input_is_an_error(monkeypatch, world):
    """As in a daemon."""
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(api.NoInputError, match="no standard input"):
        read(world())


def test_partitions_of_earlier_starts_are_forgotten(monkeypatch, world):
    """Each is named until nothing is kept of it any more; the one of this start is not."""
    reading, writing = os.pipe()
    monkeypatch.setattr(sys, "stdin", Given(reading))
    os.write(writing, b"a\n")
    os.close(writing)

    async def collect():
        plugin = Stdin(Options())
        await plugin.open(world())
        (batch,) = [batch async for batch in plugin.read({"old": {"offset": 3}, "older": {"offset": 1}})]
        before = set(plugin.forgotten())
        plugin.committed({"old": None, next(iter(batch.span)): {"offset": 2}})
        return before, set(plugin.forgotten())

    assert asyncio.run(collect()) == ({"old", "older"}, {"older"})
    os.close(reading)
