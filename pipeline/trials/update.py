"""Lists after `==`, rewritten with the events that were found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pipeline.lang.format import format_program
from pipeline.lang.spans import Source, Span
from pipeline.plan.events import Json
from pipeline.trials.difference import Event, pairs, visible
from pipeline.trials.judge import agrees
from pipeline.trials.run import Outcome
from pipeline.trials.wording import shown

_OURS = frozenset({"window_end"})
"""Members of facts that say nothing that others do not say."""

_SHORT = 90
"""Characters of a list that stands on one line."""


def updated(outcomes: Iterable[Outcome]) -> dict[str, tuple[Source, str, int]]:
    """By name the sources with lists that were not met, their new texts, and how many lists that were.

    A list is written as the one before was: an event has the members that it had there, a new one those of its neighbour. A
    source in canonical layout stays in it. Raises ProgramError for a text that would be no program, which is a mistake of ours."""
    found: dict[str, list[tuple[Span, str]]] = {}
    for outcome in outcomes:
        for verdict in outcome.verdicts:
            expectation = verdict.check.expectation
            if not verdict.held and expectation.listed is not None:
                changes = found.setdefault(expectation.listed.source.name, [])
                changes.append((expectation.listed, _list(expectation.events, verdict.found)))
    return {name: (changes[0][0].source, _applied(changes), len(changes)) for name, changes in found.items()}


def _applied(changes: Sequence[tuple[Span, str]]) -> str:
    source = changes[0][0].source
    text = source.text
    for span, new in sorted(changes, key=lambda change: change[0].start, reverse=True):
        text = text[: span.start] + new + text[span.end :]
    new = format_program(Source(source.name, text))
    return new if format_program(source) == source.text else text


def _list(expected: Sequence[Json], found: Sequence[Event]) -> str:
    lines: list[str] = []
    keys = next((list(event) for event in expected if isinstance(event, dict)), None)
    raw = any(isinstance(event, str) for event in expected)
    for wanted, event in pairs(expected, found):
        if event is None:
            continue
        if isinstance(wanted, (str, dict)) and agrees(wanted, event):
            lines.append(shown(wanted))
            continue
        if isinstance(wanted, dict):
            keys, raw = list(wanted), False
        lines.append(shown(_written(event, keys, raw=raw)))
    flat = f"[{', '.join(lines)}]"
    return flat if len(flat) <= _SHORT else "[" + "".join(f"\n    {line}," for line in lines) + "\n  ]"


def _written(event: Event, keys: Sequence[str] | None, *, raw: bool) -> Json:
    if raw or (keys is None and not any(not name.startswith("@") for name in event)):
        return event.get("@raw", "")
    if keys is not None:
        return {name: event.get(name) for name in keys}
    told = {name: value for name, value in visible(event).items() if name not in _OURS}
    return {name: value for name, value in told.items() if (name, value) != ("revision", 1)}
