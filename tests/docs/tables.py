"""The parts of docs/language.md that are made from the code, between `<!-- name -->` and `<!-- end -->`.

python tests/docs/tables.py writes them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from pipeline.lang import Source
from pipeline.lang.codes import CODES
from pipeline.plan.catalog import Catalog
from pipeline.plan.load import load
from pipeline.plan.pages import summary

ROOT = Path(__file__).parents[2]
LANGUAGE = ROOT / "docs" / "language.md"
WINDOWS = ROOT / "tests" / "language" / "windows.pipe"


def functions(catalog: Catalog) -> str:
    """Every function with its parameters and the first sentence of its docs."""
    rows = []
    for name in catalog.names("functions"):
        function = catalog.function(name)
        told = ", ".join(given.name if given.required else f"[{given.name}]" for given in function.parameters)
        more = ", …" if function.variadic else ""
        rows.append(_row(f"`{name}({told}{more})`", summary(function)))
    return _table("function", rows)


def diagnostics(catalog: Catalog) -> str:
    """Every code with what it means."""
    return _table("code", [_row(code.code, f"**{code.title}.** {code.explanation}") for code in CODES.values()])


def guarantees(catalog: Catalog) -> str:
    """What each output promises, with the options of its example."""
    rows = []
    for name in catalog.names("outputs"):
        graph = load(Source(name, catalog.output(name).example), catalog=catalog).graph
        assert graph is not None, name
        sink = next(stage for stage in graph.stages.values() if stage.output is not None)
        assert sink.output is not None
        promise, why = sink.output.guarantee()
        rows.append(_row(f"[`{name}`](plugins/outputs/{name}.md)", promise, why))
    return _table("output", rows, columns=3)


def windows(catalog: Catalog) -> str:
    """What windows do with times, as the names of their tests say it."""
    text = WINDOWS.read_text(encoding="utf-8")
    cases = load(Source(WINDOWS.name, text), catalog=catalog).checked.cases
    return _table("case", [_row(*case.name.split(": ", 1)) for case in cases])


MADE: dict[str, Callable[[Catalog], str]] = {
    "functions": functions,
    "diagnostics": diagnostics,
    "guarantees": guarantees,
    "windows": windows,
}


def filled(text: str, catalog: Catalog) -> str:
    """The page with its made parts made anew."""
    for name, make in MADE.items():
        table = make(catalog).replace("\\", r"\\")
        text, found = re.subn(rf"(<!-- {name} -->\n).*?(<!-- end -->)", rf"\g<1>{table}\g<2>", text, flags=re.DOTALL)
        assert found == 1, name
    return text


def _table(first: str, rows: list[str], columns: int = 2) -> str:
    blank = " | ".join([first, *[""] * (columns - 1)])
    return "\n".join([f"| {blank} |".replace("|  |", "| |").replace("|  |", "| |"), "|---" * columns + "|", *rows, ""])


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


if __name__ == "__main__":
    LANGUAGE.write_text(filled(LANGUAGE.read_text(encoding="utf-8"), Catalog.installed()), encoding="utf-8")
