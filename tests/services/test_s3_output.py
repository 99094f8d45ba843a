"""The `s3` output against a real S3 server, with a bad network between."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import signal
import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw
import polars as pl
import pytest
from proxy import Fate, Proxy, proxied
from real import Pipe, wait_until
from s3 import KEYS, Store, unpacked
from servers import free_port

from pipeline.plan.catalog import Catalog

LINES = b"".join(b"line %06d %s\n" % (number, b"x" * (number % 97)) for number in range(20_000))


@pytest.fixture
def bucket(versitygw: Store) -> str:
    return versitygw.bucket()


@pytest.fixture
def proxy(versitygw: Store) -> Iterator[Proxy]:
    with proxied(versitygw.port) as made:
        yield made


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Pipe]:
    made = Pipe(tmp_path, KEYS)
    (tmp_path / "in.log").write_bytes(LINES)
    yield made
    for process in made.running:
        process.kill()
        process.wait()


def program(agent: Pipe, bucket: str, endpoint: str, options: str = "format: raw", path: str = "raw/") -> None:
    (agent.folder / "p.pipe").write_text(
        f'source log = file("in.log")\nsink away = log -> s3("s3://{bucket}/{path}", endpoint: "{endpoint}", {options})\n'
    )


def once(agent: Pipe, code: int = 0, timeout: str = "60s") -> str:
    done = agent.run("run", "p.pipe", "--once", "--timeout", timeout)
    assert done.returncode == code, done.stderr
    return done.stderr


def test_the_example_runs(versitygw: Store, agent: Pipe) -> None:
    """As it is on the plugin's page; the environment says which service."""
    versitygw.client.create_bucket(Bucket="logs")
    agent.environment |= {"AWS_ENDPOINT_URL": versitygw.url, "AWS_REGION": "us-east-1"}
    (agent.folder / "p.pipe").write_text(Catalog.installed().output("s3").example)
    once(agent)
    assert versitygw.text("logs").count(b"\n") == 100


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_every_line_is_in_the_bucket_once(versitygw: Store, bucket: str, agent: Pipe, compression: str) -> None:
    """Under a key that says whose it is and what is in it."""
    program(agent, bucket, versitygw.url, f"format: raw, compression: {compression}")
    assert once(agent) == ""
    ((key, data),) = versitygw.objects(bucket).items()
    ending = {"none": "", "gzip": ".gz", "zstd": ".zst"}[compression]
    assert key.startswith("raw/")
    assert key.removesuffix(ending).split("/")[1].split("-")[1:3] == ["away", "000001"]

    assert (gzip.decompress(data) if compression == "gzip" else versitygw.text(bucket)) == LINES
    assert once(agent) == ""
    assert len(versitygw.objects(bucket)) == 1


def test_a_path_is_made_of_fields_and_each_has_objects_of_its_own(versitygw: Store, bucket: str, agent: Pipe) -> None:
    """Values are encoded: none leaves the literal prefix."""
    (agent.folder / "in.log").write_bytes(b"../../up 1\na/b 2\nplain 3\n")
    (agent.folder / "p.pipe").write_text(
        f"""source log = file("in.log")
transform parsed = log | dissect('%{{who}} %{{n}}')
sink away = parsed -> s3("s3://{bucket}/by/{{who}}/", endpoint: "{versitygw.url}")
"""
    )
    once(agent)
    found = {
        key.rpartition("/")[0]: [json.loads(line)["n"] for line in data.splitlines()]
        for key, data in versitygw.objects(bucket).items()
    }
    assert found == {"by/..%2F..%2Fup": ["1"], "by/a%2Fb": ["2"], "by/plain": ["3"]}


def test_parquet_objects_are_whole(versitygw: Store, bucket: str, agent: Pipe) -> None:
    program(agent, bucket, versitygw.url, "format: parquet, metadata: [@raw]")
    once(agent)
    (data,) = versitygw.objects(bucket).values()
    assert pl.read_parquet(io.BytesIO(data))["@raw"].to_list() == LINES.splitlines()


@pytest.mark.parametrize(
    ("fate", "told"),
    [
        (Fate(403, body=b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"), "AccessDenied"),
        (Fate(404, body=b"<Error><Code>NoSuchBucket</Code><Message>none</Message></Error>"), "NoSuchBucket"),
        (Fate(413), "413"),
        (Fate(429, headers="Retry-After: 1\r\n"), "429"),
        (Fate(500), "500"),
        (Fate(503, body=b"<Error><Code>SlowDown</Code><Message>wait</Message></Error>"), "SlowDown"),
        (Fate(reset=True), "onnect"),
        (Fate(endless=True), "answer has more than"),
    ],
    ids=["403", "404", "413", "429", "500", "503", "reset", "endless"],
)
def test_whatever_the_service_answers_each_line_arrives_once(
    versitygw: Store, bucket: str, agent: Pipe, proxy: Proxy, fate: Fate, told: str
) -> None:
    """The log says what was wrong; the object comes when it is over."""
    program(agent, bucket, proxy.url)
    proxy.meets(
        *[fate] * (6 if fate.reset else 3),
        concerns=lambda line: line.startswith("PUT") and "/raw/" in line and "_pipe" not in line,
    )
    said = once(agent)
    assert "delivery failed, trying again" in said
    assert told in said
    assert "Traceback" not in said
    assert versitygw.text(bucket) == LINES
    assert len(versitygw.objects(bucket)) == 1
    assert not proxy.fates


def test_an_object_whose_reply_is_lost_is_there_once(versitygw: Store, bucket: str, agent: Pipe, proxy: Proxy) -> None:
    """The second try finds it, and nothing is said: that is how networks are."""
    program(agent, bucket, proxy.url)
    proxy.meets(Fate(lost=True), concerns=lambda line: line.startswith("PUT") and "_pipe" not in line)
    once(agent)
    assert versitygw.text(bucket) == LINES
    assert len(versitygw.objects(bucket)) == 1


def test_a_large_object_is_sent_in_parts_and_goes_on_where_it_was(
    versitygw: Store, bucket: str, agent: Pipe, proxy: Proxy
) -> None:
    """50 MB in parts of 16 MiB; the process is killed while the third is refused, and the next one sends that and the last one."""
    many = LINES * 45
    (agent.folder / "in.log").write_bytes(many)
    program(agent, bucket, proxy.url)
    third = "partNumber=3"
    proxy.meets(*[Fate(503)] * 50, concerns=lambda line: third in line)
    process = agent.start("run", "p.pipe", "--once")
    wait_until(lambda: any(third in line for line in proxy.seen), 60, "the third part is tried")
    agent.end(process, signal.SIGKILL)
    proxy.fates.clear()
    proxy.seen.clear()
    once(agent)
    assert versitygw.text(bucket) == many
    sent = [line for line in proxy.seen if "partNumber=" in line and line.startswith("PUT")]
    assert {line.split("partNumber=")[1][0] for line in sent} == {"3", "4"}
    assert versitygw.client.list_multipart_uploads(Bucket=bucket).get("Uploads") in (None, [])


def test_other_bytes_under_its_key_are_set_aside_and_the_rest_flows(versitygw: Store, bucket: str, agent: Pipe) -> None:
    """Nothing is overwritten; the log says which object is in the way."""
    options = "format: raw"
    program(agent, bucket, f"http://127.0.0.1:{free_port()}", options)
    for end in (400_000, 800_000, len(LINES)):
        (agent.folder / "in.log").write_bytes(LINES[:end])
        once(agent, 75, timeout="1s")
    with closing(apsw.Connection(str(agent.folder / ".pipe/p/state.db"))) as state:
        names = [str(row[0]) for row in state.execute("SELECT name FROM segment ORDER BY id")]
    assert len(names) == 3
    key = names[0].removeprefix(f"s3://{bucket}/")
    versitygw.client.put_object(Bucket=bucket, Key=key, Body=b"something else")
    program(agent, bucket, versitygw.url, options)
    said = once(agent, 75, timeout="3s")
    assert f"{names[0]} is there with other bytes" in said
    assert len(versitygw.objects(bucket)) == len(names)
    versitygw.client.delete_object(Bucket=bucket, Key=key)
    once(agent)
    assert versitygw.text(bucket) == LINES


def test_without_a_network_the_agent_goes_on_and_everything_arrives_later(
    versitygw: Store, bucket: str, agent: Pipe
) -> None:
    """Nobody listens on the port: 75 for a finite run, nothing is lost, the next run delivers."""
    program(agent, bucket, f"http://127.0.0.1:{free_port()}")
    assert "not everything was delivered" in once(agent, 75, timeout="2s")
    program(agent, bucket, versitygw.url)
    assert once(agent) == ""
    assert versitygw.text(bucket) == LINES


def test_a_copy_of_the_state_is_noticed(versitygw: Store, bucket: str, agent: Pipe) -> None:
    """The one that comes second says so, and claims the bucket; the claim is a small object that no archive has."""
    program(agent, bucket, versitygw.url)
    once(agent)
    shutil.copytree(agent.folder / ".pipe", agent.folder / "copy")
    for state, told in ((".pipe/p", ""), ("copy/p", "the destination knows a later life of this state")):
        with (agent.folder / "in.log").open("ab") as log:
            log.write(b"more\n")
        done = agent.run("run", "p.pipe", "--once", "--state", state)
        assert done.returncode == 0, done.stderr
        assert (told in done.stderr) if told else done.stderr == ""
    keys = [item["Key"] for item in versitygw.client.list_objects_v2(Bucket=bucket)["Contents"]]
    assert len([key for key in keys if key.startswith("raw/_pipe/")]) == 1


def test_the_library_is_asked_for_when_it_is_missing(versitygw: Store, bucket: str, agent: Pipe) -> None:
    (agent.folder / "aiobotocore.py").write_text("raise ImportError(name='aiobotocore')\n")
    agent.environment["PYTHONPATH"] = f"{agent.folder}:{agent.environment.get('PYTHONPATH', '')}"
    program(agent, bucket, versitygw.url)
    assert "pip install 'pipe-engine[s3]'" in once(agent, 78)
    assert agent.run("check", "p.pipe").returncode == 0


def test_a_part_of_a_zstd_object_can_be_read_by_its_index(versitygw: Store, bucket: str, agent: Pipe) -> None:
    """Frames stand for themselves, and the table at the end says where each begins."""
    many = LINES * 5
    (agent.folder / "in.log").write_bytes(many)
    program(agent, bucket, versitygw.url, "format: raw, compression: zstd")
    once(agent)
    ((key, data),) = versitygw.objects(bucket).items()
    frames = index(data[-9:], data)
    assert len(frames) > 1
    (at, begin), (size, plain) = frames[0], frames[1]
    asked = f"bytes={at}-{at + size - 1}"
    part = versitygw.client.get_object(Bucket=bucket, Key=key, Range=asked)["Body"].read()
    assert unpacked(part) == many[begin : begin + plain]


def index(foot: bytes, data: bytes) -> list[tuple[int, int]]:
    """(compressed, plain) sizes of the frames: the seek table of zstd's contrib/seekable_format."""
    count, flags, magic = struct.unpack("<IBI", foot)
    assert (magic, flags) == (0x8F92EAB1, 0)
    table = data[-9 - 8 * count : -9]
    return [struct.unpack_from("<II", table, 8 * number) for number in range(count)]
