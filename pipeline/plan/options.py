"""Arguments of a plugin in a program, converted to the plugin's Options by the annotations of its fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pydantic

from pipeline.api import Codec, OptionError, Options, Plugin
from pipeline.api.codecs import Decodes, Encodes
from pipeline.api.tables import Upstream
from pipeline.errors import PipeError
from pipeline.lang import ast
from pipeline.lang.diagnostics import Label, suggestion
from pipeline.lang.spans import Span
from pipeline.plan.blocks import block_value, is_block
from pipeline.plan.scope import Scope
from pipeline.plan.spelling import either
from pipeline.plan.tables import Table, keyed, table, theirs
from pipeline.plan.values import FAILED, convert
from pipeline.plan.wording import limit, marked

TEMPLATE = "text"
"""The codec that a template stands for."""


@dataclass
class Filled:
    """Options of one call. `options` is None after an error; `spans` says where each was written."""

    options: Options | None
    spans: Mapping[str, Span] = field(default_factory=dict)
    fields: Mapping[str, tuple[ast.Path, ...]] = field(default_factory=dict)
    """Options that are fields, as written."""


def fill(call: ast.Call, plugin: type[Plugin[Options]], scope: Scope, what: str) -> Filled:
    """Convert all arguments, the `by` clause and the block. Reports everything that does not fit."""
    model = plugin.options_model
    hints = model.hinted()
    visible = list(model.arguments())
    values: dict[str, object] = {}
    spans: dict[str, Span] = {}
    fields: dict[str, tuple[ast.Path, ...]] = {}
    sound = True
    other = table(call, plugin, scope)
    for name, nodes, span in _placed(call, model, visible, scope, what):
        if name is None:
            sound = False
            continue
        if name in spans:
            labels = (Label(spans[name], "here first"),)
            scope.findings.error("P208", f"`{name}` is given twice", span, labels=labels)
            sound = False
            continue
        spans[name] = span
        node = nodes[0] if name != model.rest else ast.ListOf(span, tuple(nodes))
        wanted = _marked(hints[name])
        option = f"`{name}` of {what}"
        if hints[name] is Upstream:
            value = _upstream(node, other, scope, option)
        elif wanted is not None:
            value = _codec(node, wanted, scope, option)
        else:
            value = convert(node, hints[name], other.scope if other and theirs(hints[name]) else scope, option)
        fields[name] = tuple(node for node in nodes if isinstance(node, ast.Path))
        if value is FAILED:
            sound = False
        else:
            values[name] = value
    sound &= _clauses(call, model, hints, values, spans, fields, scope, what)
    sound &= other is None or keyed(other, values, spans, hints)
    for name in model.defined():
        values[name] = dict(scope.patterns)
        scope.used.add(("patterns", ""))
    for name, info in model.named().items():
        wanted = _marked(hints[name])
        if wanted is not None and name not in spans and isinstance(info.default, str):
            word = ast.Path(call.name.span, (ast.Name(call.name.span, info.default),))
            values[name] = _codec(word, wanted, scope, f"`{name}` of {what}")
            sound &= values[name] is not FAILED
    missing = [name for name, info in model.arguments().items() if info.is_required() and name not in spans]
    for name in missing:
        doc = model.named()[name].description or ""
        scope.findings.error("P204", f"{what} needs `{name}`", call.name.span, help=doc)
    if not sound or missing:
        return Filled(None, spans, fields)
    return Filled(_validated(call, model, hints, values, spans, scope, what), spans, fields)


def _placed(
    call: ast.Call, model: type[Options], visible: list[str], scope: Scope, what: str
) -> list[tuple[str | None, list[ast.Expression], Span]]:
    """Which option each argument is for: positional ones in the order of the fields, the rest to `rest`."""
    placed: list[tuple[str | None, list[ast.Expression], Span]] = []
    order = [name for name in visible if name != model.rest]
    stop = visible.index(model.rest) if model.rest in visible else len(order)
    further: list[ast.Argument] = []
    at = 0
    for argument in call.arguments:
        if argument.name is not None:
            name: str | None = argument.name.text
            if name not in visible:
                _unknown(argument.name, visible, model, scope, what)
                name = None
            if name is not None and name == model.rest and isinstance(argument.value, ast.ListOf):
                placed.append((name, list(argument.value.items), argument.span))
            else:
                placed.append((name, [argument.value], argument.span))
        elif at < stop:
            placed.append((order[at], [argument.value], argument.span))
            at += 1
        elif model.rest is not None:
            further.append(argument)
        else:
            takes = f"at most {len(order)} arguments" if len(order) > 1 else "one argument" if order else "no arguments"
            scope.findings.error("P205", f"{what} takes {takes}", argument.span, "one too many")
            placed.append((None, [], argument.span))
            break
    if further:
        placed.append((model.rest, [argument.value for argument in further], further[0].span.to(further[-1].span)))
    return placed


def _unknown(name: ast.Name, visible: list[str], model: type[Options], scope: Scope, what: str) -> None:
    if name.text in model.named() and name.text in ("block", "by"):
        help = "write `by field` after the parentheses" if name.text == "by" else "write a block `{ … }`"
    else:
        help = suggestion(name.text, visible) or (
            f"it has {either((f'`{option}`' for option in visible), 'and')}" if visible else "it has no options"
        )
    scope.findings.error("P203", f"{what} has no option `{name.text}`", name.span, help=help)


def _clauses(
    call: ast.Call,
    model: type[Options],
    hints: Mapping[str, object],
    values: dict[str, object],
    spans: dict[str, Span],
    fields: dict[str, tuple[ast.Path, ...]],
    scope: Scope,
    what: str,
) -> bool:
    """The `by` clause and the block. False when something in them is wrong."""
    sound = True
    if call.by:
        span = call.by[0].span.to(call.by[-1].span)
        if "by" not in model.named():
            scope.findings.error("P210", f"{what} has no `by`", span)
            sound = False
        else:
            found = [scope.field(path) for path in call.by]
            values["by"], spans["by"], fields["by"] = tuple(item for item in found if item is not None), span, call.by
            sound &= all(item is not None for item in found)
    if call.block is not None:
        if "block" not in model.named() or not is_block(hints["block"]):
            scope.findings.error("P209", f"{what} takes no block", call.block.span)
            return False
        spans["block"] = call.block.span
        block = block_value(call.block, hints["block"], scope)
        if block is None:
            return False
        values["block"] = block
    elif "block" in model.named() and model.named()["block"].is_required():
        doc = model.named()["block"].description or ""
        scope.findings.error("P209", f"{what} needs a block `{{ … }}`", call.name.span, help=doc)
        sound = False
    return sound


def _validated(
    call: ast.Call,
    model: type[Options],
    hints: Mapping[str, object],
    values: Mapping[str, object],
    spans: Mapping[str, Span],
    scope: Scope,
    what: str,
) -> Options | None:
    """The model itself, which checks limits; its complaints in our words."""
    try:
        return model.model_validate(dict(values))
    except pydantic.ValidationError as error:
        for problem in error.errors():
            path = [str(part) for part in problem["loc"]]
            name = path[0] if path else ""
            told = limit(problem, hints.get(name))
            subject = f"`{name}` of {what} {told}" if name else f"{what}: {told}"
            doc = model.named()[name].description or "" if name in model.named() else ""
            scope.findings.error("P207", subject, spans.get(name, call.name.span), help=doc)
        return None


def _upstream(node: ast.Expression, other: Table | None, scope: Scope, what: str) -> object:
    if other is not None:
        return FAILED if other.scope.point.broken else other.value
    help = "write its name without quotes; a file is read by `lookup`" if isinstance(node, ast.String) else ""
    scope.findings.error("P206", f"{what} is a source or a transform of the program", node.span, help=help)
    return FAILED


# ── codecs ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _marked(annotation: object) -> object:
    """`Decodes` or `Encodes` where an option is a codec."""
    return next((mark for mark in (Decodes, Encodes) if marked(annotation, mark)), None)


def _codec(node: ast.Expression, wanted: object, scope: Scope, what: str) -> object:
    """A codec by its name (`json`), with options (`csv(['a'])`), or, to write, as a template."""
    if isinstance(node, ast.Null) and wanted is Decodes:
        return None
    call = node
    if isinstance(node, ast.Template) and node.plain is None and wanted is Encodes:
        call = ast.Call(node.span, ast.Name(node.span, TEMPLATE), (ast.Argument(node.span, None, node),))
    elif isinstance(node, ast.Path) and len(node.parts) == 1:
        call = ast.Call(node.span, node.parts[0], ())
    elif isinstance(node, ast.String):
        call = ast.Call(node.span, ast.Name(node.span, node.value), ())
    try:
        plugin = scope.catalog.codec(call.name.text) if isinstance(call, ast.Call) else None
    except KeyError:
        plugin = None
    except PipeError as error:
        scope.findings.error("P202", error.message, node.span, help=error.help)
        return FAILED
    if plugin is None or not isinstance(call, ast.Call) or not _does(plugin, wanted):
        known = [name for name in scope.catalog.names("codecs") if _does(scope.catalog.codec(name), wanted)]
        close = suggestion(call.name.text, known) if isinstance(call, ast.Call) else ""
        scope.findings.error("P206", f"{what} is {either(f'`{name}`' for name in known)}", node.span, help=close or "")
        return FAILED
    filled = fill(call, plugin, scope, f"`{call.name.text}`")
    return construct(plugin, filled, call, scope) or FAILED


def _does(plugin: type[Codec[Any]], wanted: object) -> bool:
    return plugin.decodes() if wanted is Decodes else plugin.encodes()


def construct(plugin: type[Plugin[Options]], filled: Filled, call: ast.Call, scope: Scope) -> Plugin[Options] | None:
    """The plugin itself; what its constructor objects to is reported at the option."""
    if filled.options is None:
        return None
    try:
        return plugin(filled.options)
    except OptionError as error:
        refused(error, filled, call, scope)
    except PipeError as error:
        scope.findings.error("P207", error.message, call.name.span, help=error.help)
    return None


def refused(error: OptionError, filled: Filled, call: ast.Call, scope: Scope) -> None:
    """Report an OptionError at the option that it names."""
    span = filled.spans.get(error.option or "", call.name.span)
    scope.findings.error("P207", error.message, span, help=error.help)
