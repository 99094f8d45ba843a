"""Names of folds: one that means the same has the same name in every process and every version of a program."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pipeline import api
from pipeline.lang.spans import Source
from pipeline.plan.load import load

NAMES = """
import sys
from pipeline.api import Field, Fold, Options, Aggregate, Cases, Codec, Columns, Expr, Encoder, STRING, option
from pipeline.lang.spans import Source
from pipeline.plan.catalog import Catalog
from pipeline.plan.load import load

class Every(Options):
    keep: Expr | None = option("A condition.", default=None)
    format: Encoder | None = option("A codec.", default=None)
    named: dict[str, Expr] = option("Expressions.", default={})
    block: Cases | None = option("Cases.", default=None)

class Holding(Fold[Every, int], api=1):
    name = "holding"
    options_model = Every
    example = ""
    def schema(self, columns): return columns
    def empty(self): return 0
    def step(self, state, batch, now): return state, batch
    def dump(self, state): return b""
    def load(self, data, version): return 0

made = load(Source("p.pipe", sys.argv[1]), catalog=Catalog.installed().also("filters", "holding", Holding))
assert made.graph is not None, made.diagnostics
print(made.graph.stages["kept"].steps[0].fold)
"""

PROGRAM = "source log = stdin()\ntransform kept = log | {fold}\nsink out = kept -> null()\n"


@pytest.mark.parametrize(
    "fold",
    [
        "holding(string(@raw) matches /x/)",
        "holding(format: csv)",
        'holding(format: "{@host}")',
        "holding(named: {a: string(@raw)})",
        "holding() { a = string(@raw) == 'x' }",
    ],
)
def test_a_name_is_the_same_in_every_process(fold: str) -> None:
    """Also with codecs, expressions and blocks among its options."""
    told = {
        subprocess.run(
            [sys.executable, "-c", NAMES, PROGRAM.format(fold=fold)], stdout=subprocess.PIPE, check=True, text=True
        ).stdout
        for _ in range(2)
    }
    assert len(told) == 1


def name(fold: str) -> str:
    made = load(Source("p.pipe", PROGRAM.format(fold=fold)))
    assert made.graph is not None, made.diagnostics
    return made.graph.stages["kept"].steps[0].fold


def test_an_option_as_it_is_by_default_changes_nothing() -> None:
    """So a later version may add options, and states go on."""
    assert name("dedupe()") == name("dedupe(within: 10m, count: 10_000)")
    assert name("dedupe()") != name("dedupe(within: 11m)")


def test_a_value_of_an_unknown_kind_wants_a_fingerprint() -> None:
    """Its text may be another one in the next process."""
    from pipeline.api.folds import _meaning

    with pytest.raises(TypeError, match="nobody knows what a object means to a state"):
        _meaning(object())
    assert _meaning({"a": api.Field(("b",), api.INT)}) == [["a", [("b",), "int"]]]
