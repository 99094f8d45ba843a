"""The checker with the plugins of this repository."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from house import house
from test_expressions import scope

from pipeline.lang.parse import parse_expression
from pipeline.lang.spans import Source
from pipeline.plan.catalog import Catalog
from pipeline.plan.expressions import compile_expression, evaluate
from pipeline.plan.findings import Findings
from pipeline.plan.load import load

NGINX = Path(__file__).with_name("nginx.pipe").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return house()


def test_nginx_has_no_errors(catalog: Catalog) -> None:
    """The main program is checked with the real plugins; the sample database is its only warning."""
    found = load(Source("nginx.pipe", NGINX), catalog=catalog)
    assert [(diagnostic.severity, diagnostic.code) for diagnostic in found.diagnostics] == [("warning", "P403")]
    assert found.graph is not None


def test_examples_of_all_plugins_are_right(catalog: Catalog) -> None:
    """Every plugin's example is a program without errors."""
    for names, plugin in (("inputs", catalog.input), ("filters", catalog.filter), ("outputs", catalog.output)):
        for name in catalog.names(names):  # type: ignore[arg-type]
            found = load(Source(name, plugin(name).example), catalog=catalog)
            assert found.graph is not None, (name, found.diagnostics)


def test_examples_of_all_functions_give_their_results(catalog: Catalog) -> None:
    """Calls of constants are computed when the program is loaded, as the documentation says."""
    count = 0
    for name in catalog.names("functions"):
        for example in catalog.function(name).examples:
            tree = parse_expression(Source("e", example.call)).tree
            assert tree is not None, example
            findings = Findings()
            typed = compile_expression(tree, replace(scope({}, findings), catalog=catalog))
            assert typed is not None, (example, findings.all)
            assert evaluate(typed) == example.result, example
            count += 1
    assert count > 100


WORDS = [match.span() for match in re.finditer(r"#.*|'[^']*'|\"[^\"]*\"|[@\w.]+|->|==|[^\s\w]", NGINX)]


@pytest.mark.parametrize("part", range(8))
def test_a_program_with_a_word_missing_or_doubled_is_checked_to_the_end(catalog: Catalog, part: int) -> None:
    """Without each of its words in turn, and with each one twice, the main program has a graph or says why not."""
    for start, end in WORDS[part::8]:
        for text in (NGINX[:start] + NGINX[end:], NGINX[:end] + " " + NGINX[start:end] + NGINX[end:]):
            found = load(Source("nginx.pipe", text), catalog=catalog)
            errors = [diagnostic for diagnostic in found.diagnostics if diagnostic.severity == "error"]
            assert (found.graph is None) == bool(errors)
