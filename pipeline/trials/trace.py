"""What went through each node of a test, and why rows were rejected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from pipeline.plan.graph import Graph, Port
from pipeline.trials.run import Outcome
from pipeline.trials.taps import events
from pipeline.trials.wording import shown

_TOLD = ("in", "filtered", "rejected", "windowed", "facts", "made", "out")
_LONGEST = 60
_REASONS = 5


def trace(outcome: Outcome, graph: Graph) -> Iterator[str]:
    """A line a node, in the order of the flow, with the rows that it had and gave; below it, what it rejected, by reason."""
    names = [stage.name for stage in graph.stages.values()]
    width = max(map(len, names), default=0)
    for name in names:
        told = [f"{outcome.counts[name, word]} {word}" for word in _TOLD if outcome.counts.get((name, word))]
        ports = sorted(word for stage, word in outcome.counts if stage == name and word.startswith("out:"))
        told += [f"{outcome.counts[name, word]} {name}.{word.removeprefix('out:')}" for word in ports]
        sink = graph.stages[name].kind == "sink"
        if sink and (tap := outcome.props.taps.get(Port(name))) is not None:
            told.append(f"{tap.count} delivered")
        yield f"{name:<{width}}  {', '.join(told) or 'nothing'}"
        for reason in _reasons(outcome, name):
            yield f"{'':<{width}}  {reason}"


def _reasons(outcome: Outcome, name: str) -> Iterator[str]:
    tap = outcome.props.taps.get(Port(name, "rejected"))
    if tap is None:
        return
    counted: Counter[str] = Counter()
    first: dict[str, str] = {}
    for event in (event for frame in tap.frames for event in events(frame, tap.columns)):
        error = event.get("@error")
        parts = error if isinstance(error, dict) else {}
        detail = parts.get("detail")
        reason = f"{parts.get('filter')}: {parts.get('reason')}" + (f" ({detail})" if detail else "")
        counted[reason] += 1
        first.setdefault(reason, _short(shown(event.get("@raw"))))
    for reason, count in counted.most_common(_REASONS):
        yield f"rejected {count} by {reason}, such as {first[reason]}"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
