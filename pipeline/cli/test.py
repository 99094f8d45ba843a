"""`pipe test`: the tests of programs, on a virtual clock."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click

from pipeline.cli.parameters import DURATION, settings_of
from pipeline.cli.programs import checked, loaded, read
from pipeline.errors import ConfigurationError, NoInputError, UsageError
from pipeline.plan.cases import Case
from pipeline.plan.graph import Graph
from pipeline.plan.load import Loaded
from pipeline.trials.junit import Result, junit
from pipeline.trials.program import player
from pipeline.trials.report import failure, problem

FAILED = 1
"""Exit code when a test fails; everything else ends with a code of sysexits."""


@click.command("test")
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option("--filter", "wanted", metavar="TEXT", help="Only tests with this text in their names.")
@click.option("--junit", "report", metavar="FILE", help="Write the results as JUnit XML, too.")
@click.option("--update", is_flag=True, help="Write what was found in the place of lists after == that are not met.")
@click.option(
    "--record",
    multiple=True,
    metavar="SOURCE[=FILE]",
    help="Run nothing: print a test made of the lines of a file (`-` is standard input), or of the records that the running "
    "program reads now. They are written as they come, with the addresses, names and secrets in them: look before you keep them.",
)
@click.option(
    "--count", type=click.IntRange(1, 1000), default=100, show_default=True, help="Records of a source, with --record."
)
@click.option(
    "--for", "seconds", type=DURATION, default=10.0, metavar="D", help="How long to wait for a running program [10s]."
)
@click.option("--state", metavar="DIR", help="State of the running program [default: ./.pipe/<name of FILE>].")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Another value for a `let`.")
def command(
    files: tuple[str, ...],
    wanted: str | None,
    report: str | None,
    update: bool,
    record: tuple[str, ...],
    count: int,
    seconds: float,
    state: str | None,
    settings: tuple[str, ...],
) -> int:
    """Run the `test` blocks of programs, each on a virtual clock and a disk of its own: nothing is read from their inputs or
    written to their outputs. Exits 1 when a test fails, 65 when a program has errors."""
    given = settings_of(settings)
    found = [loaded(read(file), given) for file in files]
    graphs = [checked(program, quiet=True) for program in found]
    if record:
        _demand_alone(wanted, report, update=update)
        from pipeline.cli.recording import Live, recorded

        if len(found) != 1:
            raise UsageError(
                "--record takes one program", "pipe test FILE --record SOURCE=LINES, or --record SOURCE while it runs"
            )
        click.echo(recorded(found[0], record, count, Live(files[0], state, seconds)), nl=False)
        return 0
    results: list[Result] = []
    for program, graph in zip(found, graphs, strict=True):
        chosen = [case for case in program.checked.cases if wanted is None or wanted in case.name]
        results += _run(program, graph, chosen, update=update)
    if not results:
        where = ", ".join(files)
        raise NoInputError(f"there is no test in {where}" + (f" with '{wanted}' in its name" if wanted else ""))
    if report is not None:
        try:
            Path(report).write_text(junit(results), encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(f"cannot write {report}: {error.strerror}") from error
    failed = sum(bool(result.problem) for result in results)
    click.echo(f"{_tests(len(results))}, {f'{failed} failed' if failed else 'all passed'}")
    return FAILED if failed else 0


def _demand_alone(wanted: str | None, report: str | None, *, update: bool) -> None:
    """Raise UsageError for options of tests that run beside --record, which runs none."""
    given = {"--filter": wanted is not None, "--junit": report is not None, "--update": update}
    if other := next((name for name, there in given.items() if there), None):
        raise UsageError(f"--record runs no tests, and {other} is about tests that run", f"Leave out {other}.")


def _run(program: Loaded, graph: Graph, chosen: Sequence[Case], *, update: bool) -> list[Result]:
    play = player(program)
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    outcomes = []
    results = []
    for case in chosen:
        begun = time.perf_counter()
        outcome = play(case)
        taken = time.perf_counter() - begun
        file, line = case.span.source.name, case.span.line
        if outcome.passed:
            results.append(Result(file, line, case.name, taken))
            click.echo(f"ok    {file}: {case.name}")
        else:
            outcomes.append(outcome)
            details = failure(outcome, graph)
            results.append(Result(file, line, case.name, taken, problem(outcome), details))
            click.echo(f"FAIL  {file}: {case.name}")
            click.echo("\n".join(f"  {text}" for text in failure(outcome, graph, colour=colour).split("\n")))
    if update:
        from pipeline.cli.recording import accept

        for name, number in accept(outcomes).items():
            click.echo(f"{name}: {number} list{'' if number == 1 else 's'} rewritten")
    return results


def _tests(number: int) -> str:
    return f"{number} test{'' if number == 1 else 's'}"
