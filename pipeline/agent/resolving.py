"""Resolvers, asked: for whatever work of the flow wants to know, with a deadline, and with what is remembered.

Everything here runs on the event loop; the work itself runs in threads. What is remembered is in memory only, and bounded: answers
are decisions that are in what is committed, so nobody needs them again."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import polars as pl

from pipeline.agent.supervision import Task, cancel
from pipeline.api import Context, dtype
from pipeline.api.resolvers import KEY, Answer, Key
from pipeline.plan.asking import Answers, Done, Question, Work, advance
from pipeline.plan.graph import AnyResolver
from pipeline.plan.isolation import FAILURES, told

T = TypeVar("T")

FAILED = "failed"
TIMEOUT = "timeout"


class Threads(Protocol):
    """Runs work in a thread: `Env.run` or `Env.apart`."""

    def __call__(self, work: Callable[..., T], /, *arguments: object) -> Awaitable[T]: ...


class Lane:
    """Where work is computed: `left` while it waits for others, who compute meanwhile."""

    def left(self) -> AbstractAsyncContextManager[object]:
        return nullcontext()


HERE = Lane()
"""Work that nobody else waits beside."""


@dataclass(frozen=True, slots=True)
class Known:
    answer: Answer
    until: float


class Asker:
    """Asks one resolver, for all work. `ctx` is that of the resolver."""

    def __init__(self, resolver: AnyResolver, ctx: Context) -> None:
        self._resolver = resolver
        self._ctx = ctx
        options = resolver.options
        self.timeout: float = options.timeout / 1e6
        self._ttl, self._retry = options.ttl / 1e6, options.retry / 1e6
        self._most, self._at_once = options.cache, max(1, resolver.at_once)
        self._lines = options.concurrency
        self._turns = asyncio.Semaphore(options.concurrency)
        self._known: OrderedDict[Key, Known] = OrderedDict()
        self._asking: dict[Key, asyncio.Future[Answers]] = {}

    @property
    def now(self) -> float:
        """Monotonic seconds."""
        return self._ctx.clock.monotonic()

    async def answers(self, keys: Iterable[Key], deadline: float) -> Answers:
        """What is known of keys by the deadline (monotonic). Those without an answer have the reason. Raises nothing."""
        found: dict[Key, Answer] = {}
        left: list[Key] = []
        for key in keys:
            answer = self._look(key)
            if answer is None:
                left.append(key)
            else:
                found[key] = answer
        if found:
            self._count("hits", len(found))
        if left:
            await self._ask(left, found, deadline)
            late = [key for key in left if key not in found]
            found.update(dict.fromkeys(late, TIMEOUT))
            if late:
                self._count("timeouts", len(late))
                self._ctx.log.warning(
                    "answers did not come in time; the fields are missing",
                    keys=len(late),
                    timeout_ms=round(self.timeout * 1000),
                )
        return found

    async def _ask(self, keys: list[Key], found: dict[Key, Answer], deadline: float) -> None:
        """Put answers into `found` until the deadline."""
        patience = deadline - self.now
        if patience <= 0:
            return
        chunks = deque(keys[at : at + self._at_once] for at in range(0, len(keys), self._at_once))

        async def line() -> None:
            while chunks:
                await self._chunk(chunks.popleft(), found)

        lines: list[Task] = [asyncio.ensure_future(line()) for _ in range(min(self._lines, len(chunks)))]
        over: Task = asyncio.ensure_future(self._ctx.clock.sleep(patience))
        everything: Task = asyncio.gather(*lines)
        try:
            await asyncio.wait((everything, over), return_when=asyncio.FIRST_COMPLETED)
        finally:
            await cancel([everything, over, *lines])

    async def _chunk(self, keys: list[Key], found: dict[Key, Answer]) -> None:
        """Put the answers for these into `found`: each is asked for by one only, whoever needs it besides waits for that."""
        while keys:
            mine: list[Key] = []
            others: set[asyncio.Future[Answers]] = set()
            for key in keys:
                answer = self._look(key)
                if answer is not None:
                    found[key] = answer
                elif key in self._asking:
                    others.add(self._asking[key])
                else:
                    mine.append(key)
            if mine:
                found.update(await self._fetched(mine))
            for other in others:
                answers = await asyncio.shield(other)
                found.update({key: answers[key] for key in keys if key in answers})
            # Whoever was asked first may have run out of time: what it had no answer for is asked anew.
            keys = [key for key in keys if key not in found]

    async def _fetched(self, keys: list[Key]) -> Answers:
        """The answers for keys that nobody asks for now; all of them are remembered."""
        promise: asyncio.Future[Answers] = asyncio.get_running_loop().create_future()
        self._asking.update(dict.fromkeys(keys, promise))
        answers: dict[Key, Answer] = {}
        try:
            async with self._turns:
                began = self.now
                try:
                    answers = await self._answered(keys)
                except asyncio.CancelledError:
                    # It had its time; one that was begun late, and cut short, says nothing about its keys.
                    if self.now - began >= self.timeout / 2:
                        self._remember(dict.fromkeys(keys, TIMEOUT))
                    raise
                self._remember(answers)
                return answers
        finally:
            for key in keys:
                del self._asking[key]
            promise.set_result(answers)

    async def _answered(self, keys: list[Key]) -> dict[Key, Answer]:
        resolver = self._resolver
        adds = resolver.adds()
        kind = pl.String() if isinstance(keys[0], str) else pl.Int64()
        self._count("asked", len(keys))
        why = ""
        rows: list[tuple[Any, ...]] = []
        try:
            frame = await resolver.fetch(pl.Series(KEY, keys, dtype=kind))
            wanted = [pl.col(KEY).cast(kind), *(pl.col(name).cast(dtype(type)) for name, type in adds.items())]
            rows = frame.select(wanted).rows()
        except FAILURES as error:
            why = told(error, resolver)
        asked = frozenset(keys)
        answers: dict[Key, Answer] = {row[0]: row[1:] for row in rows if row[0] in asked}
        lost = [key for key in keys if key not in answers]
        if lost:
            self._count("failed", len(lost))
            self._ctx.log.warning(
                "keys could not be asked; their fields are missing",
                keys=len(lost),
                such_as=lost[0],
                why=why or "fetch gave no row",
            )
        return answers | dict.fromkeys(lost, FAILED)

    def _look(self, key: Key) -> Answer | None:
        known = self._known.get(key)
        if known is None:
            return None
        if known.until <= self.now:
            del self._known[key]
            return None
        self._known.move_to_end(key)
        return known.answer

    def _remember(self, answers: Answers) -> None:
        now = self.now
        for key, answer in answers.items():
            self._known[key] = Known(answer, now + (self._retry if isinstance(answer, str) else self._ttl))
            self._known.move_to_end(key)
        while len(self._known) > self._most:
            self._known.popitem(last=False)

    def _count(self, what: str, number: int) -> None:
        self._ctx.metrics.count(f"{self._resolver.name}.{what}", number)


Patience = dict[Asker, float]
"""Seconds that a resolver is still waited for; one that was not asked has its `timeout`."""


class Askers:
    """The resolvers of a run that are open, each with its asker."""

    def __init__(self) -> None:
        self._askers: dict[AnyResolver, Asker] = {}

    def opened(self, resolver: AnyResolver, ctx: Context) -> None:
        self._askers[resolver] = Asker(resolver, ctx)

    def closed(self, resolver: AnyResolver) -> None:
        self._askers.pop(resolver, None)

    async def run(
        self, threads: Threads, begin: Callable[[], Work[T]], lane: Lane = HERE, patience: Patience | None = None
    ) -> T:
        """What work comes to, whose parts run in `threads`. It waits for each resolver's `timeout` in all, or for what is left of its
        `patience`, which is then less. Cancelled, it ends where it is."""
        patience = {} if patience is None else patience
        work = begin()
        try:
            step: Question | Done[T] = await threads(advance, work, None)
            while isinstance(step, Question):
                answers = await self._answers(step, patience, lane)
                step = await threads(advance, work, answers)
            return step.result
        finally:
            work.close()

    async def _answers(self, question: Question, patience: Patience, lane: Lane) -> Answers:
        asker = self._askers.get(question.resolver)
        if asker is None:
            return {}
        async with lane.left():
            left, began = patience.get(asker, asker.timeout), asker.now
            try:
                return await asker.answers(question.keys, began + left)
            finally:
                patience[asker] = left - (asker.now - began)
