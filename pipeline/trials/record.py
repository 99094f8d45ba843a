"""A test made of real lines: what a program makes of them now is what it is to make of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pipeline.plan import moments
from pipeline.plan.graph import Graph
from pipeline.trials.run import Outcome
from pipeline.trials.taps import events
from pipeline.trials.wording import text

_LATER = "1h"


def block(name: str, lines: Mapping[str, Sequence[bytes]], ports: Iterable[str], time: int | None = None) -> str:
    """A test that gives sources these lines at a time (µs), and expects nothing of the ports: an empty list each."""
    at = "" if time is None else f" at {text(moments.shown(time))}"
    given = [
        f"  given {source}: [{', '.join(text(line.decode('utf-8', 'replace')) for line in read)}]{at if not number else ''}"
        for number, (source, read) in enumerate(lines.items())
    ]
    expected = [f"  expect {port} == []" for port in ports]
    return "\n".join([f"test {text(name)} {{", *given, f"  advance {_LATER}", *expected, "}", ""])


def every(graph: Graph) -> list[str]:
    """All ports that events of sources come to."""
    return [
        f"{stage.name}.{port}" if port else stage.name
        for stage in graph.stages.values()
        if stage.window is None
        for port in stage.columns
        if port != "rejected"
    ]


def sinks(graph: Graph) -> list[str]:
    """The sinks, of those that get the same the first one."""
    found = {(stage.upstream, tuple(step.text for step in stage.steps)): stage.name for stage in reversed(graph.sinks)}
    return list(reversed(found.values()))


def latest(outcome: Outcome) -> int:
    """The time (µs) at which it was natural to read what a test was given: its latest `@timestamp` but for the time of reading."""
    found = [moments.BEGIN]
    for tap in outcome.props.taps.values():
        for event in (event for frame in tap.frames for event in events(frame, tap.columns)):
            time, received = event.get("@timestamp"), event.get("@received")
            if isinstance(time, str) and time != received:
                found.append(moments.read(time, 0) or 0)
    own = [time for time in found[1:] if time > 0]
    second = 1_000_000
    return -(-max(own) // second) * second if own else moments.BEGIN
