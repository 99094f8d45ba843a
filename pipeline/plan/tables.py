"""Second upstreams: options of filters that name another stream of the program, and fields of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pipeline.api import Columns, Field, Options, Plugin
from pipeline.api.tables import TheirKey, Theirs, Upstream
from pipeline.errors import PipeError
from pipeline.lang import ast
from pipeline.lang.spans import Span
from pipeline.plan.catalog import Catalog
from pipeline.plan.inference import Variable, plain
from pipeline.plan.names import Names
from pipeline.plan.scope import Point, Scope
from pipeline.plan.wording import marked

ON = "on"
"""The option whose type and name a `TheirKey` has."""


@dataclass(frozen=True)
class Table:
    """The second upstream of a call: the option that names it, and what is known of it; `scope` is at its point."""

    option: str
    ref: ast.Ref
    scope: Scope

    @property
    def value(self) -> Upstream:
        """What the plugin gets."""
        port = "" if self.ref.port is None else self.ref.port.text
        return Upstream(self.ref.name.text, port, plain(self.scope.point.columns))


def collect(names: Names, catalog: Catalog) -> None:
    """Note which tables the stages read."""
    for name in names.stages:
        found = [ref for call in names.filters(name) if (ref := _ref(call, catalog)) is not None]
        if found:
            names.tables[name] = tuple(found)


def _ref(call: ast.Call, catalog: Catalog) -> ast.Ref | None:
    if call.name.text not in catalog.names("filters"):
        return None
    try:
        plugin = catalog.filter(call.name.text)
    except PipeError:
        return None
    found = _written(call, plugin.options_model)
    return None if found is None else found[1]


def _written(call: ast.Call, model: type[Options]) -> tuple[str, ast.Ref] | None:
    """The option of a call that is an upstream, and what it names."""
    hints = model.hinted()
    arguments = list(model.arguments())
    option = next((name for name in arguments if hints[name] is Upstream), None)
    if option is None:
        return None
    without = [argument.value for argument in call.arguments if argument.name is None]
    given = {argument.name.text: argument.value for argument in call.arguments if argument.name is not None}
    at = arguments.index(option)
    node = given.get(option, without[at] if at < len(without) else None)
    if not isinstance(node, ast.Path) or len(node.parts) > 2:
        return None
    return option, ast.Ref(node.span, *node.parts)


def table(call: ast.Call, plugin: type[Plugin[Options]], scope: Scope) -> Table | None:
    """The second upstream of a call; None for a filter that has none, and where the option that is to name it does not."""
    found = _written(call, plugin.options_model)
    if found is None:
        return None
    option, ref = found
    point = Point(Columns({}), broken=True) if scope.upstream is None else scope.upstream(ref)
    return Table(option, ref, scope.at(point))


def theirs(annotation: object) -> bool:
    """Whether an option is a field of the second upstream, or several."""
    return marked(annotation, Theirs) or marked(annotation, TheirKey)


def keyed(table: Table, values: dict[str, object], spans: Mapping[str, Span], hints: Mapping[str, object]) -> bool:
    """Complete the option that is a key of the table: by the name of `on`, where it is left out, and by its type, where that of one of
    them is not known. False where there is no such field, which is reported."""
    option = next((name for name, hint in hints.items() if marked(hint, TheirKey)), None)
    on = values.get(ON)
    if option is None or not isinstance(on, Field):
        return True
    if option not in values:
        span = spans[ON]
        name = on.path[-1]
        if table.scope.type_of((name,)) is None:
            if not table.scope.point.broken:
                help = f"say which of its fields it is: {option}: …"
                table.scope.findings.error("P301", f"`{table.ref.dotted}` has no field `{name}`", span, help=help)
            return False
        values[option] = table.scope.field(ast.Path(span, (ast.Name(span, name),)))
    key = values[option]
    if not isinstance(key, Field):
        return False
    if isinstance(key.type, Variable):
        table.scope.unknowns.demand(key.type, on.type, spans.get(option, spans[ON]))
        values[option] = replace(key, type=on.type)
    elif isinstance(on.type, Variable):
        table.scope.unknowns.demand(on.type, key.type, spans[ON])
        values[ON] = replace(on, type=key.type)
    return True
