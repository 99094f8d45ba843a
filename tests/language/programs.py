"""Programs with tests, and how they are run here: in this process, one test at a time."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pipeline.cli.programs import included
from pipeline.lang import Source, render
from pipeline.plan.catalog import Catalog
from pipeline.plan.load import Loaded, load
from pipeline.trials.program import player
from pipeline.trials.report import failure
from pipeline.trials.run import Outcome

ROOT = Path(__file__).parents[2]


@cache
def house() -> Catalog:
    return Catalog.installed()


def loaded(text: str, name: str = "a.pipe", settings: Mapping[str, str] | None = None) -> Loaded:
    """A program without errors."""
    found = load(Source(name, text), catalog=house(), settings=settings, read=included)
    assert found.graph is not None, "\n".join(map(render, found.diagnostics))
    return found


def played(text: str, name: str = "a.pipe", settings: Mapping[str, str] | None = None) -> list[Outcome]:
    """What becomes of the tests of a program."""
    found = loaded(text, name, settings)
    play = player(found, house())
    return [play(case) for case in found.checked.cases]


def failures(text: str, name: str = "a.pipe") -> list[str]:
    """What is said of the tests that fail."""
    found = loaded(text, name)
    assert found.graph is not None
    return [failure(outcome, found.graph) for outcome in played(text, name) if not outcome.passed]
