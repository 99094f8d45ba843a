"""The examples of all plugins, run."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from running import pipe

from pipeline.agent.agent import Agent, Report, Settings
from pipeline.agent.telemetry import Journal
from pipeline.columns.traffic import Traffic
from pipeline.env.real import RealEnv
from pipeline.errors import ConfigurationError
from pipeline.lang import Source
from pipeline.plan.catalog import Catalog
from pipeline.plan.load import load
from pipeline.plan.pages import find

UNDELIVERED = ("opensearch",)
"""Outputs that are checked and refused when they are run."""

REMOTE = ("s3",)
"""Outputs whose examples run against a server: tests/services."""

TABLE = "statuses.csv"
LOG = "/var/log/nginx/access.log*"
EXAMPLES = [
    (kind, name)
    for kind in ("inputs", "filters", "outputs", "codecs")
    for name in Catalog.installed().names(kind)  # type: ignore[arg-type]
    if name != "stdin" and name not in UNDELIVERED + REMOTE
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
                for outcomes in (("in", "made"), ("out", "filtered", "rejected"))
            )
            assert came == gone, (stage, counts)


def test_example_of_stdin_runs(catalog: Catalog, tmp_path: Path) -> None:
    """The example shows the lines that are piped in, also the last without a newline."""
    done = pipe(tmp_path, "run", "-e", catalog.input("stdin").example, "--once", stdin=b"one\ntwo")
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 2)


@pytest.mark.parametrize("name", UNDELIVERED)
def test_examples_that_cannot_be_delivered_are_refused(name: str, catalog: Catalog, tmp_path: Path) -> None:
    """Outputs of a later version refuse to start, in words, before anything is read."""
    with pytest.raises(ConfigurationError, match="cannot deliver to"):
        run(catalog.output(name).example, tmp_path, catalog)
