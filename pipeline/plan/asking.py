"""Work of the flow that needs answers on its way: it says what it wants to know, and goes on when it is told.

The flow touches nothing. Where rows come to a resolver it yields a question; who drives the work asks, awaits, and sends the
answers in. So the same flow runs beside others on an event loop, and alone, where nobody is asked."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from pipeline.api import Batch
from pipeline.api.resolvers import Answer, Key
from pipeline.plan import isolation
from pipeline.plan.graph import AnyResolver

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Question:
    """The distinct keys that rows have at a resolver."""

    resolver: AnyResolver
    keys: tuple[Key, ...]


Answers = Mapping[Key, Answer]

Work = Generator[Question, Answers, T]
"""Work that asks, and gives a T at its end. It may be driven in any thread, one at a time."""


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """What work came to."""

    result: T


def advance(work: Work[T], answers: Answers | None) -> Question | Done[T]:
    """The next question of work, given the answers to the one before (None at its beginning), or its end."""
    try:
        return next(work) if answers is None else work.send(answers)
    except StopIteration as end:
        return Done(end.value)


def alone(work: Work[T]) -> T:
    """The end of work where nobody is asked: resolvers have no answers."""
    step = advance(work, None)
    while isinstance(step, Question):
        step = advance(work, {})
    return step.result


def resolved(resolver: AnyResolver, batch: Batch, where: str) -> Work[tuple[Batch, isolation.Failing | None]]:
    """The batch after a resolver. Rows that its `keys` raised on are among the rejected ones."""
    batch, keys, failing = isolation.asked(resolver, batch, where)
    distinct = keys.drop_nulls().unique(maintain_order=True).to_list()
    answers = (yield Question(resolver, tuple(distinct))) if distinct else {}
    return resolver.answered(batch, keys, answers), failing
