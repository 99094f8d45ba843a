"""Programs from text to graph and back: includes, recipes, pictures, explanations."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
from fakes import CATALOG

from pipeline.errors import ProgramError
from pipeline.lang.spans import Source
from pipeline.plan.catalog import Catalog
from pipeline.plan.explain import explain
from pipeline.plan.load import load, load_query
from pipeline.plan.picture import picture

NGINX = Path(__file__).with_name("nginx.pipe").read_text(encoding="utf-8")

SMALL = """
source a = make(count: 5)
transform r = a | where(i > 1) | route { slow = f > 1 }
transform w = r.slow | set { x = "{i}" } | window(10s, lateness: 5s) { n = count() }
sink out = [w, r.else] -> file("out/{s}.log")
sink bad = r.rejected -> console()
"""


def test_a_recipe_makes_the_same_graph_elsewhere() -> None:
    """A recipe survives pickling and has only the variables that the program asks for."""
    files = {"lib/*.pipe": [Source("lib/p.pipe", "pattern MINE = 'x'\ninclude 'deep.pipe'"), Source("lib/q.pipe", "")]}
    deep = {("deep.pipe", "lib/p.pipe"): [Source("lib/deep.pipe", "let n = duration(env('N', '1s'))")]}

    def read(pattern: str, source: Source) -> list[Source]:
        return files.get(pattern) or deep[pattern, source.name]

    text = "include 'lib/*.pipe'\n" + NGINX + "transform g = access | grok('%{MINE:m}') | where(n > 0s)\n"
    text += "sink more = g -> console()\n"
    found = load(Source("x", text), catalog=CATALOG, variables={"N": "3s", "SECRET": "s"}, read=read, name="job")
    assert found.diagnostics == ()
    assert found.graph is not None
    again = pickle.loads(pickle.dumps(found.recipe))
    assert again == found.recipe
    assert again.variables == {"N": "3s"}
    graph = again.build(CATALOG)
    assert (graph.name, graph.fingerprint) == ("job", found.graph.fingerprint)
    assert graph.stages["g"].before[0].plugin.options.definitions == {"MINE": "x"}  # type: ignore[attr-defined]


def test_a_recipe_that_does_not_fit_says_so() -> None:
    """With other plugins than before, building fails with the diagnostics."""
    recipe = load(Source("x.pipe", SMALL), catalog=CATALOG).recipe
    with pytest.raises(ProgramError, match=r"x\.pipe has errors") as caught:
        recipe.build(Catalog({}))
    assert caught.value.diagnostics


def test_a_query_is_a_recipe_too() -> None:
    """A query keeps its output, and is built again as a query."""
    recipe = load_query(Source("q", "make() | count()"), output="file('x')", catalog=CATALOG).recipe
    graph = pickle.loads(pickle.dumps(recipe)).build(CATALOG)
    assert graph.stages["result"].plugin == "file"
    assert graph.stages["result"].window is not None


def test_a_program_without_statements_is_an_error() -> None:
    """Nothing to do is said once."""
    assert [found.code for found in load(Source("x", "# only a comment\n"), catalog=CATALOG).diagnostics] == ["P042"]


def test_text_picture() -> None:
    """A line for each stage: what it does and what it reads."""
    graph = load(Source("x", SMALL), catalog=CATALOG).graph
    assert graph is not None
    assert picture(graph) == (
        "source    a    make\n"
        "transform r    where | route  ◀─ a\n"
        "transform w    set | window  ◀─ r.slow\n"
        "sink      out  file  ◀─ w, r.else\n"
        "sink      bad  console  ◀─ r.rejected\n"
    )


def test_mermaid_picture() -> None:
    """Shapes by kind, ports on the arrows."""
    graph = load(Source("x", SMALL), catalog=CATALOG).graph
    assert graph is not None
    assert picture(graph, "mermaid") == (
        "flowchart LR\n"
        '  n0(["a<br/>make"])\n'
        '  n1["r<br/>where → route"]\n'
        '  n2["w<br/>set → window"]\n'
        '  n3[("out<br/>file")]\n'
        '  n4[("bad<br/>console")]\n'
        "  n0 --> n1\n"
        "  n1 -- slow --> n2\n"
        "  n2 --> n3\n"
        "  n1 -- else --> n3\n"
        "  n1 -- rejected --> n4\n"
    )


def test_dot_and_json_pictures() -> None:
    """Graphviz has quoted names; JSON has every port with its columns."""
    graph = load(Source("x", SMALL), catalog=CATALOG).graph
    assert graph is not None
    dot = picture(graph, "dot")
    assert '  "r" -> "w" [label="slow"];\n' in dot
    assert '  "out" [shape=cylinder, label="out\\nfile"];\n' in dot
    stages = json.loads(picture(graph, "json"))["stages"]
    assert stages[2]["upstream"] == ["r.slow"]
    assert stages[2]["ports"][""]["fields"]["revision"] == "int"
    assert stages[1]["ports"]["slow"]["fields"]["geo"] == "{country: string, lat: float}"


def test_explain_says_fields_guarantees_and_lateness() -> None:
    """Every node with its plugin, its columns with types, what becomes of late events, what a sink promises and why."""
    graph = load(Source("x", SMALL), catalog=CATALOG).graph
    assert graph is not None
    assert (
        explain(graph)
        == """\
source a = make
  reads         to an end with --once, again after a crash
  fields        i: int, f: float, s: string, b: bool, t: time, d: duration, li: list of int,
                geo: {country: string, lat: float}

transform r = a
  | where(i > 1)
  | route { slow = f > 1 }
  ports         r.slow, r.else
  rejected      to bad

transform w = r.slow
  | set { x = "{i}" }
      fields        i: int, f: float, s: string, b: bool, t: time, d: duration, li: list of int,
                    geo: {country: string, lat: float}, x: string
  | window(10s, lateness: 5s) { n = count() }
      window        10s of `@timestamp`, sent when the watermark passes its end + 5s
      late events   revise a sent window for 1h; after that they are an extra part with an id of its own
      fields        id: string, metric: string, value: float, window_start: time, host: string,
                    revision: int
  rejected      to the dead letters

sink out = w, r.else
  -> file
     fields        id: string, metric: string, value: float, window_start: time, host: string,
                   revision: int, i: int, f: float, s: string, b: bool, t: time, d: duration,
                   li: list of int, geo: {country: string, lat: float}
     guarantee     exactly once: the file is cut back to what was committed
  rejected      to the dead letters

sink bad = r.rejected
  -> console
     fields        @error: {filter: string, reason: string, field: string, detail: string}
     guarantee     at most once: a screen forgets
  rejected      to the dead letters
"""
    )
