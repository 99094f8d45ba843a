"""Resolvers are asked for distinct keys, remembered, bounded, and late answers are missing; nothing else waits for them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import polars as pl
import pytest
from runs import quiet

from pipeline import api
from pipeline.agent.resolving import Asker
from pipeline.api.resolvers import Answer, Key
from pipeline.cli.snapshot import snapshot
from pipeline.lang.spans import Source
from pipeline.plan.catalog import Catalog
from pipeline.plan.graph import Graph
from pipeline.plan.load import load
from pipeline.proof.balance import faults
from pipeline.testing.contexts import FakeContext
from pipeline.testing.life import EPOCH, Crash, VirtualClock
from pipeline.testing.loop import run
from pipeline.testing.world import World

SECOND = 1_000_000


class Options(api.ResolverOptions):
    field: api.Field = api.option("What to ask for.")
    into: api.NewName = api.option("Where the answer goes.", default="name")


class Ask(api.Resolver[Options]):
    """Answers as `reply` says, which is shared by all of them: after so many seconds this, or an error."""

    name = "ask"
    options_model = Options
    example = ""
    at_once = 1
    asked: list[str]
    busy = 0
    busiest = 0

    @staticmethod
    def reply(key: str) -> tuple[float, str | Exception | None]:
        return 0.0, key.upper()

    def keys(self, frame):
        found = self.options.field.values(frame)
        if (found == "odd").any():
            raise ValueError("an odd key")
        return found

    def adds(self):
        return {self.options.into: api.STRING}

    async def fetch(self, keys):
        cls = type(self)
        cls.asked.extend(keys)
        cls.busy += 1
        cls.busiest = max(cls.busiest, cls.busy)
        try:
            answers = []
            for key in keys:
                seconds, answer = cls.reply(key)
                if seconds:
                    await asyncio.sleep(seconds)
                if isinstance(answer, Exception):
                    raise answer
                answers.append(answer)
        finally:
            cls.busy -= 1
        return pl.DataFrame({"key": keys, self.options.into: pl.Series(answers, dtype=pl.String)})


class Many(Ask):
    """Asks for three keys at once, and has no row for one of them."""

    at_once = 3

    async def fetch(self, keys):
        found = await super().fetch(keys)
        return found.filter(pl.col("key") != "lost")


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has been asked yet."""
    monkeypatch.setattr(Ask, "asked", [], raising=False)
    for kind in (Ask, Many):
        monkeypatch.setattr(kind, "asked", Ask.asked, raising=False)
        monkeypatch.setattr(kind, "busy", 0)
        monkeypatch.setattr(kind, "busiest", 0)


def replies(monkeypatch: pytest.MonkeyPatch, **answers: tuple[float, str | Exception | None]) -> None:
    """What is answered to keys that are named here."""
    monkeypatch.setattr(Ask, "reply", staticmethod(lambda key: answers.get(key, (0.0, key.upper()))))


def asking(work: Callable[[Asker], Awaitable[None]], kind: type[Ask] = Ask, **options: int) -> FakeContext:
    """Do something with an asker on a virtual clock; gives the context that it was opened with."""

    async def live() -> None:
        await work(Asker(kind(Options(field=api.Field(("k",), api.STRING), **options)), ctx))
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with FakeContext(clock=VirtualClock(lambda: EPOCH, lambda _: None)) as ctx:
        run(live())
    return ctx


async def told(asker: Asker, *keys: Key) -> dict[Key, Answer]:
    return dict(await asker.answers(keys, asker.now + asker.timeout))


def test_each_key_is_asked_for_once() -> None:
    """And its answer is kept: the second time nobody is asked."""

    async def work(asker: Asker) -> None:
        assert await told(asker, "a", "b") == {"a": ("A",), "b": ("B",)}
        assert await told(asker, "b", "c") == {"b": ("B",), "c": ("C",)}

    ctx = asking(work)
    assert Ask.asked == ["a", "b", "c"]
    assert ctx.metrics.counts == {"ask.asked": 3, "ask.hits": 1}
    assert ctx.log.said == []


def test_an_answer_is_asked_for_anew_when_it_is_old() -> None:
    """After `ttl`, also where there was none."""

    async def work(asker: Asker) -> None:
        await told(asker, "a")
        await asyncio.sleep(9.9)
        await told(asker, "a")
        assert Ask.asked == ["a"]
        await asyncio.sleep(0.1)
        await told(asker, "a")
        assert Ask.asked == ["a", "a"]

    asking(work, ttl=10 * SECOND)


def test_a_late_answer_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are there, the wait is exactly `timeout`, the question is cancelled, and the log says so."""
    replies(monkeypatch, slow=(60.0, "x"))

    async def work(asker: Asker) -> None:
        began = asker.now
        assert await told(asker, "a", "slow", "b") == {"a": ("A",), "slow": "timeout", "b": ("B",)}
        assert asker.now - began == 2.0
        assert Ask.busy == 0

    ctx = asking(work)
    assert ctx.metrics.counts["ask.timeouts"] == 1
    assert ctx.log.said == [
        ("warning", "answers did not come in time; the fields are missing", {"keys": 1, "timeout_ms": 2000})
    ]


def test_a_key_that_had_its_time_is_not_asked_for_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that cannot be answered costs one wait in `retry`."""
    replies(monkeypatch, slow=(60.0, "x"))

    async def work(asker: Asker) -> None:
        await told(asker, "slow")
        began = asker.now
        assert await told(asker, "slow") == {"slow": "timeout"}
        assert asker.now == began
        await asyncio.sleep(5)
        await told(asker, "slow")

    asking(work, retry=5 * SECOND)
    assert Ask.asked == ["slow", "slow"]


def test_a_question_that_was_cut_short_says_nothing_about_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begun behind others and cancelled with them: the next batch asks again."""
    replies(monkeypatch, first=(1.5, "1"), second=(1.5, "2"))

    async def work(asker: Asker) -> None:
        assert await told(asker, "first", "second") == {"first": ("1",), "second": "timeout"}
        assert await told(asker, "second") == {"second": ("2",)}

    asking(work, concurrency=1)


def test_a_key_that_raises_is_told_and_asked_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing ends, and the other keys have their answers."""
    replies(monkeypatch, bad=(0.0, OSError("no route")))

    async def work(asker: Asker) -> None:
        assert await told(asker, "a", "bad") == {"a": ("A",), "bad": "failed"}
        assert await told(asker, "bad") == {"bad": "failed"}
        await asyncio.sleep(30)
        assert await told(asker, "bad") == {"bad": "failed"}

    ctx = asking(work)
    assert Ask.asked == ["a", "bad", "bad"]
    assert ctx.metrics.counts["ask.failed"] == 2
    level, message, fields = ctx.log.said[0]
    assert (level, message) == ("warning", "keys could not be asked; their fields are missing")
    assert fields["such_as"] == "bad"
    assert str(fields["why"]).startswith("OSError: no route (")


def test_a_key_without_a_row_was_not_asked() -> None:
    """Of several that were asked for at once; one with a row of nulls was."""

    async def work(asker: Asker) -> None:
        assert await told(asker, "a", "lost", "b", "c") == {"a": ("A",), "lost": "failed", "b": ("B",), "c": ("C",)}

    asking(work, kind=Many)
    assert Ask.asked == ["a", "lost", "b", "c"]


def test_two_batches_ask_once_for_the_same_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second waits for what the first asked."""
    replies(monkeypatch, a=(1.0, "A"))

    async def work(asker: Asker) -> None:
        first, second = await asyncio.gather(told(asker, "a", "b"), told(asker, "a", "c"))
        assert first["a"] == second["a"] == ("A",)
        assert asker.now == 1.0

    asking(work)
    assert sorted(Ask.asked) == ["a", "b", "c"]


def test_who_waits_for_another_goes_on_asking_when_that_one_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The deadline of one batch is none of another's."""
    answers = iter([(9.0, "late"), (0.5, "A")])
    monkeypatch.setattr(Ask, "reply", staticmethod(lambda key: next(answers)))

    async def work(asker: Asker) -> None:
        first = asyncio.ensure_future(asker.answers(["a"], asker.now + 0.2))
        await asyncio.sleep(0.1)
        assert await told(asker, "a") == {"a": ("A",)}
        assert await first == {"a": "timeout"}

    asking(work)


def test_so_many_questions_are_asked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """By all batches together."""
    monkeypatch.setattr(Ask, "reply", staticmethod(lambda key: (0.1, key)))

    async def work(asker: Asker) -> None:
        await asyncio.gather(*(told(asker, *(f"{batch}.{key}" for key in range(10))) for batch in range(3)))
        assert round(asker.now, 3) == 0.8

    asking(work, concurrency=4)
    assert (Ask.busiest, len(Ask.asked)) == (4, 30)


def test_so_many_answers_are_kept() -> None:
    """Those that were used last; a batch with more keys than that has all its answers."""

    async def work(asker: Asker) -> None:
        assert len(await told(asker, "a", "b", "c")) == 3
        await told(asker, "b")
        await told(asker, "d")
        assert await told(asker, "b", "d") == {"b": ("B",), "d": ("D",)}
        assert Ask.asked == ["a", "b", "c", "d"]

    asking(work, cache=2)


def test_answers_that_cannot_be_read_are_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another frame than promised is a defect of the resolver, which ends nothing."""

    async def fetch(self, keys):
        return pl.DataFrame({"key": keys})

    monkeypatch.setattr(Ask, "fetch", fetch)

    async def work(asker: Asker) -> None:
        assert await told(asker, "a") == {"a": "failed"}

    assert "ColumnNotFoundError" in str(asking(work).log.said[0][2]["why"])


def test_asking_is_cancelled_cleanly(monkeypatch: pytest.MonkeyPatch) -> None:
    """At any moment: no task is left, and the next one asks."""
    replies(monkeypatch, a=(1.0, "A"))

    async def work(asker: Asker) -> None:
        waiting = asyncio.ensure_future(told(asker, "a", "b"))
        await asyncio.sleep(0.1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert Ask.busy == 0
        assert await told(asker, "a") == {"a": ("A",)}

    asking(work)


# ── in a program ─────────────────────────────────────────────────────────────────────────────────────────────────────

PROGRAM = """
source log = file("{folder}/in.log")
transform named = log | grok('^%{{WORD:key}} %{{INT:n:int}}$') | ask(key, timeout: 1s)
sink rows = named | keep(key, n, name) -> file("{folder}/rows.ndjson")
"""


def compiled(folder: Path, program: str) -> Graph:
    catalog = Catalog.installed().also("filters", "ask", Ask)
    loaded = load(Source("ask.pipe", program.format(folder=folder)), catalog=catalog)
    assert loaded.graph is not None, loaded.diagnostics
    return loaded.graph


def world(folder: Path, **logs: str) -> World:
    folder.mkdir(exist_ok=True)
    for name, text in logs.items():
        (folder / f"{name}.log").write_text("".join(f"{line}\n" for line in text.split(",")))
    return World(folder)


def ran(there: World, program: str = PROGRAM) -> None:
    env = there.env()
    run(quiet(there, env, compiled(there.folder, program)).run())
    there.crash()


def rows(folder: Path, name: str = "rows") -> list[dict[str, object]]:
    found = [json.loads(line) for line in (folder / f"{name}.ndjson").read_text().splitlines()]
    return [{key: value for key, value in row.items() if not key.startswith("@")} for row in found]


def test_a_program_uses_it_like_a_filter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows keep their order; those without an answer have null, and so have those without a key that is known."""
    replies(monkeypatch, slow=(9.0, "x"), none=(0.0, None), bad=(0.0, OSError("down")))
    ran(world(tmp_path / "w", **{"in": "a 1,slow 2,none 3,a 4,bad 5"}))
    assert [(row["n"], row.get("name")) for row in rows(tmp_path / "w")] == [
        (1, "A"), (2, None), (3, None), (4, "A"), (5, None),
    ]  # fmt: skip
    assert sorted(Ask.asked) == ["a", "bad", "none", "slow"]


def test_rows_without_an_answer_can_be_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the reason: nobody could say, or there is nothing to know."""
    replies(monkeypatch, slow=(9.0, "x"), none=(0.0, None), bad=(0.0, OSError("down")))
    program = PROGRAM.replace("1s)", "1s, missing: 'reject')")
    program += 'sink lost = named.rejected -> file("{folder}/lost.ndjson", metadata: ["@error"])'
    ran(world(tmp_path / "w", **{"in": "a 1,slow 2,none 3,bad 4"}), program)
    assert [row["n"] for row in rows(tmp_path / "w")] == [1]
    text = (tmp_path / "w" / "lost.ndjson").read_text()
    errors = [json.loads(line)["@error"] for line in text.splitlines()]
    assert [(error["filter"], error["reason"], error.get("detail")) for error in errors] == [
        ("ask", "not_resolved", "timeout"),
        ("ask", "not_resolved", "failed"),
        ("ask", "no_answer", None),
    ]


def test_a_row_that_keys_raises_on_is_rejected(tmp_path: Path) -> None:
    """Like any record that a plugin fails on; the others have their answers."""
    ran(world(tmp_path / "w", **{"in": "a 1,odd 2,b 3"}))
    assert [(row["n"], row.get("name")) for row in rows(tmp_path / "w")] == [(1, "A"), (3, "B")]


def test_other_sources_are_committed_while_a_batch_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what comes after that batch in its own source is not."""
    replies(monkeypatch, slow=(50.0, "SLOW"))
    program = """
source one = file("{folder}/one.log")
source two = file("{folder}/two.log")
transform named = one | grok('^%{{WORD:key}} %{{INT:n:int}}$') | ask(key, timeout: 1m)
sink rows = named | keep(n, name) -> file("{folder}/rows.ndjson")
sink others = two -> file("{folder}/others.log", format: raw)
"""
    there = world(tmp_path / "w", one="slow 1,a 2", two="x,y")
    env = there.env()
    agent = quiet(there, env, compiled(there.folder, program), once=False)

    async def live() -> None:
        running = asyncio.ensure_future(agent.run())
        await asyncio.sleep(20)
        assert (there.folder / "others.log").read_text() == "x\ny\n"
        assert not (there.folder / "rows.ndjson").exists()
        await asyncio.sleep(40)
        assert [row["name"] for row in rows(there.folder)] == ["SLOW", "A"]
        agent.stop()
        await running

    run(live())


def test_with_caution_batches_that_wait_for_their_turn_leave_room_to_ask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a life that ended badly they are computed one by one, and all of them, however many sources there are."""
    replies(monkeypatch, slow=(5.0, "SLOW"))
    names = [f"s{number}" for number in range(6)]
    program = "\n".join(
        f"source {name} = file('{{folder}}/{name}.log')\n"
        f"transform t{name} = {name} | grok('^%{{{{WORD:key}}}} %{{{{INT:n:int}}}}$') | ask(key, timeout: 1m)\n"
        f"sink o{name} = t{name} | keep(n, name) -> file('{{folder}}/{name}.ndjson')"
        for name in names
    )
    there = world(tmp_path / "w", **dict.fromkeys(names, "slow 1,a 2"))
    with pytest.raises(Crash):
        run(quiet(there, there.env(60), compiled(there.folder, program)).run())
    there.crash()
    agent = quiet(there, there.env(), compiled(there.folder, program))

    async def live() -> None:
        async with asyncio.timeout(600):
            await agent.run()

    run(live())
    assert [row["name"] for name in names for row in rows(there.folder, name)] == 6 * ["SLOW", "A"]


def test_a_stop_waits_for_answers_and_commits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read is committed, with what was answered until the deadline."""
    replies(monkeypatch, slow=(50.0, "SLOW"))
    there = world(tmp_path / "w", **{"in": "slow 1"})
    agent = quiet(there, there.env(), compiled(there.folder, PROGRAM), once=False)

    async def live() -> None:
        running = asyncio.ensure_future(agent.run())
        await asyncio.sleep(1)
        agent.stop()
        await running

    run(live())
    assert [(row["n"], row.get("name")) for row in rows(there.folder)] == [(1, None)]


LATE = """
source log = file("{folder}/in.log")
transform parsed = log | grok('^%{{WORD:key}} %{{INT:n:int}}$') | set {{ @timestamp = time(n, 'unix') }}
transform unique = parsed | dedupe() by key | ask(key, timeout: 1s)
transform facts = unique | window(10s) {{ good = count() slow = count() }} | ask(metric, into: who, timeout: 1s)
sink rows = unique | keep(key, n, name) -> file("{folder}/rows.ndjson")
sink told = facts | keep(metric, value, who) -> file("{folder}/facts.ndjson")
"""


def test_facts_and_rows_behind_a_fold_are_resolved_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the commit, which waits at most once for `timeout`, however many windows it sends."""
    there = world(tmp_path / "w", **{"in": "a 1,slow 2,a 3,b 14,slow2 25"})
    monkeypatch.setattr(Ask, "reply", staticmethod(lambda key: (9.0 if key.startswith("slow") else 0.0, key.upper())))
    ran(there, LATE)
    assert [(row["key"], row.get("name")) for row in rows(there.folder)] == [
        ("a", "A"), ("slow", None), ("b", "B"), ("slow2", None),
    ]  # fmt: skip
    assert [(row["metric"], row["value"], row.get("who")) for row in rows(there.folder, "facts")] == [
        ("good", 2, "GOOD"), ("slow", 2, None),
        ("good", 1, "GOOD"), ("slow", 1, None),
        ("good", 1, "GOOD"), ("slow", 1, None),
    ]  # fmt: skip


CRASHES = LATE + 'sink raw = log -> file("{folder}/raw.log", format: raw)'


def test_a_crash_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Wherever it comes, and whatever is answered in the next life: each row is there once."""
    text = ",".join(f"{'abc'[n % 3]}{n // 2} {n}" for n in range(40))
    keys = list(dict.fromkeys(line.split()[0] for line in text.split(",")))
    whole = world(tmp_path / "whole", **{"in": text})
    env = whole.env()
    run(quiet(whole, env, compiled(whole.folder, CRASHES)).run())
    whole.crash()
    for kill_at in range(1, env.points + 1, max(1, env.points // 20)):
        there = world(tmp_path / f"{kill_at}", **{"in": text})
        with pytest.raises(Crash):
            run(quiet(there, there.env(kill_at), compiled(there.folder, CRASHES)).run())
        there.crash()
        ran(there, CRASHES)
        assert [row["key"] for row in rows(there.folder)] == keys
        assert (there.folder / "raw.log").read_text().splitlines() == text.split(",")
        with snapshot(there.folder / "state") as state:
            assert list(faults(state.books())) == []


def test_where_nobody_is_asked_there_is_no_answer() -> None:
    """The flow alone touches nothing."""
    resolver = Ask(Options(field=api.Field(("k",), api.STRING)))
    batch = api.lines([b"x"], pl.Series([0]), partition="p", start=0, end=1).with_columns(pl.Series("k", ["a"]))
    assert resolver.apply(batch).frame["name"].to_list() == [None]
    assert Ask.asked == []
