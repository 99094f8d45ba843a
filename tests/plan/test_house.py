"""The checker with the plugins of this repository."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from house import house
from test_expressions import scope

from pipeline.api import FLOAT, Window
from pipeline.columns.types import METADATA
from pipeline.lang.parse import parse_expression
from pipeline.lang.spans import Source
from pipeline.plan import foreign
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


@pytest.mark.parametrize(
    "stage",
    [
        "set { m = abs(x) }",
        "set { m = greatest(x, 0.5) }",
        "set { m = least(x) }",
        "window(1d) by y { m = max(x) }",
        "window(1d) by y { m = min(x) }",
    ],
)
def test_a_member_that_is_only_known_to_be_a_number_is_a_float(stage: str, catalog: Catalog) -> None:
    """Where ints, floats and more are taken, a JSON number is not cut down to an int, which 1.5 is not."""
    found = load(
        Source("j.pipe", f"source a = file('a')\ntransform t = a | json() | {stage}\nsink q = t -> null()"),
        catalog=catalog,
    )
    assert found.graph is not None, found.diagnostics
    assert found.graph.stages["t"].columns[""].fields["m"] == FLOAT


@pytest.mark.parametrize("let", ["let db = env('DB', null)", "let db = null"])
@pytest.mark.parametrize("argument", ["db", "env('DB', null)"])
def test_an_option_is_left_out_by_what_comes_to_null(let: str, argument: str, catalog: Catalog) -> None:
    """An option may be taken from the environment where there is something, and have its default where there is not."""
    text = f"{let}\nsource a = file('a', codec: nginx)\nsink q = a | geoip(remote_addr, db: {argument}) -> null()"

    def database(**variables: str) -> object:
        found = load(Source("g.pipe", text), catalog=catalog, variables=variables)
        assert found.graph is not None, found.diagnostics
        assert found.checked.variables == ({"DB"} if "env" in text else set())
        return found.graph.stages["q"].before[0].plugin.options.db  # type: ignore[attr-defined]

    assert database() is None
    if "env" in (let if argument == "db" else argument):
        assert database(DB="places.mmdb") == "places.mmdb"


def test_what_needs_a_value_does_not_take_null_from_the_environment(catalog: Catalog) -> None:
    """Null is for options that can be left out; others say what they are."""
    text = "source a = file(env('LOG', null))\nsink q = a -> null()"
    found = load(Source("g.pipe", text), catalog=catalog, variables={})
    assert [(one.code, one.message) for one in found.diagnostics] == [
        ("P206", "`globs` of `file` is a string or a list")
    ]


def test_advice_for_names_of_other_languages_is_about_names_of_this_one(catalog: Catalog) -> None:
    """What stands on the left is no name here, and all that is written on the right is."""
    ours = {
        kind: set(catalog.names(kind))  # type: ignore[arg-type]
        for kind in ("filters", "functions", "aggregates")
    }
    for kind, table in (
        ("filters", foreign.FILTERS),
        ("functions", foreign.FUNCTIONS),
        ("aggregates", {**foreign.AGGREGATES, "p99": foreign.aggregate("p99")}),
    ):
        assert not ours[kind] & table.keys()
        for advice in table.values():
            written = re.findall(r"`([^`]+)`", advice)
            assert written, advice
            named = {
                name
                for text in written
                for name in re.findall(r"(?:(?<=^)|(?<== ))[a-z_]+(?=!?\(| \{)|^[a-z_]+$", text)
            }
            assert named <= set.union(*ours.values()), advice
            assert {name for text in written for name in re.findall(r"@\w+", text)} <= METADATA.keys(), advice
