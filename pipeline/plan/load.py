"""From program files to a checked graph, and the recipe that makes the same graph elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from posixpath import normpath

from pipeline.errors import ProgramError
from pipeline.lang import ast, include
from pipeline.lang.diagnostics import Diagnostic
from pipeline.lang.parse import Parsed, parse_expression, parse_query
from pipeline.lang.spans import Source, Span
from pipeline.plan.catalog import Catalog
from pipeline.plan.check import Checked, check
from pipeline.plan.graph import Graph

Read = Callable[[str, Source], list[Source]]
"""The sources that the path or glob of an `include` names, relative to the source that includes them; OSError when one
cannot be read. `pipeline.lang.include` has the details."""

Real = Callable[[str], str]
"""The one path that several paths may come to: with links followed, or as they are written."""

INPUT, RESULT = "input", "result"
"""Names of the source and the sink that a query consists of."""


@dataclass(frozen=True)
class Recipe:
    """Everything that a graph is made of besides the plugins: texts, settings, variables. Picklable.

    `included`: (name of the including source, what its `include` says) → sources. `output`: for queries, the call that
    takes the results; empty for programs. `variables` are those that the program asks for, no others."""

    main: Source
    name: str = "program"
    settings: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    included: Mapping[tuple[str, str], tuple[Source, ...]] = field(default_factory=dict)
    output: str = ""

    def build(self, catalog: Catalog | None = None) -> Graph:
        """A new graph with plugins of its own, not opened. Raises ProgramError where the program has errors here (another
        set of plugins, say)."""
        checked = _check(self, catalog or Catalog.installed(), self._again)
        if checked.graph is None:
            raise ProgramError(f"{self.main.name} has errors", diagnostics=checked.diagnostics)
        return checked.graph

    def _again(self, pattern: str, source: Source) -> list[Source]:
        return list(self.included.get((source.name, pattern), ()))


@dataclass(frozen=True)
class Loaded:
    """A program as it was read: what the checker says, and the recipe of its graph."""

    checked: Checked
    recipe: Recipe

    @property
    def graph(self) -> Graph | None:
        return self.checked.graph

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        return self.checked.diagnostics


def load(
    main: Source,
    *,
    catalog: Catalog | None = None,
    settings: Mapping[str, str] | None = None,
    variables: Mapping[str, str] | None = None,
    name: str = "program",
    read: Read | None = None,
    real: Real = normpath,
) -> Loaded:
    """Parse a program with its includes and check it. Touches the world through `read` and `real` only; raises nothing for
    what is wrong with the program."""
    return _load(Recipe(main, name, dict(settings or {}), dict(variables or {})), catalog, read, real)


def load_query(
    query: Source,
    *,
    output: str = "console()",
    catalog: Catalog | None = None,
    settings: Mapping[str, str] | None = None,
    variables: Mapping[str, str] | None = None,
    name: str = "query",
) -> Loaded:
    """The same for `input(…) | filter(…) | …`: a program with one source and one sink, whose last filter may be an
    aggregate. `output` is the call that takes the results, in the language."""
    recipe = Recipe(query, name, dict(settings or {}), dict(variables or {}), output=output)
    return _load(recipe, catalog, None, normpath)


def _load(recipe: Recipe, catalog: Catalog | None, read: Read | None, real: Real) -> Loaded:
    included: dict[tuple[str, str], tuple[Source, ...]] = {}

    def note(pattern: str, source: Source) -> list[Source]:
        found = [] if read is None else read(pattern, source)
        included[source.name, pattern] = tuple(found)
        return found

    checked = _check(recipe, catalog or Catalog.installed(), note, real)
    asked = {name: value for name, value in recipe.variables.items() if name in checked.variables}
    return Loaded(checked, replace(recipe, variables=asked, included=included))


def _check(recipe: Recipe, catalog: Catalog, read: Read, real: Real = normpath) -> Checked:
    parsed = _query(recipe) if recipe.output else include.resolve(recipe.main, read)
    if parsed.tree is None:
        return Checked(None, parsed.diagnostics)
    return check(
        parsed.tree,
        catalog,
        recipe.settings,
        recipe.variables,
        recipe.name,
        broken=parsed.broken,
        further=parsed.diagnostics,
        queries=bool(recipe.output),
        real=real,
    )


def _query(recipe: Recipe) -> Parsed[ast.Program]:
    """A query as a program."""
    query = parse_query(recipe.main)
    output = parse_expression(Source("output", recipe.output))
    if query.tree is None or not isinstance(output.tree, ast.Call):
        return Parsed(None, (*query.diagnostics, *output.diagnostics))
    first, *filters = query.tree.stages
    span = query.tree.span
    name, result = ast.Name(first.span, INPUT), ast.Name(Span(span.source, span.end, span.end), RESULT)
    statements = (
        ast.SourceStatement(first.span, name, first),
        ast.SinkStatement(span, result, (ast.Ref(first.span, name),), tuple(filters), output.tree),
    )
    return Parsed(ast.Program(span, statements), query.diagnostics)
