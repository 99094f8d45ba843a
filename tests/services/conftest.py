"""The servers, each started once, when a test asks for it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from opensearch_server import Cluster
from s3 import Store
from servers import Server, answers, fetched, free_port, program, running

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
