"""The tests of a program, ready to be run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.lang.spans import Source
from pipeline.plan.cases import Case, Supply
from pipeline.plan.catalog import Catalog
from pipeline.plan.events import Record
from pipeline.plan.graph import Graph
from pipeline.plan.load import Loaded
from pipeline.trials.run import Outcome, play


def player(found: Loaded, catalog: Catalog | None = None) -> Callable[[Case], Outcome]:
    """What runs the tests of a program that has no errors."""
    plugins = catalog or Catalog.installed()
    recipe = found.recipe
    cases = found.checked.cases
    bare = replace(
        recipe,
        main=_without(recipe.main, cases),
        included={key: tuple(_without(source, cases) for source in group) for key, group in recipe.included.items()},
    )

    def build() -> Graph:
        return bare.build(plugins)

    return lambda case: play(case, build, _read)


def _without(source: Source, cases: Sequence[Case]) -> Source:
    """The source with its tests blanked out, so that every life need not check them again; places stay what they are."""
    text = source.text
    for case in cases:
        if case.span.source.name == source.name:
            blank = "".join("\n" if character == "\n" else " " for character in case.span.text)
            text = text[: case.span.start] + blank + text[case.span.end :]
    return Source(source.name, text)


def _read(step: Supply) -> Sequence[Record]:
    """The lines of a file whose path is relative to the program that names it."""
    data = (Path(step.span.source.name).parent / step.file).read_bytes()
    return [Record(line, {}) for line in data.removesuffix(b"\n").split(b"\n")] if data else []
