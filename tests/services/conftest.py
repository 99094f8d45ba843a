"""The servers, each started once, when a test asks for it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from brokers import Broker, broker
from opensearch_server import Cluster
from s3 import Store
from servers import Server, answers, fetched, free_port, program, running
from streams import KEYS, QUICK, Streams

sys.path.insert(0, str(Path(__file__).parents[1] / "e2e"))


@pytest.fixture(scope="session")
def versitygw(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """An S3 server on plain folders, which heeds conditions and checks hashes."""
    binary, folder, port = fetched("bin", "versitygw"), tmp_path_factory.mktemp("versitygw"), free_port()
    (folder / "data").mkdir()
    (folder / "meta").mkdir()
    command = [
        str(binary), "--port", f"127.0.0.1:{port}", "--health", "/health", "posix", "--sidecar", str(folder / "meta"), str(folder / "data"),
    ]  # fmt: skip
    keys = {"ROOT_ACCESS_KEY": "test", "ROOT_SECRET_KEY": "testtest"}
    with running(Server(folder, command, answers(port, "/health"), keys)) as server:
        yield Store(f"http://127.0.0.1:{port}", server)


@pytest.fixture(scope="session")
def opensearch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One node of OpenSearch."""
    jars, folder, port = fetched("opensearch", ".whole").parent, tmp_path_factory.mktemp("opensearch"), free_port()
    command = [
        program("java"), "-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", f"{jars}/*",
        str(Path(__file__).parent / "opensearch" / "OneNode.java"), str(folder / "home"),
        f"http.port={port}", f"transport.port={free_port()}", "http.max_content_length=1mb",
    ]  # fmt: skip
    ready = answers(port, "/_cluster/health?wait_for_status=yellow&timeout=1s")
    with running(Server(folder, command, ready, {})) as server:
        yield Cluster(port, server)


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """Kafka, one broker that is its own controller. It makes no topics by itself."""
    made = broker(tmp_path_factory.mktemp("kafka"))
    with running(made.server):
        yield made


@pytest.fixture(scope="session")
def kinesis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Streams]:
    """kinesis-mock, which keeps its streams in memory."""
    script = fetched("kinesis", "node_modules", "kinesis-local", "main.js")
    folder = tmp_path_factory.mktemp("kinesis")
    (folder / "server.json").symlink_to(script.with_name("server.json"))
    port, secured = free_port(), free_port()
    environment = (
        KEYS
        | QUICK
        | {"AWS_REGION": "us-east-1"}
        | {"KINESIS_MOCK_PLAIN_PORT": str(port), "KINESIS_MOCK_TLS_PORT": str(secured), "LOG_LEVEL": "ERROR"}
    )
    server = Server(folder, [program("node"), str(script)], answers(port, "/healthcheck"), environment)
    with running(server):
        yield Streams(port)
        server.kill()  # it does not end by itself
