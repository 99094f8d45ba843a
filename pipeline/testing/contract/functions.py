"""Rules for functions, called as a program calls them: their examples, and odd values in place of each argument."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Iterator
from dataclasses import dataclass, replace

import polars as pl

from pipeline.api import Columns, Function, Type, dtype, list_of
from pipeline.api.aggregates import Parameter
from pipeline.errors import PipeError
from pipeline.lang import Diagnostic, Source, ast, parse_expression, render
from pipeline.plan.catalog import Catalog
from pipeline.plan.expressions import compile_expression, evaluate
from pipeline.plan.findings import Findings
from pipeline.plan.inference import Unknowns
from pipeline.plan.scope import Point, Scope, Typed
from pipeline.testing.contract.every import NAME, check_api
from pipeline.testing.contract.rows import odd
from pipeline.testing.contract.rules import Rule, broken, rule

KINDS = ("int", "float", "bool", "time", "duration", "string", "bytes", "json")

MOST = 12
"""Combinations of types that each example is tried with."""


@dataclass
class Calls:
    """A function, and the catalog that knows it."""

    function: Function

    def scope(self, columns: Columns) -> Scope:
        catalog = Catalog.installed().also("functions", self.function.name, self.function)
        return Scope(
            catalog=catalog, findings=Findings(), unknowns=Unknowns(), constants={}, variables={}, patterns={},
            point=Point(columns), loading=True,
        )  # fmt: skip

    def compiled(self, tree: ast.Expression, columns: Columns) -> tuple[Typed | None, str]:
        """An expression, or what the checker says of it."""
        scope = self.scope(columns)
        typed = compile_expression(tree, scope)
        told = [render(each, colour=False) for each in scope.findings.all if isinstance(each, Diagnostic)]
        return typed, "\n".join(told)

    def examples(self) -> Iterator[ast.Expression]:
        for example in self.function.examples:
            tree = parse_expression(Source("example", example.call)).tree
            if tree is None:
                broken(f"the example {example.call} is no expression")
            yield tree

    def on_columns(self) -> Iterator[tuple[str, Typed, Columns]]:
        """Each example with fields in place of its arguments, of every type that they may have."""
        for call in self.examples():
            if not isinstance(call, ast.Call) or call.name.text != self.function.name:
                continue
            places = [at for at, given in enumerate(call.arguments) if not self._parameter(at, given).constant]
            kinds = [self._parameter(at, call.arguments[at]).types or KINDS for at in places]
            for chosen in itertools.islice(itertools.product(*kinds), MOST):
                fields = {f"x{at}": _type(kind) for at, kind in zip(places, chosen, strict=True)}
                arguments = tuple(
                    replace(given, value=_path(f"x{at}")) if at in places else given
                    for at, given in enumerate(call.arguments)
                )
                columns = Columns(fields)
                typed, _ = self.compiled(replace(call, arguments=arguments), columns)
                if typed is not None and fields:
                    yield f"{self.function.name}({', '.join(chosen)})", typed, columns

    def _parameter(self, at: int, given: ast.Argument) -> Parameter:
        parameters = self.function.parameters
        if given.name is not None:
            return next(each for each in parameters if given.name is not None and each.name == given.name.text)
        return parameters[min(at, len(parameters) - 1)]


def _type(kind: str) -> Type:
    return list_of(Type("string")) if kind == "list" else Type("record") if kind == "record" else Type(kind)  # type: ignore[arg-type]


def _path(name: str) -> ast.Expression:
    tree = parse_expression(Source("argument", name)).tree
    if tree is None:
        raise TypeError(name)
    return tree


def _of_the_house(function: Function) -> bool:
    """Whether it is one of our own: what it builds with may be anybody's."""
    try:
        return Catalog.installed(()).function(function.name) is function
    except (KeyError, PipeError):
        return False


@rule(
    "documented",
    "It has a name in snake case, a doc, an example, and a doc for each parameter.",
    "They are its entry in the docs (`pipe plugins NAME`), and the examples are run.",
)
def documented(case: Calls) -> None:
    function = case.function
    if not NAME.fullmatch(function.name) or not function.doc.strip():
        broken("`name` or `doc` is missing")
    check_api(ours=_of_the_house(function), wrote=function.api)
    if not function.examples:
        broken("it has no example")
    if bare := [parameter.name for parameter in function.parameters if not parameter.doc.strip()]:
        broken(f"parameters without a doc: {', '.join(bare)}")


@rule("examples", "Each example yields what it says, in value and in type.", "Mend the example, or the function.")
def examples(case: Calls) -> None:
    for example, call in zip(case.function.examples, case.examples(), strict=True):
        typed, told = case.compiled(call, Columns({}))
        if typed is None:
            broken(f"{example.call} has errors:\n{told}")
        try:
            found = evaluate(typed)
        except PipeError as error:
            broken(f"{example.call} raised {error.message}")
        if (type(found), found) != (type(example.result), example.result):
            broken(f"{example.call} is {found!r}, and the example says {example.result!r}")


@rule(
    "values",
    "Any values give a value a row, of the type that `returns` says, and no error: odd ones, nulls, none.",
    "Answer null for what cannot be done: `cast(…, strict=False)`, `pl.when(…).then(…)`.",
)
def values(case: Calls) -> None:
    for what, typed, columns in case.on_columns():
        for rows in (odd(columns), odd(columns, nulls=True), odd(columns).with_frame(odd(columns).frame.clear())):
            found = rows.frame.select(typed.polars.alias("found")).to_series()
            if found.dtype != dtype(typed.type):
                broken(f"{what} is {found.dtype}, and `returns` says {typed.type}")
            if found.len() != rows.frame.height:
                broken(f"{what} gives {found.len()} values for {rows.frame.height} rows")


@rule(
    "cuts",
    "A value has the same result alone and among others.",
    "A function sees one row: no sums, sorts, shifts or ranks over the column.",
)
def cuts(case: Calls) -> None:
    for what, typed, columns in case.on_columns():
        frame = odd(columns).frame
        whole = frame.select(typed.polars.alias("found")).to_series()
        alone = pl.concat([row.select(typed.polars.alias("found")).to_series() for row in frame.iter_slices(1)])
        if not alone.equals(whole, null_equal=True):
            broken(f"{what} gives other values for a row alone")


@rule(
    "picklable",
    "What it builds can be pickled.",
    "What a function in `map_batches` closes over must be picklable.",
)
def picklable(case: Calls) -> None:
    for _, typed, columns in case.on_columns():
        frame = odd(columns).frame
        copy: pl.Expr = pickle.loads(pickle.dumps(typed.polars))  # noqa: S301 — made here
        if not frame.select(found=copy).equals(frame.select(found=typed.polars), null_equal=True):
            broken("the copy gives other values")


FUNCTION: tuple[Rule[Calls], ...] = (documented, examples, values, cuts, picklable)
