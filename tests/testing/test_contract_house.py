"""Every plugin of the house passes the suite that plugins of others must pass."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "services"))

import stubs
from collector import collecting

from pipeline.columns.traffic import Traffic
from pipeline.plan.catalog import KINDS, Catalog
from pipeline.plan.pages import find
from pipeline.testing import contract

CATALOG = Catalog.installed()

SERVED = dict.fromkeys(("runs", "close", "loop", "cancel", "twice"), "it takes a server: tests/services")

SKIP = {
    "kafka": SERVED,
    "kinesis": SERVED,
    "null": {"twice": "nothing arrives"},
    "opensearch": SERVED,
    "s3": SERVED,
}
"""Rules that a plugin is not held to, and why."""

WEB = {
    "datadog": ("http://localhost:8282", stubs.Datadog("none")),
    "http": ("http://localhost:8080", None),
    "loki": ("http://localhost:3100", stubs.Loki()),
    "splunk_hec": ("http://localhost:8088", stubs.Hec("none", acks=True)),
}
"""Outputs whose examples need an HTTP server: where, and what answers there (a server that keeps each key once, or a stub)."""

APART = (
    *(("inputs", "stdin"), ("inputs", "file"), ("filters", "decode"), ("filters", "lookup"), ("filters", "dns")),
    *(("outputs", name) for name in WEB),
)
"""Plugins whose examples need the outside world."""

EVERY = [
    (kind, name) for kind in KINDS for name in CATALOG.names(kind) if kind != "codecs" and (kind, name) not in APART
]


@pytest.mark.parametrize(("kind", "name"), EVERY, ids=[f"{kind[:-1]}-{name}" for kind, name in EVERY])
def test_the_house_keeps_the_contract(kind, name):
    """No rule is broken by any plugin, on its own example."""
    contract.check(find(CATALOG, kind, name), skip=SKIP.get(name) if kind == "outputs" else None)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "access.log"
    path.write_bytes(Traffic(1, 1_790_000_000_000_000, 10_000.0).lines(0, 500))
    return path


def test_the_file_input_keeps_the_contract(log):
    """The example, with a log that is there."""
    contract.check(CATALOG.input("file"), f"source access = file('{log}')\nsink out = access -> null()")


def test_standard_input_keeps_the_contract(log, monkeypatch):
    """The example, with a log as standard input."""
    with log.open("rb") as file:
        monkeypatch.setattr(sys, "stdin", file)
        contract.check(CATALOG.input("stdin"), reset=lambda: file.seek(0))


def test_decode_keeps_the_contract(log):
    """The example, with a log that is there."""
    program = f"source access = file('{log}') transform parsed = access | decode(nginx) sink out = parsed -> null()"
    contract.check(CATALOG.filter("decode"), program)


def test_lookup_keeps_the_contract(tmp_path, monkeypatch):
    """The example, with a table that is there."""
    (tmp_path / "statuses.csv").write_text("status,meaning,retry\n200,OK,no\n503,Service Unavailable,yes\n")
    monkeypatch.chdir(tmp_path)
    contract.check(CATALOG.filter("lookup"))


@pytest.mark.parametrize("name", WEB)
def test_outputs_over_http_keep_the_contract(name):
    """The example, with a server that is there; one that knows keys takes each request of `http` once."""
    url, answers = WEB[name]
    with collecting(answers) as server:
        output = CATALOG.output(name)
        contract.check(
            output,
            output.example.replace(url, server.url).replace("-> http(", "-> http(idempotent: true, url: "),
            reset=server.taken.clear,
            effect=lambda: {key: asked.body for key, asked in server.taken.items()},
        )


@pytest.mark.parametrize("name", CATALOG.names("codecs"))
def test_codecs_keep_the_contract(name, log, monkeypatch):
    """The example, with a log that is there, and files below a folder of the test."""
    monkeypatch.chdir(log.parent)
    codec = CATALOG.codec(name)
    contract.check(codec, codec.example.replace("/var/log/nginx/access.log*", str(log)))
