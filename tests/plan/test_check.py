"""The checker on right programs: columns, ports, constants, types that follow from use, what plugins are given."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from fakes import CATALOG, Geo, Grok, Json, Read, Set, Window, Write

from pipeline import api
from pipeline.api import Columns, Hole, Roll
from pipeline.columns.types import BOOL, ERROR, FLOAT, INT, JSON, STRING, TIME, list_of, record
from pipeline.lang import render
from pipeline.lang.spans import Source
from pipeline.plan.graph import Graph, Port
from pipeline.plan.load import Loaded, load, load_query

NGINX = Path(__file__).with_name("nginx.pipe").read_text(encoding="utf-8")


def loaded(text: str, **options: object) -> Loaded:
    return load(Source("x.pipe", text), catalog=CATALOG, **options)  # type: ignore[arg-type]


def graph(text: str, **options: object) -> Graph:
    found = loaded(text, **options)
    assert found.graph is not None, "\n".join(render(diagnostic) for diagnostic in found.diagnostics)
    return found.graph


def codes(text: str, **options: object) -> list[str]:
    return [diagnostic.code for diagnostic in loaded(text, **options).diagnostics]


def test_nginx_is_checked_stage_by_stage() -> None:
    """The main program has no findings; its stages come in order with their columns, window and ports."""
    assert loaded(NGINX).diagnostics == ()
    found = graph(NGINX)
    assert [(stage.kind, stage.name) for stage in found.stages.values()] == [
        ("source", "access"),
        ("transform", "parsed"),
        ("transform", "facts"),
        ("sink", "search"),
        ("sink", "archive"),
    ]
    parsed, facts, archive = found.stages["parsed"], found.stages["facts"], found.stages["archive"]
    assert parsed.columns[""].fields["status"] == INT
    assert parsed.columns[""].fields["page"] == STRING
    assert parsed.columns["rejected"] == Columns({"@error": ERROR})
    assert [step.name for step in facts.before] == ["geoip", "user_agent"]
    assert facts.window is not None
    assert facts.window.name == "window"
    assert facts.after == ()
    assert facts.columns[""].fields["revision"] == INT
    assert archive.upstream == (Port("parsed"), Port("parsed", "rejected"))
    assert archive.incoming.fields["@error"] == ERROR
    assert found.read == {Port("access"), Port("parsed"), Port("parsed", "rejected"), Port("facts")}
    assert found.sources_of("search") == ("access",)


def test_options_reach_the_plugin_as_python_values() -> None:
    """Durations are microseconds, maps and words become models, templates are split, patterns are filled in."""
    found = graph(NGINX + "pattern MINE = 'x+'\n")
    window = found.stages["facts"].window
    assert window is not None
    assert isinstance(window.plugin, Window)
    assert (window.plugin.options.size, window.plugin.options.lateness) == (10_000_000, 5_000_000)
    metrics = window.plugin.options.block
    assert [metric.name for metric in metrics][:3] == ["requests", "top_ips", "geo_sources"]
    assert metrics[0].by[0].path == ("status",)
    assert metrics[2].arguments[0] == 10
    assert metrics[2].arguments[1].fields == {("geo", "country")}
    assert metrics[7].where is not None
    assert metrics[7].text == "throttled = top(10, remote_addr) where status == 429"
    output = found.stages["archive"].output
    assert isinstance(output, Write)
    assert output.options.roll == Roll(age=3_600_000_000)
    assert (output.options.format, output.options.compression) == ("raw", "zstd")
    assert output.options.path.prefix == "out/raw/"
    assert [(hole.field.name, hole.format) for hole in output.options.path.holes] == [
        ("@host", ""),
        ("@timestamp", "%Y/%m/%d/%H"),
    ]
    assert all(isinstance(hole, Hole) for hole in output.options.path.holes)
    source = found.stages["access"].input
    assert isinstance(source, Read)
    assert source.options.paths == ["/var/log/nginx/access.log*"]
    grok = found.stages["parsed"].before[0].plugin
    assert isinstance(grok, Grok)
    assert grok.options.definitions == {"MINE": "x+"}


def test_an_option_may_be_called_definitions() -> None:
    """The program's patterns go where `Patterns` stands, whatever its name; `definitions` is a name as any other."""

    class Both(api.Options):
        definitions: list[str] = api.option("Words.", default=[])
        known: api.Patterns = api.option("The program's patterns.", default={})

    class Worded(api.Filter[Both]):
        name = "worded"
        options_model = Both

        def schema(self, columns: Columns) -> Columns:
            return columns

        def apply(self, batch: api.Batch) -> api.Batch:
            return batch

    catalog = CATALOG.also("filters", "worded", Worded)
    text = "pattern P = 'x+'\nsource a = file('x')\ntransform b = a | worded(['one'])\nsink c = b -> file('y')"
    found = load(Source("p", text), catalog=catalog)
    assert found.diagnostics == ()
    assert found.graph is not None
    options = found.graph.stages["b"].before[0].plugin.options
    assert (options.definitions, options.known) == (["one"], {"P": "x+"})  # type: ignore[attr-defined]


def test_positional_arguments_fill_the_fields_and_then_the_rest() -> None:
    """Several paths go into the rest; a list by name does the same; an option keeps its name."""
    for text in ("file('a', 'b', start: end)", "file(paths: ['a', 'b'], start: end)"):
        source = graph(f"source s = {text}\nsink out = s -> console()").stages["s"].input
        assert isinstance(source, Read)
        assert (source.options.paths, source.options.start) == (["a", "b"], "end")


def test_constants_are_computed_from_each_other() -> None:
    """Lets may come in any order, use the environment, and are texts, numbers, lists or durations."""
    text = """
    let late = size / 2
    let size = duration(env("SIZE", "10s"))
    let codes = [404, 410]
    let big = late > 4s and 404 in codes
    source s = make(count: n)
    let n = 2 + 3
    sink out = s | where(big and i in codes) -> console()
    """
    found = loaded(text)
    values = {name: constant.value for name, constant in found.checked.constants.items()}
    assert values == {"late": 5_000_000, "size": 10_000_000, "codes": [404, 410], "big": True, "n": 5}
    assert found.graph is not None
    changed = loaded(text, variables={"SIZE": "6s", "OTHER": "x"})
    assert changed.checked.constants["big"].value is False
    assert changed.checked.variables == {"SIZE"}
    assert changed.recipe.variables == {"SIZE": "6s"}


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ({"d": "1m"}, 60_000_000),
        ({"f": "3"}, 3.0),
        ({"s": "it's 5"}, "it's 5"),
        ({"n": "64KiB"}, 65536),
    ],
)
def test_settings_replace_constants(setting: dict[str, str], value: object) -> None:
    """`--set` gives a constant another value of its type; texts are taken as they are."""
    text = "let d = 10s\nlet f = 1.5\nlet s = 'x'\nlet n = 1\nsource a = make()\nsink out = a -> console()"
    found = loaded(text, settings=setting)
    assert found.diagnostics == ()
    (name,) = setting
    assert found.checked.constants[name].value == value


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"d": "5"}, "--set d:1:1: error P110: `d` is a duration, but this is an int\n    1 | 5\n      | ^"),
        (
            {"e": "5s"},
            "--set:1:1: error P110: the program has no constant `e`\n    1 | e=5s\n      | ^\nhelp: define it: let e = …",
        ),
    ],
)
def test_wrong_settings_are_refused(setting: dict[str, str], message: str) -> None:
    """A setting of another type, or of no constant, is an error at the setting."""
    text = "let d = 10s\nsource a = make()\nsink out = a -> console()"
    found = loaded(text, settings=setting)
    assert [render(diagnostic) for diagnostic in found.diagnostics] == [message]


def test_later_assignments_see_earlier_ones() -> None:
    """In a block, a field has its new type for the entries that follow."""
    text = "source a = make()\nsink out = a | set { i = string(i)  n = i + 'x'  p.q = 1  p.r = p.q + 1.5 } -> console()"
    fields = graph(text).stages["out"].before[0].columns.fields
    assert (fields["i"], fields["n"], fields["p"]) == (STRING, STRING, record({"q": INT, "r": FLOAT}))


def test_upstreams_are_joined_by_name() -> None:
    """Int and float become float, members of records are put together, other columns are added."""
    text = """
    source a = make()
    transform x = a | set { f = 1  geo.city = 'x'  only = true }
    sink out = [a, x, a.rejected] -> console()
    """
    incoming = graph(text).stages["out"].incoming
    assert incoming.fields["f"] == FLOAT
    assert incoming.fields["only"] == BOOL
    assert incoming.fields["geo"] == record({"country": STRING, "lat": FLOAT, "city": STRING})
    assert incoming.fields["@error"] == ERROR


def test_routes_have_a_port_each() -> None:
    """A transform that ends in a route has its ports with all columns, `else` and `rejected`, and no main one."""
    text = """
    source a = make()
    transform r = a | route { slow = f > 1  gone = i == 404 }
    sink one = [r.slow, r.gone] -> console()
    sink two = r.else | where(b) -> console()
    """
    stage = graph(text).stages["r"]
    assert stage.ports == ("slow", "gone", "else", "rejected")
    assert stage.columns["gone"] == stage.columns["else"]
    assert stage.columns["gone"].fields["i"] == INT


def test_members_of_open_records_have_the_types_that_their_use_demands() -> None:
    """After `json`: types come from comparisons, functions, arithmetic, plugins, other fields; else they stay JSON."""
    text = """
    source a = file('x')
    transform j = a | json()
    transform t = j
      | where(status >= 400 and user.name == 'x' and ok and took / 2 > 1 and 'red' in tags and right < 2s and left == right)
      | geoip(ip)
      | set { page = normalize_path(url)  copy = whatever  n = size + 0.5 }
      | keep(status, user, ok, took, tags, left, right, geo, page, copy, n)
    sink out = t -> console()
    """
    found = graph(text)
    json = found.stages["j"].before[0].plugin
    assert isinstance(json, Json)
    assert json.demanded[("status",)] == INT
    assert json.demanded[("user", "name")] == STRING
    assert ("user",) not in json.demanded
    assert json.demanded[("ok",)] == BOOL
    assert json.demanded[("took",)] == FLOAT
    assert json.demanded[("tags",)] == list_of(STRING)
    assert str(json.demanded[("left",)]) == str(json.demanded[("right",)]) == "duration"
    assert json.demanded[("ip",)] == STRING
    assert json.demanded[("url",)] == STRING
    assert json.demanded[("size",)] == FLOAT
    assert json.demanded[("whatever",)] == JSON
    fields = found.stages["t"].columns[""].fields
    assert fields["copy"] == JSON
    assert str(fields["user"]) == "{name: string, …}"
    assert found.stages["j"].columns[""].open
    assert not found.stages["t"].columns[""].open


def test_elements_of_lists_have_types_too() -> None:
    """An element's use decides the type of the list; a list that would contain itself stays JSON inside."""
    text = "source a = file('x')\nsink out = a | json() | where(tags[0] == 'x' and any[1] != null) -> console()"
    json = graph(text).stages["out"].before[0].plugin
    assert isinstance(json, Json)
    assert json.demanded[("tags",)] == list_of(STRING)
    assert json.demanded[("any",)] == list_of(JSON)
    assert codes("source a = file('x')\nsink out = a | json() | where(odd[0] == odd) -> console()") == ["P302"]


def test_members_under_a_name_are_demanded_there() -> None:
    """`json(into: data)` opens the record `data`; a rename of it keeps the way back."""
    text = """
    source a = file('x')
    transform j = a | json(into: 'data')
    sink out = j | where(data.status == 1) | rename { d = data } | where(d.user.id > 5) -> console()
    """
    json = graph(text).stages["j"].before[0].plugin
    assert isinstance(json, Json)
    assert json.demanded == {("data", "status"): INT, ("data", "user", "id"): INT}


def test_assigned_names_are_taken_out_of_open_records() -> None:
    """A field that the program sets must not stay among the members that nobody named, whoever sets it."""
    text = "source a = file('x')\nsink out = a | json() | set { page = 'x' } | geoip(ip) -> console()"
    json = graph(text).stages["out"].before[0].plugin
    assert isinstance(json, Json)
    assert json.demanded == {("page",): JSON, ("ip",): STRING, ("geo",): JSON}


def test_joined_with_named_columns_members_have_their_types() -> None:
    """What one upstream names is demanded of the other that only carries it."""
    text = """
    source a = make()
    source b = file('x')
    transform j = b | json()
    sink out = [a, j] -> console()
    """
    json = graph(text).stages["j"].before[0].plugin
    assert isinstance(json, Json)
    assert json.demanded[("i",)] == INT
    assert json.demanded[("t",)] == TIME


def test_conditions_are_never_null() -> None:
    """A condition that a plugin gets is true or false, also where the field is missing."""
    text = "source a = make()\nsink out = a | where(b) -> console()"
    plugin = graph(text).stages["out"].before[0].plugin
    frame = pl.DataFrame({"b": [True, None, False]})
    condition = plugin.options.condition  # type: ignore[attr-defined]
    assert frame.select(condition.polars)["b"].to_list() == [True, False, False]
    assert condition.text == "b"


def test_fingerprints_change_with_what_a_stage_computes() -> None:
    """Layout and other stages do not matter; constants, patterns and variables that a stage uses do."""
    text = "let n = 1\nsource a = make(count: 3)\nsink x = a | where(i == n) -> console()\nsink y = a | where(i == 1) -> console()\n"
    first = graph(text)
    spaced = graph(text.replace("| where", "\n  |   where"))
    assert {name: stage.fingerprint for name, stage in first.stages.items()} == {
        name: stage.fingerprint for name, stage in spaced.stages.items()
    }
    assert spaced.fingerprint == first.fingerprint
    other = graph(text, settings={"n": "2"})
    changed = {name for name in first.stages if other.stages[name].fingerprint != first.stages[name].fingerprint}
    assert changed == {"x"}
    assert other.fingerprint != first.fingerprint


def test_a_query_may_end_in_an_aggregate() -> None:
    """In a query, an aggregate is a window over the whole input; in a program it is not a filter."""
    query = load_query(Source("q", "file('a') | grok('%{NGINX_COMBINED}') | top(3, path) by method"), catalog=CATALOG)
    assert query.diagnostics == ()
    assert query.graph is not None
    window = query.graph.stages["result"].window
    assert window is not None
    assert isinstance(window.plugin, Window)
    assert window.plugin.size == 0
    (metric,) = window.plugin.options.block
    assert (metric.name, metric.arguments[0], metric.by[0].name) == ("top", 3, "method")
    assert codes("source a = make()\nsink out = a | count() -> console()") == ["P214"]
    wrong = load_query(Source("q", "make() | count() | where(b)"), catalog=CATALOG)
    assert [diagnostic.code for diagnostic in wrong.diagnostics] == ["P214"]


def test_unreadable_statements_are_not_called_undefined() -> None:
    """A name whose statement has a syntax error is defined; what follows from it is not reported."""
    text = "source a = make()\ntransform t = a | where(i ==)\nsink out = t | where(x > 1) -> console()\n"
    assert [code[:2] for code in codes(text)] == ["P0"]


def test_plugins_of_two_loads_are_not_shared() -> None:
    """Every graph has plugins of its own."""
    one, two = graph(NGINX), graph(NGINX)
    assert one.stages["parsed"].before[0].plugin is not two.stages["parsed"].before[0].plugin
    assert isinstance(one.stages["parsed"].before[1].plugin, Set)
    assert isinstance(one.stages["facts"].before[0].plugin, Geo)
    assert replace(one.stages["access"]).plugin == "file"


@pytest.mark.parametrize(
    ("line", "last"),
    [
        ("transform n{} = n{} | where(true)\n", "source n{} = file('a.log')\n"),
        ("let n{} = n{} + 1\n", "let n{} = 0 source n0 = file('a.log')\n"),
    ],
)
def test_a_chain_may_be_long_and_written_backwards(line: str, last: str) -> None:
    """Whatever reads what, and whichever comes first: no depth is too much."""
    length = 2000
    text = "sink q = n0 -> console()\n" + "".join(line.format(at, at + 1) for at in range(length)) + last.format(length)
    found = graph(text)
    assert found.sources_of("q") == (next(iter(found.stages)),)
    assert len(found.stages) == (length + 2 if "transform" in line else 2)


def test_the_sources_of_a_stage_are_found_once_however_many_ways_lead_to_them() -> None:
    """Forty diamonds in a row: a trillion ways."""
    diamonds = "".join(
        f"transform l{at} = n{at} | where(true) transform r{at} = n{at} | where(true)\n"
        f"transform n{at + 1} = [l{at}, r{at}] | where(true)\n"
        for at in range(40)
    )
    assert graph(f"source n0 = file('a.log')\n{diamonds}sink q = n40 -> console()\n").sources_of("q") == ("n0",)
