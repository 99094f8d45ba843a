"""The log of the engine and the figures of its nodes."""

from __future__ import annotations

import asyncio
import threading

import pytest

from pipeline.agent.telemetry import LIMIT, LONGEST, Journal, NodeLog, NodeMeter, PluginMeter
from pipeline.testing.life import EPOCH

MINUTE = 60.0


class Time:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> int:
        return EPOCH + int(self.seconds * 1e6)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("message", "fields", "line"),
    [
        ("it broke", {}, "pipe: error: node: it broke"),
        ("it broke", {"why": 'a "b"\n\x1b[31m', "n": 3}, r'pipe: error: node: it broke why="a \"b\"\n\u001b[31m" n=3'),
        ("two\nlines \x1b[31m\u202e", {}, r"pipe: error: node: two\nlines \x1b[31m\u202e"),
        ("a level", {"level": "info", "a\nb": None}, r'pipe: error: node: a level level="info" a\nb=null'),
        ("m" * 600, {"f": "f" * 600}, f'pipe: error: node: {"m" * LONGEST}… f="{"f" * LONGEST}\\u2026"'),
    ],
    ids=["plain", "fields", "control characters", "names", "long"],
)
def test_an_event_is_a_line(message: str, fields: dict[str, object], line: str) -> None:
    """Nothing that comes from data can begin a line, reach the terminal or fill the log."""
    said: list[str] = []
    Journal(said.append, Time()).say("error", "node", message, fields)
    assert said == [line]


def test_a_field_may_be_called_message() -> None:
    """Fields of the log have any name."""
    said: list[str] = []
    NodeLog(Journal(said.append, Time()), "node").info("it broke", message="why", self=1)
    assert said == ['pipe: info: node: it broke message="why" self=1']


def test_what_was_held_back_is_told_when_the_minute_is_over() -> None:
    """At most LIMIT of a message; the next one to speak, whoever it is, tells how many more there were."""
    said: list[str] = []
    time = Time()
    journal = Journal(said.append, time)
    for number in range(LIMIT + 25):
        journal.say("warning", "a", "full", {"n": number})
    journal.say("warning", "b", "full", {})
    assert said == [f"pipe: warning: a: full n={n}" for n in range(LIMIT)] + ["pipe: warning: b: full"]
    time.seconds = MINUTE
    del said[:]
    journal.say("info", "c", "hello", {})
    assert said == ["pipe: warning: a: full held_back=25", "pipe: info: c: hello"]
    journal.close()
    assert len(said) == 2


def test_what_was_held_back_is_told_at_the_end() -> None:
    """Nobody needs to speak again."""
    said: list[str] = []
    journal = Journal(said.append, Time())
    for _ in range(LIMIT + 1):
        journal.say("warning", "", "full", {})
    journal.close()
    assert said[LIMIT:] == ["pipe: warning: full held_back=1"]


def test_threads_speak_one_after_the_other() -> None:
    """Who speaks while a line is being written waits until it is."""
    said: list[str] = []

    def write(line: str) -> None:
        if not said:
            second.start()
            second.join(0.2)
            said.append("is waiting" if second.is_alive() else "was not kept")
        said.append(line)

    journal = Journal(write, Time())
    second = threading.Thread(target=journal.say, args=("info", "", "second", {}))
    journal.say("info", "", "first", {})
    second.join()
    assert said == ["is waiting", "pipe: info: first", "pipe: info: second"]


def test_a_meter_adds_counts_and_keeps_the_last_gauge() -> None:
    """Of all plugins of a node. Tables of one name are one below the other, while their plugins are there; what was taken does
    not change any more."""
    node = NodeMeter()
    meter, other = PluginMeter(node), PluginMeter(node)
    meter.count("rows", 2)
    taken = node.values()
    other.count("rows")
    meter.gauge("open", 5)
    meter.gauge("open", 4)
    meter.table("t", lambda: [{"a": 1}])
    other.table("t", lambda: [{"a": 2}])
    assert (taken, node.values(), node.tables()) == (
        {"rows": 2},
        {"rows": 3, "open": 4},
        {"t": [{"a": 1}, {"a": 2}]},
    )
    meter.close()
    assert (node.values(), node.tables()) == ({"rows": 3, "open": 4}, {"t": [{"a": 2}]})
