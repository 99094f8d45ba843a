"""The checker with the plugins of this repository."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from house import house
from test_expressions import scope

from pipeline.api import Window
from pipeline.lang.parse import parse_expression
from pipeline.lang.spans import Source
from pipeline.plan.catalog import Catalog
from pipeline.plan.expressions import compile_expression, evaluate
from pipeline.plan.findings import Findings
from pipeline.plan.graph import Step
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
    for names, plugin in (
        ("inputs", catalog.input),
        ("filters", catalog.filter),
        ("outputs", catalog.output),
        ("codecs", catalog.codec),
    ):
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


OPEN = "source a = file('a.log')\ntransform t = a | json() | set {{ y = {call} }}\nsink q = t -> console()\n"


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        ("join(x, ',')", "list of string"),
        ("list_sum(x)", "list of float"),
        ("sort(x)", "list of string"),
        ("unique(x)", "list of json"),
        ("length(split(x, ','))", "string"),
        ("get(x, 'a[0]')", "json"),
        ("elements(x)", "json"),
        ("append(x, ['a'])", "list of string"),
    ],
)
def test_lists_of_open_records_have_the_elements_that_a_function_takes(call: str, kind: str, catalog: Catalog) -> None:
    """A member whose type nobody stated is a list of what the function's parameter says."""
    found = load(Source("o.pipe", OPEN.format(call=call)), catalog=catalog)
    assert found.graph is not None, found.diagnostics
    assert str(found.graph.stages["t"].columns[""].fields["x"]) == kind


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("join([1, 2], ',')", "`items` of `join` is a list of string, not a list of int"),
        ("list_sum(split(x, ','))", "`x` of `list_sum` is a list of int or float, not a list of string"),
        ("flatten(x)", "`flatten`: it flattens a list of lists, not a list of json"),
    ],
)
def test_lists_of_other_elements_are_refused(call: str, message: str, catalog: Catalog) -> None:
    """A list whose elements a function cannot take is an error of the program, told once."""
    found = load(Source("o.pipe", OPEN.format(call=call)), catalog=catalog)
    assert [(diagnostic.code, diagnostic.message) for diagnostic in found.diagnostics] == [("P305", message)]


WORDS = [match.span() for match in re.finditer(r"#.*|'[^']*'|\"[^\"]*\"|[@\w.]+|->|==|[^\s\w]", NGINX)]


@pytest.mark.parametrize("part", range(8))
def test_a_program_with_a_word_missing_or_doubled_is_checked_to_the_end(catalog: Catalog, part: int) -> None:
    """Without each of its words in turn, and with each one twice, the main program has a graph or says why not."""
    for start, end in WORDS[part::8]:
        for text in (NGINX[:start] + NGINX[end:], NGINX[:end] + " " + NGINX[start:end] + NGINX[end:]):
            found = load(Source("nginx.pipe", text), catalog=catalog)
            errors = [diagnostic for diagnostic in found.diagnostics if diagnostic.severity == "error"]
            assert (found.graph is None) == bool(errors)


WINDOWED = (
    "source a = file('a.log')\n{let}\nsink q = a | grok('%{{INT:n:int}}') | window(1d) {{{metric}}} -> console()\n"
)


def window(metric: str, catalog: Catalog, let: str = "let k = 1", **given: str) -> Step:
    """The window of a program with one metric; `given` is what `--set` and the environment say."""
    program = Source("w.pipe", WINDOWED.format(let=let, metric=metric))
    settings = {"k": given["k"]} if "k" in given else {}
    found = load(program, catalog=catalog, settings=settings, variables={"E": given.get("E", "1")})
    assert found.graph is not None, found.diagnostics
    (stage,) = found.graph.windows
    assert stage.window is not None
    return stage.window


def mark(step: Step) -> str:
    assert isinstance(step.plugin, Window)
    return step.plugin.fingerprint


@pytest.mark.parametrize(
    "metric",
    [
        "s=sum(n*k) where n>k",
        "s = sum( n * k )  where n > k ,",
        "# why\n s = sum(n # here\n * k) where n > k",
        "s = sum((n * k)) where (n > k)",
        "s = sum(`n` * k) where n > k",
        "s = sum(n * 1) where n > 1",
    ],
)
def test_the_layout_of_a_window_is_not_in_its_fingerprint(metric: str, catalog: Catalog) -> None:
    """White space, comments, brackets, back-ticks and the names of constants mean nothing: open windows go on."""
    assert mark(window(metric, catalog)) == mark(window("s = sum(n * k) where n > k", catalog))


@pytest.mark.parametrize(
    ("metric", "given"),
    [
        ("s = sum(n * k)", {"k": "1000"}),
        ("s = sum(n) where n > k", {"k": "2"}),
        ("s = sum(n * k)", {"let": "let m = 7 let k = m * 2"}),
        ("s = sum(n * int(env('E')))", {"E": "2"}),
        ("s = sum(n) where string(n) in ks", {"let": "let ks = ['1'] let k = 1"}),
        ('s = max("{k}")', {"k": "2"}),
    ],
)
def test_what_constants_and_variables_are_is_in_the_fingerprint_of_a_window(
    metric: str, given: dict[str, str], catalog: Catalog
) -> None:
    """Another `--set`, another `let`, another environment: the state of before would mix two meanings."""
    before = {"let": "let ks = ['1', '2'] let k = 1"} if "ks" in metric else {}
    assert mark(window(metric, catalog, **given)) != mark(window(metric, catalog, **before))


def test_steps_are_shown_as_programs_without_comments_whatever_their_layout(catalog: Catalog) -> None:
    """The text of a step can be read again, and is the same after `pipe fmt`."""
    shown = "window(1d) { a = count() by n, b = top(3, n) where n > 1 }"
    for metric in (
        "# e1 x\n a = count() by n # e2\n b=top(3,n,) where n>1",
        "a = count() by n b = top(3, n) where n > 1",
    ):
        assert window(metric, catalog).text == shown
    assert window(shown.partition("{")[2].rpartition("}")[0], catalog).text == shown


def test_a_ranking_is_named_after_its_expression_whatever_the_layout(catalog: Catalog) -> None:
    """`by` in the facts has the text of what is ranked: it must not change with a comment."""
    texts = {
        metric.arguments[1].text
        for written in ("t = top(3, string( n )+'x')", "t = top(3, string(n) # c\n + 'x')")
        for metric in window(written, catalog).plugin.options.block  # type: ignore[attr-defined]
    }
    assert texts == {"string(n) + 'x'"}
