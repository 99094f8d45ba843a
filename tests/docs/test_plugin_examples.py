"""The examples of all plugins, run."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from running import pipe

from pipeline.agent.agent import Agent, Report, Settings
from pipeline.agent.telemetry import Journal
from pipeline.columns.traffic import Traffic
from pipeline.env.real import RealEnv
from pipeline.lang import Source
from pipeline.plan.catalog import Catalog
from pipeline.plan.load import load
from pipeline.plan.pages import find

SERVED = ("datadog", "dns", "http", "kafka", "kinesis", "loki", "opensearch", "s3", "splunk_hec")
"""Those whose example needs a server; their own tests run it."""

TABLE = "statuses.csv"
LOG = "/var/log/nginx/access.log*"
EXAMPLES = [
    (kind, name)
    for kind in ("inputs", "filters", "outputs", "codecs")
    for name in Catalog.installed().names(kind)  # type: ignore[arg-type]
    if name != "stdin" and name not in SERVED
]


def run(program: str, folder: Path, catalog: Catalog) -> Report:
    """Run a program once, below a folder. Raises what the agent raises; a journal entry of a plugin is an error here."""
    graph = load(Source("example", program), catalog=catalog).graph
    assert graph is not None
    env, told = RealEnv(3), list[str]()
    try:
        agent = Agent(
            env, graph, Settings("example", folder / "state", folder, once=True), Journal(told.append, env.clock)
        )
        asyncio.run(agent.run())
    finally:
        env.close()
    assert told == []
    return agent.report


@pytest.mark.parametrize(("kind", "name"), EXAMPLES, ids=[name for _, name in EXAMPLES])
def test_examples_run(kind: str, name: str, catalog: Catalog, tmp_path: Path) -> None:
    """The example reads all 100 lines, rejects few of them, and every row is accounted for in every stage but windows."""
    log = tmp_path / "access.log"
    log.write_bytes(Traffic(1, 1_790_000_000_000_000, 10_000.0).lines(0, 100))
    table = tmp_path / TABLE
    table.write_text("status,meaning,retry\n200,OK,no\n503,Service Unavailable,yes\n")
    program = find(catalog, kind, name).example.replace(LOG, str(log)).replace(TABLE, str(table))  # type: ignore[arg-type, union-attr]
    counts = run(program, tmp_path, catalog).counts
    sources = {stage for stage, _ in counts} & {"access", "traffic"}
    assert sources
    assert all(counts[stage, "in"] == 100 for stage in sources)
    assert sum(rows for (_, outcome), rows in counts.items() if outcome == "rejected") <= 2
    for stage in {stage for stage, _ in counts} - sources:
        if not counts.get((stage, "windowed")):
            came, gone = (
                sum(counts.get((stage, outcome), 0) for outcome in outcomes)
                for outcomes in (("in", "made"), ("out", "filtered", "rejected", "joined"))
            )
            assert came == gone, (stage, counts)


@pytest.mark.parametrize(
    ("kind", "name"), [("inputs", "file"), ("filters", "where"), ("outputs", "null"), ("codecs", "json")]
)
def test_a_wrong_example_is_noticed(
    kind: str, name: str, catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that reads less than it should, and one that is no program: an example of each kind is run from where it is written."""
    plugin = find(catalog, kind, name)  # type: ignore[arg-type]
    right = plugin.example  # type: ignore[union-attr]
    for planted in ("source traffic = generate(count: 99) sink planted = traffic -> null()", "sink planted = nobody"):
        monkeypatch.setattr(plugin, "example", f"{right}\n{planted}")
        with pytest.raises(AssertionError):
            test_examples_run(kind, name, catalog, tmp_path)


FACTS = """
source log = file("events.ndjson")
transform facts = log
  | json(schema: {remote_addr: string, referer: string, version: string, request_time: float, body_bytes_sent: int})
  | set { @timestamp = time('2026-01-01') }
  | window(10s) { METRIC }
sink out = facts -> file("facts.ndjson")
"""
FIELDS = ("remote_addr", "host", "path", "referer", "version", "status", "request_time", "body_bytes_sent")
EVENTS = [
    ("192.0.2.1", "web1", "/", "a", "1.0", 200, 0.5, 100),
    ("192.0.2.1", "web1", "/", None, "1.1", 200, 1.5, 50),
    ("192.0.2.2", "web1", "/b", "b", None, 404, 4.0, 7),
]
MADE: dict[str, list[object]] = {
    "count": [2, 1],
    "distinct": [2],
    "first": ["a", "b"],
    "last": ["1.1", None],
    "max": [4.0],
    "mean": [2.0],
    "min": [0.5],
    "quantile": [3.95],
    "rate": [0.2, 0.1],
    "sum": [150, 7],
    "top": [2],
}


def facts_of(name: str, catalog: Catalog, folder: Path) -> list[object]:
    """What the example of an aggregate makes of EVENTS."""
    lines = [json.dumps(dict(zip(FIELDS, event, strict=True))) + "\n" for event in EVENTS]
    (folder / "events.ndjson").write_text("".join(lines))
    program = FACTS.replace("METRIC", catalog.aggregate(name).example).replace("events", str(folder / "events"))
    run(program, folder, catalog)
    facts = map(json.loads, (folder / "facts.ndjson").read_text().splitlines())
    return [fact.get("value", fact.get("text")) for fact in facts]


@pytest.mark.parametrize("name", Catalog.installed().names("aggregates"))
def test_example_of_an_aggregate_runs(name: str, catalog: Catalog, tmp_path: Path) -> None:
    """It has a value for each of its groups."""
    assert facts_of(name, catalog, tmp_path) == MADE[name]


def test_a_wrong_example_of_an_aggregate_is_noticed(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that is run is the one that the page has."""
    monkeypatch.setattr(type(catalog.aggregate("sum")), "example", "volume = sum(request_time) by status")
    assert facts_of("sum", catalog, tmp_path) != MADE["sum"]


def test_example_of_stdin_runs(catalog: Catalog, tmp_path: Path) -> None:
    """The example shows the lines that are piped in, also the last without a newline."""
    done = pipe(tmp_path, "run", "-e", catalog.input("stdin").example, "--once", stdin=b"one\ntwo")
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 2)
