"""docs/writing-plugins.md: what it names is there, and plugins made of its code run."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl
import pytest
from pages import ROOT, blocks
from running import install, pipe

from pipeline import api
from pipeline.api import windows
from pipeline.testing import contract

GUIDE = ROOT / "docs" / "writing-plugins.md"
OPTIONS, EVENTS, FOLD, FOLDED, RESOLVER, REDUCTIONS, TEST = (
    block.text for block in blocks("python") if block.page == GUIDE
)

OWNERS = {"api": api, "windows": windows, "batch": api.Batch, "ctx": api.Context, "expression": api.Expr}
"""What the names stand for, of which the page tells."""

NAMED = sorted(
    {
        code
        for code in re.findall(
            r"`([^`]+)`", re.sub(r"```.*?```", "", GUIDE.read_text(encoding="utf-8"), flags=re.DOTALL)
        )
        if code.partition(".")[0] in OWNERS
    }
)

PLUGINS = f"""
from collections.abc import Mapping

import polars as pl

from pipeline import api
from pipeline.api import windows


{OPTIONS}

class Marked(api.Filter[Options], api=1):
    name = "marked"
    options_model = Options
    example = ""

    async def open(self, ctx):
        self._ctx = ctx

    def schema(self, columns):
        return columns.with_field(("mark",), api.STRING)

    def apply(self, batch):
        options = self.options
        mark = pl.concat_str([pl.lit(f"{{options.size}} {{options.limit}}"), *(key.polars for key in options.keys)], separator=" ")
        marked = batch.with_columns(mark.alias("mark"))
        self._ctx.metrics.count("marked.rows", marked.frame.height)
        return marked.reject(marked.frame["mark"].is_null(), "no_key", detail="a key is missing")


{FOLD}

class Average(api.Aggregate, api=1):
    name = "average"
    doc = "The mean."
    example = "x = average(y)"
    parameters = (api.Parameter("x", "The number to average."),)
    {REDUCTIONS.strip()}

    def returns(self, arguments):
        return api.FLOAT

    def finish(self, state, group, arguments, seconds):
        return state.select(*group, (pl.col("total").cast(pl.Float64) / pl.col("seen")).alias("value"))
"""

PROGRAM = """
source lines = stdin()
transform made = lines | json(schema: {a: string, b: int}) | marked(10s, keys: [a, b], limit: 1KiB)
sink marked = made | numbered() | keep(mark, n) -> console()
sink left   = made.rejected -> console()
sink facts  = made | window(1d) { mean = average(b) } | keep(value) -> console()
"""


@pytest.mark.parametrize("code", NAMED)
def test_what_is_named_is_there(code: str) -> None:
    """Every name of ours in running text exists, and takes the options with which it is shown."""
    tree = ast.parse(code.replace("…", "..."), mode="eval").body
    called = tree.func if isinstance(tree, ast.Call) else tree
    assert isinstance(called, ast.Attribute)
    found: object = OWNERS[ast.unparse(called.value).split(".")[0]]
    for name in ast.unparse(called).split(".")[1:]:
        found = getattr(found, name)
    if isinstance(tree, ast.Call):
        assert callable(found)
        taken = inspect.signature(found).parameters
        assert {keyword.arg for keyword in tree.keywords if keyword.arg} <= set(taken) or "limits" in taken


def test_plugins_made_of_the_code_run(tmp_path: Path) -> None:
    """A filter with the options that are shown, the filter with memory, and an aggregate with the reductions that are shown."""
    filters = {"marked": "guide:Marked", "numbered": "guide:Numbered"}
    points = {"pipeline.filters": filters, "pipeline.aggregates": {"average": "guide:Average"}}
    site = install(tmp_path / "site", "pipe-guide", points, "guide", PLUGINS)
    rows = b'{"a": "x", "b": 1}\n{"b": 2}\n{"a": "y", "b": 4}\n'
    done = pipe(tmp_path, "run", "-e", PROGRAM, "--once", stdin=rows, path=site)
    assert (done.returncode, done.stderr) == (0, "")
    shown = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["mark"] for row in shown if "mark" in row] == ["10000000 1024 x 1", "10000000 1024 y 4"]
    assert [row["n"] for row in shown if "mark" in row] == [0, 1]
    assert [row["value"] for row in shown if "value" in row] == [2.5]
    assert len(shown) == 4

    wrong = pipe(tmp_path, "run", "-e", PROGRAM.replace("10s", "0s"), "--once", stdin=rows, path=site)
    assert wrong.returncode == 65


def test_the_tests_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests that are shown are tests of the example plugin, and they pass."""
    monkeypatch.syspath_prepend(str(ROOT / "examples" / "plugins" / "hide"))
    names: dict[str, object] = {}
    exec(compile(TEST, str(GUIDE), "exec"), names)
    tests = [value for name, value in names.items() if name.startswith("test_") and callable(value)]
    assert len(tests) == 2
    for test in tests:
        test()


def test_the_filter_for_events_keeps_the_contract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that is shown, on its own example."""
    begin = """
from __future__ import annotations
from collections.abc import Mapping
from typing import Any
from pipeline import api
class Options(api.Options):
    pass
"""
    (tmp_path / "guide_price.py").write_text(begin + EVENTS, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    contract.check(importlib.import_module("guide_price").Price)


def test_the_filter_with_memory_keeps_the_contract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that is shown, on its own example."""
    code = f'"""Numbers."""\nimport polars as pl\nfrom pipeline import api\n\n\n{FOLD}'
    (tmp_path / "guide_numbered.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    contract.check(importlib.import_module("guide_numbered").Numbered)


def test_the_test_of_a_fold_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that is shown, of the one that is shown."""
    module = ModuleType("pipe_numbered")
    exec(compile(f"import polars as pl\nfrom pipeline import api\n{FOLD}", str(GUIDE), "exec"), module.__dict__)
    monkeypatch.setitem(sys.modules, "pipe_numbered", module)
    names: dict[str, Any] = {}
    exec(compile(FOLDED, str(GUIDE), "exec"), names)
    (test,) = (value for name, value in names.items() if name.startswith("test_"))
    test(api.lines([b"x"] * 5, pl.Series(range(5)), partition="p", start=0, end=5))


ASKING = f"""
from collections.abc import Mapping

import polars as pl

from pipeline import api


class Options(api.ResolverOptions):
    field: api.Field = api.option("The host.")


{RESOLVER}

class Client:
    async def owners(self, hosts):
        if "down" in hosts:
            raise OSError("no route")
        return {{"web1": "red"}}


Owner.client = Client()
"""


def test_the_resolver_asks(tmp_path: Path) -> None:
    """The one that is shown, installed: what it knows, what it does not know, and in another run a server that is not there."""
    site = install(tmp_path / "site", "pipe-owner", {"pipeline.resolvers": {"owner": "guide:Owner"}}, "guide", ASKING)
    program = "source s = stdin() sink o = s | json(schema: {h: string}) | owner(h) | keep(h, owner) -> console()"
    known = pipe(tmp_path, "run", "-e", program, "--once", stdin=b'{"h": "web1"}\n{"h": "web2"}\n', path=site)
    assert [json.loads(line).get("owner") for line in known.stdout.splitlines()] == ["red", None]
    assert (known.returncode, known.stderr) == (0, "")
    down = pipe(tmp_path, "run", "-e", program, "--once", stdin=b'{"h": "down"}\n', path=site)
    assert (down.returncode, [json.loads(line).get("owner") for line in down.stdout.splitlines()]) == (0, [None])
    assert "o: keys could not be asked; their fields are missing" in down.stderr
    assert 'why="OSError: no route (' in down.stderr
