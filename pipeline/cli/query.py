"""`pipe query`: a question, answered."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import cast

import click

from pipeline.agent.agent import Settings
from pipeline.cli.failures import say
from pipeline.cli.parameters import settings_of
from pipeline.cli.programs import checked, installed
from pipeline.cli.results import Form, Options, Results
from pipeline.cli.session import Session
from pipeline.env.real import RealEnv
from pipeline.errors import ConfigurationError, TemporaryError
from pipeline.lang import Source
from pipeline.plan.graph import AnyOutput, Graph
from pipeline.plan.load import RESULT, load_query


@click.command("query")
@click.argument("query")
@click.option(
    "--format", "form", type=click.Choice(["table", "json", "csv"]), help="[default: table on a terminal, else json]"
)
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", hidden=True)
def command(query: str, form: Form | None, settings: tuple[str, ...]) -> None:
    """Run a chain over a finite input and print what comes out.

    pipe query 'file("a.log") | grok(\\'%{NGINX_COMBINED}\\') | where(status >= 500) | top(10, path)'

    The last filter may be an aggregate: it is then computed over the whole input. `json` is one object a line."""
    source = Source("<query>", query)
    variables = dict(os.environ)
    graph = checked(
        load_query(source, output="null()", catalog=installed(), settings=settings_of(settings), variables=variables)
    )
    for origin in graph.sources:
        if origin.input is not None and not origin.input.finite:
            raise ConfigurationError(
                f"{origin.plugin}() has no end here", "A query reads its input to the end: bound it."
            )
    stage = graph.stages[RESULT]
    options = Options(format=form or ("table" if sys.stdout.isatty() else "json"))
    results = Results(options, stage.steps[-1].columns if stage.steps else stage.incoming)
    stages = {**graph.stages, RESULT: replace(stage, output=cast("AnyOutput", results), plugin=results.name)}
    rejected = _run(replace(graph, stages=stages), results)
    if rejected:
        say("warning", f"{rejected:,} rows could not be processed and are not in the result")


def _run(graph: Graph, results: Results) -> int:
    """Run the graph to the end of its input in a temporary state. Gives the number of rejected rows."""
    env = RealEnv()
    try:
        with tempfile.TemporaryDirectory(prefix="pipe-", ignore_cleanup_errors=True) as temporary:
            settings = Settings("<query>", Path(temporary) / "state", Path.cwd(), once=True)
            session = Session(env, settings, stopping="stopping (Ctrl-C again to kill)")
            results.stop = session.stop
            report = asyncio.run(session.run(graph))
    finally:
        env.close()
    if session.stopped == signal.SIGINT:
        raise KeyboardInterrupt
    if session.stopped is not None:
        raise TemporaryError("the query was stopped before the end of its input", "What was printed is not all.")
    results.conclude()
    return sum(rows for (_, outcome), rows in report.counts.items() if outcome == "rejected")
