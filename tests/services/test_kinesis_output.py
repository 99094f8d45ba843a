"""The `kinesis` output against kinesis-mock, with a bad network between, and with our process killed. The server keeps its records
in memory: where it is away here, it is the network that is cut."""

from __future__ import annotations

import asyncio
import json
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pipeline_plugins.codecs import raw
from pipeline_plugins.outputs.kinesis import Kinesis, Options
from proxy import Fate, Proxy, proxied
from real import Pipe
from streams import KEYS, Record, Streams

from pipeline import api
from pipeline.plan.catalog import Catalog
from pipeline.testing import FakeContext, batch, contract

COUNT = 20_000
LINES = b"".join(b"line %06d %s\n" % (number, b"x" * (number % 97)) for number in range(COUNT))
TOGETHER = "format: json, aggregate: 2KiB"
"""About ten events a record, so that the segment takes some requests."""

FEW = LINES.splitlines()[:1_200]
"""Records for three requests."""


@pytest.fixture
def stream(kinesis: Streams) -> str:
    return kinesis.stream()


@pytest.fixture
def proxy(kinesis: Streams) -> Iterator[Proxy]:
    with proxied(kinesis.port) as made:
        yield made


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Pipe]:
    made = Pipe(tmp_path, KEYS)
    (tmp_path / "in.log").write_bytes(LINES)
    yield made
    for process in made.running:
        process.kill()
        process.wait()


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process may write."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


def program(agent: Pipe, stream: str, endpoint: str, options: str = "format: raw") -> None:
    (agent.folder / "p.pipe").write_text(
        f'source log = file("in.log")\nsink away = log -> kinesis("{stream}", endpoint: "{endpoint}", {options})\n'
    )


def events(records: list[Record]) -> list[tuple[str, bytes]]:
    """Identities and lines, of records with JSON."""
    told = [json.loads(line) for record in records for line in record.data.splitlines()]
    return [(event["@rid"], event["@raw"].encode()) for event in told]


def once(agent: Pipe, code: int = 0, timeout: str = "60s") -> str:
    done = agent.run("run", "p.pipe", "--once", "--timeout", timeout)
    assert done.returncode == code, done.stderr
    return done.stderr


def test_the_example_runs(kinesis: Streams, agent: Pipe) -> None:
    """As it is on the plugin's page; the environment says which service. Each event has its identity."""
    kinesis.stream("access")
    agent.environment |= {"AWS_ENDPOINT_URL": kinesis.url}
    (agent.folder / "p.pipe").write_text(Catalog.installed().output("kinesis").example)
    assert once(agent) == ""
    found = [(record.key, json.loads(record.data)) for record in kinesis.records("access")]
    assert len(found) == 100
    assert all(key == event["remote_addr"] for key, event in found)
    assert len({event["@rid"] for _, event in found}) == 100


def test_events_with_the_same_key_are_put_together(kinesis: Streams, stream: str, agent: Pipe) -> None:
    """One a line, in their order."""
    program(agent, stream, kinesis.url, 'format: raw, aggregate: 64KiB, partition_key: "{@path}"')
    once(agent)
    found = kinesis.records(stream)
    assert len({record.key for record in found}) == 1
    assert b"".join(record.data for record in found) == LINES


def test_only_the_records_that_were_not_taken_are_sent_again(
    kinesis: Streams, stream: str, agent: Pipe, proxy: Proxy
) -> None:
    """Of four records the service says that it has two, so it gets the other two and no more."""
    (agent.folder / "in.log").write_bytes(b"a\nb\nc\nd\n")
    taken = {"SequenceNumber": "1", "ShardId": "shardId-000000000000"}
    busy = {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "Rate exceeded"}
    reply = json.dumps({"FailedRecordCount": 2, "Records": [taken, busy, taken, busy]}).encode()
    program(agent, stream, proxy.url)
    proxy.meets(Fate(200, headers="Content-Type: application/x-amz-json-1.1\r\n", body=reply))
    assert once(agent) == ""
    assert sorted(record.data for record in kinesis.records(stream)) == [b"b", b"d"]
    assert len(proxy.seen) == 2


@pytest.mark.parametrize(
    ("fates", "told"),
    [
        ([Fate(reset=True)] * 6, "onnect"),
        ([Fate(400, body=b'{"__type":"AccessDeniedException","message":"no"}')], "AccessDenied"),
        ([Fate(500)] * 2, "500"),
        ([Fate(lost=True)] * 2, "onnect"),
    ],
    ids=["the network is away", "403", "500", "replies are lost"],
)
def test_whatever_the_service_answers_each_line_arrives(
    kinesis: Streams, stream: str, agent: Pipe, proxy: Proxy, fates: list[Fate], told: str
) -> None:
    """The log says what was wrong. Only records whose reply was lost come twice, with the same identity."""
    (agent.folder / "in.log").write_bytes(b"\n".join([*FEW, b""]))
    program(agent, stream, proxy.url)
    proxy.meets(*fates)
    said = once(agent)
    assert "delivery failed, trying again" in said
    assert told in said
    found = kinesis.records(stream)
    assert sorted({record.key: record.data for record in found}.values()) == FEW
    assert len({(record.key, record.data) for record in found}) == len(FEW)
    assert len(found) == len(FEW) + 500 * sum(fate.lost for fate in fates)
    assert not proxy.fates


def test_a_process_that_is_killed_in_the_middle_sends_the_segment_again(
    kinesis: Streams, stream: str, agent: Pipe, proxy: Proxy
) -> None:
    """Two of its requests were taken. Each of 20,000 lines is there, over all shards, in records up to a size; those of the two
    requests are there twice, and the identities tell."""
    program(agent, stream, proxy.url, TOGETHER)
    third = threading.Event()

    def concerns(line: str) -> bool:
        if len(proxy.seen) > 2:
            third.set()
        return third.is_set()

    proxy.meets(Fate(endless=True), concerns=concerns)
    process = agent.start("run", "p.pipe", "--once")
    assert third.wait(60)
    agent.end(process, signal.SIGKILL)
    once(agent)
    records = kinesis.records(stream)
    found = events(records)
    assert sorted(line for _, line in set(found)) == LINES.splitlines()
    assert sorted(dict(found).values()) == LINES.splitlines()
    assert len(records) - len(set(records)) == 1_000
    assert len({record.key for record in records}) == len(set(records))
    assert max(len(record.data) + len(record.key) for record in records) <= 2_048
    assert len({record.shard for record in records}) == 3


def test_a_stream_that_is_not_there_is_told(kinesis: Streams, agent: Pipe) -> None:
    (agent.folder / "in.log").write_bytes(b"a\nb\n")
    program(agent, "not-there", kinesis.url)
    assert "create the stream not-there" in once(agent, 75, timeout="5s")
    kinesis.stream("not-there")
    assert once(agent) == ""
    assert sorted(record.data for record in kinesis.records("not-there")) == [b"a", b"b"]


@pytest.mark.usefixtures("keys")
def test_events_that_are_too_large_are_refused_and_the_others_arrive(kinesis: Streams, stream: str) -> None:
    """Each time the same ones; the key counts."""
    made = Kinesis(Options(stream=stream, endpoint=kinesis.url, format=raw.Raw(raw.Options()), max_record=1_024))
    made.schema(api.Columns({}))
    lines = [b"a" * 1_100, b"b", b"c" * 1_023, b"d"]
    data = made.encode(batch(*lines).frame)
    segment = api.Segment("away", 1, name="s", rows=4, size=len(data), sha256="", ranges=(), data=data)

    async def deliver() -> api.Result:
        with FakeContext() as ctx:
            try:
                await made.open(ctx)
                await made.fence(api.Writer("state", 1, "nonce"))
                return await made.deliver(segment)
            finally:
                await made.close()

    first = asyncio.run(deliver())
    assert first.accepted
    assert [(refusal.row, refusal.reason) for refusal in first.refused] == [(0, "too_large"), (2, "too_large")]
    assert asyncio.run(deliver()) == first
    found = [(record.key, record.data) for record in kinesis.records(stream)]
    assert sorted(found) == [("state:p:1", b"b"), ("state:p:1", b"b"), ("state:p:3", b"d"), ("state:p:3", b"d")]


@pytest.mark.usefixtures("keys")
def test_the_output_keeps_the_contract(kinesis: Streams) -> None:
    """Run, closed, cancelled at any await."""
    kinesis.stream("contract")
    call = f'kinesis("contract", endpoint: "{kinesis.url}", '
    contract.check(Kinesis, Kinesis.example.replace('kinesis("access", ', call))
