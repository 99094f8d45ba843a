"""Constants of a program: `let` and what `--set` puts in its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pipeline.columns.types import DURATION, FLOAT, INT, NULL, STRING, TIME, Type
from pipeline.lang import ast
from pipeline.lang.diagnostics import Label, suggestion
from pipeline.lang.parse import parse_expression
from pipeline.lang.spans import Source, Span
from pipeline.plan.expressions import compile_expression, constant, evaluate
from pipeline.plan.names import Names
from pipeline.plan.scope import Constant, Scope, Typed
from pipeline.plan.spelling import article
from pipeline.plan.walk import depth_first


def constants(
    names: Names, settings: Mapping[str, str], scope: Scope
) -> tuple[dict[str, Constant], dict[str, set[tuple[str, str]]]]:
    """Every constant, in any order of definition, and what each depends on (`let` and `env` names).

    A wrong one is reported and has no value."""
    maker = _Maker(names, settings, scope)
    for name, circle in depth_first(names.lets, maker.needs):
        if circle:
            maker.refuse(name, circle)
        else:
            maker.make(name)
    for name, text in settings.items():
        if name not in names.lets:
            source = Source("--set", f"{name}={text}")
            scope.findings.error(
                "P110",
                f"the program has no constant `{name}`",
                Span(source, 0, len(name)),
                help=suggestion(name, names.lets) or f"define it: let {name} = …",
            )
    return maker.made, maker.uses


class _Maker:
    def __init__(self, names: Names, settings: Mapping[str, str], scope: Scope) -> None:
        self._names, self._settings, self._scope = names, settings, scope
        self.made: dict[str, Constant] = {}
        self.uses: dict[str, set[tuple[str, str]]] = {}

    def needs(self, name: str) -> list[str]:
        return [path for path in paths(self._names.lets[name].value) if path in self._names.lets]

    def refuse(self, name: str, circle: Sequence[str]) -> None:
        """Report a circle, once; what needs the name goes on with null."""
        if name in self.made:
            return
        span = self._names.lets[name].name.span
        labels = tuple(Label(self._names.lets[other].name.span, "part of the circle") for other in circle[1:])
        message = f"the constant `{name}` needs itself" if len(circle) == 1 else "these constants need each other"
        self._scope.findings.error("P104", message, span, labels=labels)
        self.made[name] = Constant(NULL, None, span, None)

    def make(self, name: str) -> None:
        """Compute a constant; all that it needs is made."""
        statement = self._names.lets[name]
        used: set[tuple[str, str]] = set()
        scope = replace(self._scope, constants=dict(self.made), used=used)
        typed = compile_expression(statement.value, scope)
        value: object = None
        if typed is not None and name in self._settings:
            typed = self._override(name, self._settings[name], typed.type)
        if typed is not None:
            value = evaluate(typed)
            if value is None and typed.type != NULL:
                self._empty(statement, typed)
                typed = None
            elif typed.type.kind not in ("list", "record", "json"):
                typed = constant(value, typed.type)
        self.uses[name] = used | {use for kind, other in used if kind == "let" for use in self.uses.get(other, set())}
        self.made.setdefault(
            name, Constant(typed.type if typed is not None else NULL, value, statement.name.span, typed)
        )

    def _override(self, name: str, text: str, kind: Type) -> Typed | None:
        """The value of `--set name=text`, which has the type that the program gives the constant."""
        if kind == STRING:
            return constant(text, STRING)
        source = Source(f"--set {name}", text)
        parsed = parse_expression(source)
        for diagnostic in parsed.diagnostics:
            self._scope.findings.add(diagnostic)
        if parsed.tree is None:
            return None
        typed = compile_expression(parsed.tree, replace(self._scope, constants={}))
        if typed is not None and typed.type == INT and kind == FLOAT:
            return constant(float(str(evaluate(typed))), FLOAT)
        if typed is not None and typed.type != kind:
            self._scope.findings.error(
                "P110", f"`{name}` is {article(kind)}, but this is {article(typed.type)}", Span(source, 0, len(text))
            )
            return None
        return typed

    def _empty(self, statement: ast.LetStatement, typed: Typed) -> None:
        """A constant that comes to null: its text is no duration, its sum overflows."""
        text = next((node.arguments for node in (statement.value,) if isinstance(node, ast.Call)), ())
        help = "the text is not of that form" if text and typed.type in (DURATION, TIME, INT, FLOAT) else ""
        self._scope.findings.error(
            "P306",
            f"the constant `{statement.name.text}` has no value: this comes to null",
            statement.value.span,
            help=help,
        )


def paths(node: object) -> list[str]:
    """One-word paths in an expression: names that may be constants."""
    if isinstance(node, ast.Path):
        return [node.parts[0].text] if len(node.parts) == 1 else []
    if isinstance(node, tuple):
        return [path for item in node for path in paths(item)]
    if isinstance(node, ast.Node):
        return [path for slot in _slots(type(node)) for path in paths(getattr(node, slot))]
    return []


def _slots(kind: type) -> list[str]:
    return [name for name in getattr(kind, "__dataclass_fields__", {}) if not name.endswith("span")]
