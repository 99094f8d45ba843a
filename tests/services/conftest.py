"""The servers, each started once, when a test asks for it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from s3 import Store
from servers import Server, answers, fetched, free_port, running

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
