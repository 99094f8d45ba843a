"""A list of expected events beside those that were found: which belong together, and in what they differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipeline.plan.events import Json
from pipeline.trials.judge import agrees, same
from pipeline.trials.wording import member, shown

Event = dict[str, Json]

MISSING = object()
_MOST = 400


def pairs(expected: Sequence[Json], found: Sequence[Event]) -> list[tuple[object, Event | None]]:
    """Each event with its like, in order: first those that agree, then what is left between them one by one. MISSING stands in
    the place of an expected event."""
    result: list[tuple[object, Event | None]] = []
    left, right = 0, 0
    for a, b in [*_common(expected, found), (len(expected), len(found))]:
        result += _between(expected[left:a], found[right:b])
        if a < len(expected):
            result.append((expected[a], found[b]))
        left, right = a + 1, b + 1
    return result


def difference(expected: Sequence[Json], found: Sequence[Event]) -> Iterator[str]:
    """Lines: `-` is expected, `+` was found, others are the same in both."""
    for number, (wanted, event) in enumerate(pairs(expected, found), 1):
        if event is None:
            yield f"- {number}. {shown(wanted)}"  # type: ignore[arg-type]  # it is no MISSING
        elif wanted is MISSING:
            yield f"+ {number}. {shown(visible(event))}"
        elif agrees(wanted, event):  # type: ignore[arg-type]
            yield f"  {number}. {shown(wanted)}"  # type: ignore[arg-type]
        elif isinstance(wanted, dict):
            agreed = {name: value for name, value in wanted.items() if same(value, event.get(name))}
            yield f"  {number}. {shown(agreed)}"
            for name, value in wanted.items():
                if name not in agreed:
                    yield f"-    {member(name, value)}"
                    yield f"+    {member(name, event.get(name))}"
        else:
            yield f"- {number}. {shown(wanted)}"  # type: ignore[arg-type]
            yield f"+ {number}. {shown(event.get('@raw'))}"


def visible(event: Event) -> Event:
    """What a person wants to see of an event: its fields, but for those that are the same in every run or name it; of one
    without any, its `@raw` and its `@error`."""
    fact = "id" in event and "revision" in event
    hidden = ("id", "host") if fact else ()
    fields = {name: value for name, value in event.items() if not name.startswith("@") and name not in hidden}
    return fields or {name: event[name] for name in ("@raw", "@error") if name in event}


def _between(expected: Sequence[Json], found: Sequence[Event]) -> list[tuple[object, Event | None]]:
    size = max(len(expected), len(found))
    return [
        (expected[at] if at < len(expected) else MISSING, found[at] if at < len(found) else None) for at in range(size)
    ]


def _common(expected: Sequence[Json], found: Sequence[Event]) -> list[tuple[int, int]]:
    """The longest sequence of pairs that agree; of very long lists, those at the same place."""
    if len(expected) > _MOST or len(found) > _MOST:
        return [(at, at) for at, (a, b) in enumerate(zip(expected, found, strict=False)) if agrees(a, b)]
    best = [[0] * (len(found) + 1) for _ in range(len(expected) + 1)]
    for a in reversed(range(len(expected))):
        for b in reversed(range(len(found))):
            alike = agrees(expected[a], found[b])
            best[a][b] = best[a + 1][b + 1] + 1 if alike else max(best[a + 1][b], best[a][b + 1])
    result = []
    a = b = 0
    while a < len(expected) and b < len(found):
        if agrees(expected[a], found[b]) and best[a][b] == best[a + 1][b + 1] + 1:
            result.append((a, b))
            a, b = a + 1, b + 1
        elif best[a + 1][b] >= best[a][b + 1]:
            a += 1
        else:
            b += 1
    return result
