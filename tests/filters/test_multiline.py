"""multiline: which lines are one event, byte for byte, wherever batches end and whenever the clock ticks."""

from __future__ import annotations

import re

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pipeline_plugins.filters.multiline import Multiline, Options

from pipeline import api
from pipeline.columns.batch import stamp
from pipeline.testing.folds import Folded

SECOND = 1_000_000


def lines(*raws: bytes) -> api.Batch:
    """Lines, the n-th at offset 10 n."""
    offsets = pl.Series([10 * place for place in range(len(raws))], dtype=pl.Int64)
    made = api.lines(raws, offsets, partition="p", start=0, end=10 * len(raws))
    return stamp(made, source="s", host="h", now=0)


def joined(*raws: bytes, cuts: tuple[int, ...] = (), **options: object) -> list[tuple[int, bytes]]:
    """(offset, record) of each event, the last one let go at the end."""
    folded = Folded(Multiline(Options(**options)))  # type: ignore[arg-type]
    found = [folded.steps(lines(*raws), cuts), folded.finish()]
    rows = [row for frame in found if frame is not None for row in frame.select("@offset", "@raw").rows()]
    return [(int(offset), bytes(raw)) for offset, raw in rows]


def test_start_begins_an_event() -> None:
    """Lines before the first start are one, too; every byte stays, with newlines between."""
    raws = (b"tail", b"of one", b"# a\r", b" \xff1", b"", b"# b")
    assert joined(*raws, start="^#") == [(0, b"tail\nof one"), (20, b"# a\r\n \xff1\n"), (50, b"# b")]


def test_continue_goes_on_with_the_event_before() -> None:
    assert joined(b" x", b"a", b" b", b"c", **{"continue": r"^\s"}) == [(0, b" x"), (10, b"a\n b"), (30, b"c")]


def test_end_completes_an_event_at_once() -> None:
    """Nothing is held after the last line; what follows begins the next."""
    folded = Folded(Multiline(Options(end=";$")))
    assert folded.step(lines(b"a", b"b;", b"c;"))["@raw"].to_list() == [b"a\nb;", b"c;"]
    assert folded.fold.due(folded.state) is None
    assert joined(b"a", b"b;", b"c", end=";$") == [(0, b"a\nb;"), (20, b"c")]


def test_lines_and_bytes_have_a_limit() -> None:
    """What is more begins another event; a single line is never cut."""
    assert joined(b"#", b"1", b"2", b"3", start="^#", max_lines=3) == [(0, b"#\n1\n2"), (30, b"3")]
    assert joined(b"#", b"12", b"345678", b"9", start="^#", max_bytes=4) == [
        (0, b"#\n12"), (20, b"345678"), (30, b"9"),
    ]  # fmt: skip


def test_an_event_is_complete_after_the_timeout() -> None:
    """Counted from the last line that was added; the lines are held until then."""
    folded = Folded(Multiline(Options(start="^#", timeout=5 * SECOND)))
    assert folded.step(lines(b"# a"), now=SECOND).height == 0
    assert folded.step(lines(b"1"), now=4 * SECOND).height == 0
    assert folded.fold.held(folded.state) == 2
    assert folded.tick(9 * SECOND - 1) is None
    found = folded.tick(9 * SECOND)
    assert found is not None
    assert found["@raw"].to_list() == [b"# a\n1"]
    assert (folded.fold.held(folded.state), folded.fold.due(folded.state)) == (0, None)


TRACES = {
    "java": b"""2026-01-31 ERROR it failed
java.lang.IllegalStateException: no
\tat com.example.Main.run(Main.java:7)
Caused by: java.io.IOException: disk
\t... 12 more""",
    "python": b"""ERROR:root:it failed
Traceback (most recent call last):
  File "a.py", line 1, in <module>
    1 / 0
ZeroDivisionError: division by zero

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "a.py", line 3, in <module>
requests.exceptions.HTTPError: 500""",
    "go": b"""panic: runtime error: index out of range [5] with length 3

goroutine 1 [running]:
main.(*server).run(0xc000012345)
\t/app/main.go:8 +0x1d
created by main.main
\t/app/main.go:3 +0x2f
exit status 2""",
    "javascript": b"""it failed
TypeError: Cannot read properties of undefined (reading 'x')
    at run (/app/main.js:7:11) {
  code: 'E1'
}""",
}


@pytest.mark.parametrize("preset", TRACES)
def test_a_preset_keeps_a_stack_trace_together(preset: str) -> None:
    """Between two plain lines, whole."""
    raws = (b"INFO before", *TRACES[preset].split(b"\n"), b"INFO after")
    found = [raw for _, raw in joined(*raws, preset=preset)]
    assert found == [b"INFO before", TRACES[preset], b"INFO after"]


@pytest.mark.parametrize("options", [{}, {"start": "a", "end": "b"}, {"start": "a", "preset": "go"}], ids=str)
def test_one_rule_is_wanted(options: dict[str, object]) -> None:
    with pytest.raises(api.OptionError, match="one of `start`, `continue`, `end` and `preset`"):
        Multiline(Options(**options))  # type: ignore[arg-type]


def test_a_regex_that_cannot_be_used_is_refused() -> None:
    with pytest.raises(api.OptionError, match="this regex cannot be used"):
        Multiline(Options(start="(?=x)"))


def test_a_state_of_another_form_is_refused() -> None:
    fold = Multiline(Options(start="a"))
    for data, version in ((b"", 1), (b"\1" * 20, 1), (bytes(16), 2)):
        with pytest.raises(ValueError, match="not what multiline holds"):
            fold.load(data, version)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    raws=st.lists(st.sampled_from([b"#", b"# a", b" b", b"", b"cc;", b";", b"\xff"]), min_size=1, max_size=40),
    cuts=st.lists(st.integers(1, 39), max_size=8),
    rule=st.sampled_from([("start", "^#"), ("continue", r"^\s|^$"), ("end", ";$")]),
    most=st.integers(1, 5),
    room=st.integers(1, 12),
)
def test_every_line_is_joined_as_one_by_one(
    raws: list[bytes], cuts: list[int], rule: tuple[str, str], most: int, room: int
) -> None:
    """Against a loop over lines, with batches cut anywhere; and what it joins is every byte in order."""
    name, pattern = rule
    events: list[list[bytes]] = []
    ended = True
    for raw in raws:
        match = re.search(pattern, raw.decode("utf-8", "replace")) is not None
        begins = {"start": match, "continue": not match, "end": ended}[name]
        full = events and (len(events[-1]) >= most or len(b"\n".join([*events[-1], raw])) > room)
        if begins or not events or full:
            events.append([])
        events[-1].append(raw)
        ended = match
    inside = tuple(cut for cut in set(cuts) if cut < len(raws))
    found = joined(*raws, cuts=inside, max_lines=most, max_bytes=room, **{name: pattern})
    assert [raw for _, raw in found] == [b"\n".join(event) for event in events]
    assert b"\n".join(raw for _, raw in found) == b"\n".join(raws)
    assert [offset for offset, _ in found] == [10 * sum(map(len, events[:at])) for at in range(len(events))]
