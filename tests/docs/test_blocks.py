"""What the pages show as programs are programs."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from pages import ROOT, Block, blocks

from pipeline.columns.types import Columns
from pipeline.lang import Source, parse_expression, render
from pipeline.plan.catalog import Catalog
from pipeline.plan.expressions import compile_expression, evaluate
from pipeline.plan.findings import Findings
from pipeline.plan.inference import Unknowns
from pipeline.plan.load import load
from pipeline.plan.scope import Point, Scope

FRAGMENT = """
source access = generate(count: 100)
transform parsed = access | grok('%{NGINX_COMBINED}')
  FRAGMENT
sink out = parsed -> null()
"""
METRIC = """
source access = generate(count: 100)
transform facts = access | json() | window(10s) { METRIC }
sink out = facts -> null()
"""
LANGUAGE = ROOT / "docs" / "language.md"


def whole(block: Block) -> str:
    """The block as a program: fragments follow a parsed log, examples of aggregates stand in a window."""
    if block.page.name == "aggregates.md":
        return METRIC.replace("METRIC", block.text)
    return FRAGMENT.replace("FRAGMENT", block.text) if block.kind == "pipe fragment" else block.text


@pytest.mark.parametrize("block", blocks("pipe", "pipe fragment"), ids=str)
def test_programs_have_no_errors(catalog: Catalog, block: Block) -> None:
    """Every program and every fragment on a page passes the checker."""
    found = load(Source(str(block), whole(block)), catalog=catalog)
    assert found.graph is not None, [(diagnostic.code, diagnostic.message) for diagnostic in found.diagnostics]


@pytest.mark.parametrize("block", blocks("pipe values"), ids=str)
def test_values_are_as_written(catalog: Catalog, block: Block) -> None:
    """Each line `expression   # JSON` comes to just this value."""
    for line in block.text.splitlines():
        text, _, expected = line.rpartition(" # ")
        assert value(text.strip(), catalog) == json.loads(expected), line


def value(text: str, catalog: Catalog) -> object:
    """What an expression of constants comes to."""
    tree = parse_expression(Source("expression", text)).tree
    assert tree is not None, text
    findings = Findings()
    scope = Scope(
        catalog=catalog, findings=findings, unknowns=Unknowns(), constants={}, variables={}, patterns={},
        point=Point(Columns({})),
    )  # fmt: skip
    typed = compile_expression(tree, replace(scope, loading=True))
    assert typed is not None, (text, findings.all)
    return evaluate(typed)


def test_the_diagnostic_is_a_real_one(catalog: Catalog) -> None:
    """The diagnostic on the page is what the checker says about the program on the page, with a field misspelt."""
    program = next(block for block in blocks("pipe") if block.page == LANGUAGE).text
    wrong = Source("slow.pipe", program.replace("where(status", "where(statsu"))
    (diagnostic,) = load(wrong, catalog=catalog).diagnostics
    shown = "".join(f"    {line}\n" for line in render(diagnostic, colour=False).splitlines())
    assert shown in LANGUAGE.read_text(encoding="utf-8")
