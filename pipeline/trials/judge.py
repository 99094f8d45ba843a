"""Whether an expectation holds of the events that came out of a port."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from pipeline.plan.cases import Check
from pipeline.plan.events import Json
from pipeline.trials.taps import Tap, events


@dataclass(frozen=True)
class Verdict:
    """`why` says what is wrong with `found`, the events that were looked at; empty where the expectation holds. `marks`: of
    which of them a condition was true."""

    check: Check
    why: str
    found: tuple[dict[str, Json], ...]
    marks: tuple[bool, ...] = ()

    @property
    def held(self) -> bool:
        return not self.why


def judge(check: Check, tap: Tap, start: int) -> Verdict:
    """Look at the events of a tap from a number on."""
    expectation = check.expectation
    frames = tap.since(start)
    found = tuple(event for frame in frames for event in events(frame, tap.columns))
    marks: tuple[bool, ...] = ()
    if expectation.condition is not None:
        marks = tuple(mark for frame in frames for mark in _marks(frame, expectation.condition))
    true, number = sum(marks), len(found)
    why = ""
    match expectation.how:
        case "some" if not true:
            why = _none(number, expectation.text)
        case "all" if not number:
            why = "there is no event at all"
        case "all" if true < number:
            do = "does" if number - true == 1 else "do"
            why = f"{counted(number - true, 'event')} of {number} {do} not satisfy {expectation.text}"
        case "empty" if number:
            why = f"it has {counted(number, 'event')}"
        case "has":
            there = number if expectation.condition is None else true
            such = f" such that {expectation.text}" if expectation.condition is not None else ""
            if there != expectation.count:
                why = f"it has {counted(there, 'event')}{such}, not {expectation.count}"
        case "equals" if not _equal(list(expectation.events), list(found)):
            why = f"it has other events than the {len(expectation.events)} of the list"
    return Verdict(check, why, found, marks)


def agrees(expected: Json, event: dict[str, Json]) -> bool:
    """Whether an event is what a list says: a text is its `@raw`, a map has some of its members."""
    if isinstance(expected, str):
        return event.get("@raw", "") == expected
    if isinstance(expected, dict):
        return all(same(value, event.get(name)) for name, value in expected.items())
    return False


def same(expected: Json, found: Json) -> bool:
    """Equality of JSON: 1 is 1.0 and not true; a null member is a missing one."""
    if isinstance(expected, dict) and isinstance(found, dict):
        return all(same(expected.get(name), found.get(name)) for name in {*expected, *found})
    if isinstance(expected, list) and isinstance(found, list):
        return len(expected) == len(found) and all(same(a, b) for a, b in zip(expected, found, strict=True))
    if isinstance(expected, bool) or isinstance(found, bool):
        return expected is found
    return expected == found


def _none(number: int, condition: str) -> str:
    """That no event fulfils a condition."""
    if number < 2:
        return f"the only event does not satisfy {condition}" if number else "there is no event at all"
    return f"none of the {number} events satisfies {condition}"


def counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _equal(expected: list[Json], found: list[dict[str, Json]]) -> bool:
    return len(expected) == len(found) and all(agrees(a, b) for a, b in zip(expected, found, strict=True))


def _marks(frame: pl.DataFrame, condition: pl.Expr) -> list[bool]:
    name = "mark`"  # no field of a program has a back-tick in it
    return frame.with_columns(condition.alias(name)).get_column(name).to_list()
