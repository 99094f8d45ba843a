"""The `kafka` output against a real broker, which is killed, and with our process killed."""

from __future__ import annotations

import asyncio
import hashlib
import json
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from brokers import Broker
from cuts import ADD_PARTITIONS, END, PRODUCE, Cut, cutting
from pipeline_plugins.codecs import raw
from pipeline_plugins.outputs.kafka import Kafka, Options
from real import Pipe

from pipeline import api
from pipeline.plan.catalog import Catalog
from pipeline.testing import FakeContext, batch, contract

COUNT, TOPICS = 20_000, 10
LINES = b"".join(b"t%d line %06d %s\n" % (number % TOPICS, number, b"x" * (number % 97)) for number in range(COUNT))


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Pipe]:
    made = Pipe(tmp_path, {})
    (tmp_path / "in.log").write_bytes(LINES)
    yield made
    for process in made.running:
        process.kill()
        process.wait()


@pytest.fixture
def topics(kafka: Broker) -> list[str]:
    """One for each of the values that lines begin with."""
    first = kafka.topic(name="", partitions=1)
    return [kafka.topic(name=f"{first}-t{number}", partitions=2) for number in range(TOPICS)]


def program(agent: Pipe, broker: str, topic: str, options: str = "format: raw") -> None:
    (agent.folder / "p.pipe").write_text(
        f"""source log = file("in.log")
transform parsed = log | dissect('%{{which}} line %{{number}} %{{rest}}')
sink away = parsed -> kafka("{broker}", "{topic}", {options})
"""
    )


def once(agent: Pipe, code: int = 0, timeout: str = "60s") -> str:
    done = agent.run("run", "p.pipe", "--once", "--timeout", timeout)
    assert done.returncode == code, done.stderr
    return done.stderr


def test_the_example_runs(kafka: Broker, agent: Pipe) -> None:
    """As it is on the plugin's page, but for the address; the key is what the template says."""
    kafka.topic(name="access")
    example = Catalog.installed().output("kafka").example
    (agent.folder / "p.pipe").write_text(example.replace("localhost:9092", kafka.url))
    assert once(agent) == ""
    found = kafka.messages("access")
    assert len(found) == 100
    assert all(json.loads(message.value)["remote_addr"].encode() == message.key for message in found)
    assert len({(message.key, message.partition) for message in found}) == len({message.key for message in found})


@pytest.mark.parametrize(
    "cuts",
    [
        [Cut(PRODUCE, 3), Cut(ADD_PARTITIONS, 2), Cut(END, 1)],
        [Cut(PRODUCE, 3, lost=True), Cut(END, 2, lost=True), Cut(END, 3, lost=True)],
    ],
    ids=["requests are lost", "replies are lost"],
)
def test_every_line_is_committed_once(kafka: Broker, agent: Pipe, topics: list[str], cuts: list[Cut]) -> None:
    """In ten transactions, whatever becomes of the connection; in the order of the log in each partition."""
    prefix = topics[0].removesuffix("t0")
    program(agent, f"127.0.0.1:{kafka.cut}", f"{prefix}{{which}}", "format: raw, key: '{which}'".replace("'", '"'))
    with cutting(kafka.behind, kafka.cut, *cuts) as cutter:
        said = once(agent)
        assert once(agent) == ""
    assert not cutter.cuts
    assert "Traceback" not in said
    found = kafka.messages(*topics)
    assert sorted(message.value for message in found) == sorted(LINES.splitlines())
    assert len({message.id for message in found}) == COUNT
    orders: dict[tuple[str, int], list[bytes]] = {}
    for message in found:
        orders.setdefault((message.topic, message.partition), []).append(message.value)
    assert all(values == sorted(values) for values in orders.values())


@pytest.mark.parametrize("transactional", [True, False])
def test_a_process_that_is_killed_before_and_after_a_commit_goes_on(
    kafka: Broker, agent: Pipe, topics: list[str], transactional: bool
) -> None:
    """Killed as it sends, and when its transaction is committed and it does not know. Transactional: each line is committed once.
    Else each is there, perhaps more than once, and the ids tell."""
    prefix = topics[0].removesuffix("t0")
    options = f"format: raw, transactional: {str(transactional).lower()}"
    program(agent, f"127.0.0.1:{kafka.cut}", f"{prefix}{{which}}", options)

    def kill() -> None:
        agent.running[-1].send_signal(signal.SIGKILL)
        agent.running[-1].wait()

    kinds = [Cut(PRODUCE, 4, then=kill), Cut(END if transactional else PRODUCE, 1, lost=True, then=kill)]
    with cutting(kafka.behind, kafka.cut, *kinds) as cutter:
        for _ in kinds:
            process = agent.start("run", "p.pipe", "--once")
            assert process.wait(60) == -signal.SIGKILL
        once(agent)
    assert not cutter.cuts
    found = kafka.messages(*topics)
    assert len({(message.id, message.value) for message in found}) == COUNT
    assert sorted({message.id: message.value for message in found}.values()) == sorted(LINES.splitlines())
    assert (len(found) == COUNT) if transactional else (len(found) > COUNT)


def test_a_broker_that_is_killed_in_a_transaction_loses_and_doubles_nothing(
    kafka: Broker, agent: Pipe, topics: list[str]
) -> None:
    """It has the segment's messages and no end of the transaction; it comes back, and the agent goes on by itself."""
    prefix = topics[0].removesuffix("t0")
    program(agent, f"127.0.0.1:{kafka.cut}", f"{prefix}{{which}}")

    killed = threading.Event()

    def crash() -> None:
        kafka.server.kill()
        killed.set()

    with cutting(kafka.behind, kafka.cut, Cut(END, 4, then=crash), Cut(END, 2, lost=True)) as cutter:
        process = agent.start("run", "p.pipe", "--once")
        assert killed.wait(60)
        kafka.server.start()
        assert process.wait(60) == 0
    assert not cutter.cuts
    assert "delivery failed, trying again" in (agent.folder / "stderr.txt").read_text()
    assert sorted(message.value for message in kafka.messages(*topics)) == sorted(LINES.splitlines())


@pytest.mark.parametrize("what", ["no topic", "nobody there", "wrong password"])
def test_what_is_wrong_is_told_and_nothing_is_lost(kafka: Broker, agent: Pipe, what: str) -> None:
    """75 for a finite run; once it is mended, everything arrives."""
    topic = kafka.topic(name="", partitions=1)
    login = "sasl: 'PLAIN', username: 'pipe', password: env('PASSWORD')"
    agent.environment["PASSWORD"] = "wr0ng-secret"
    told = {
        "no topic": (kafka.url, f"{topic}-not", "format: raw", "create the topic"),
        "nobody there": ("127.0.0.1:1", topic, "format: raw", "127.0.0.1"),
        "wrong password": (f"127.0.0.1:{kafka.sasl}", topic, f"format: raw, {login}", "`username` and `password`"),
    }[what]
    program(agent, *told[:3])
    said = once(agent, 75, timeout="4s")
    assert "delivery failed, trying again" in said
    assert told[3] in said
    assert "wr0ng-secret" not in said
    assert "Traceback" not in said
    agent.environment["PASSWORD"] = "right"
    right = f"127.0.0.1:{kafka.sasl}" if what == "wrong password" else kafka.url
    program(agent, right, topic if what != "no topic" else kafka.topic(name=f"{topic}-not"), told[2])
    assert once(agent) == ""
    assert len(kafka.messages(f"{topic}-not" if what == "no topic" else topic)) == COUNT


def output(kafka: Broker, topic: str, **options: object) -> Kafka:
    made = Kafka(
        Options(brokers=kafka.url, topic=api.Template((topic,), topic), format=raw.Raw(raw.Options()), **options)
    )
    made.schema(api.Columns({}))
    return made


def segment(made: Kafka, lines: list[bytes], number: int = 1) -> api.Segment:
    data = made.encode(batch(*lines, start=number * 1000).frame)
    digest = hashlib.sha256(data).hexdigest()
    return api.Segment(
        "away", number, name=f"s-{number}", rows=len(lines), size=len(data), sha256=digest, ranges=(), data=data
    )


def test_messages_that_are_too_large_are_refused_and_the_others_arrive(kafka: Broker) -> None:
    """By the option, and by what the topic says; each time the same ones."""
    topic = kafka.topic(**{"max.message.bytes": "5000"})
    large, small = [b"a" * 4_950, b"b" * 3_000], [b"c", b"d"]

    async def deliver(**options: object) -> api.Result:
        made = output(kafka, topic, **options)
        with FakeContext() as ctx:
            try:
                await made.open(ctx)
                await made.fence(api.Writer("state", 1, "nonce"))
                return await made.deliver(segment(made, [small[0], *large, small[1]]))
            finally:
                await made.close()

    first = asyncio.run(deliver(max_message=2_000))
    assert first.accepted
    assert [(refusal.row, refusal.reason) for refusal in first.refused] == [(1, "too_large"), (2, "too_large")]
    assert asyncio.run(deliver(max_message=2_000)) == first
    assert sorted(message.value for message in kafka.messages(topic)) == small
    other = asyncio.run(deliver(transactional=False))
    assert [refusal.row for refusal in other.refused] == [1]
    assert sorted(message.value for message in kafka.messages(topic)) == [large[1], b"c", b"c", b"d", b"d"]


def test_of_two_copies_of_a_state_the_one_that_delivered_last_goes_on(kafka: Broker) -> None:
    """The other one finds out before it has written anything that a reader sees."""
    topic = kafka.topic()
    ours, theirs = api.Writer("copied", 3, "ours"), api.Writer("copied", 3, "theirs")

    async def work() -> None:
        first, second = output(kafka, topic), output(kafka, topic)
        with FakeContext() as ctx:
            try:
                for made, writer, number in ((first, ours, 1), (second, theirs, 2), (second, theirs, 3)):
                    if number < 3:
                        await made.open(ctx)
                    assert await made.fence(writer) == writer
                    assert (await made.deliver(segment(made, [b"%d" % number], number))).accepted
                while await first.fence(ours) == ours:
                    assert not (await first.deliver(segment(first, [b"4"], 4))).accepted
                assert await first.fence(ours) == theirs
                # That one had to begin anew to find out; the copy does, too, and goes on.
                fifth = segment(second, [b"5"], 5)
                while not (await second.deliver(fifth)).accepted:
                    assert await second.fence(theirs) == theirs
            finally:
                await first.close()
                await second.close()

    asyncio.run(asyncio.wait_for(work(), 60))
    assert sorted(message.value for message in kafka.messages(topic)) == [b"1", b"2", b"3", b"5"]


def test_a_topic_whose_name_is_too_long_is_refused(kafka: Broker) -> None:
    """No broker is asked: none would ever take it."""
    made = output(kafka, "x" * 250)

    async def work() -> api.Result:
        with FakeContext() as ctx:
            await made.open(ctx)
            return await made.deliver(segment(made, [b"1", b"2"]))

    assert [(refusal.row, refusal.reason) for refusal in asyncio.run(work()).refused] == [
        (0, "bad_topic"),
        (1, "bad_topic"),
    ]


def test_the_output_keeps_the_contract(kafka: Broker) -> None:
    """Delivered twice, and cancelled at any await and delivered again, a segment is committed once."""
    topic, sink, before = kafka.topic(name="contract"), "pipe--sink", 0

    def reset() -> None:
        nonlocal before
        with ThreadPoolExecutor(1) as apart:
            apart.submit(kafka.forget, sink, topic).result()
            before = len(apart.submit(kafka.messages, topic).result())

    def effect() -> int:
        with ThreadPoolExecutor(1) as apart:
            return len(apart.submit(kafka.messages, topic).result()) - before

    program = Kafka.example.replace("localhost:9092", kafka.url).replace('"access"', f'"{topic}"')
    contract.check(Kafka, program, reset=reset, effect=effect)
