"""`check`: which rules a plugin is held to, and what it is told when it breaks some."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pipeline.api import Aggregate, Codec, Filter, Fold, Function, Input, Output, Resolver, Window
from pipeline.columns.panics import DEFECTS
from pipeline.plan.isolation import told
from pipeline.testing.contract.cases import AnyPlugin, Case, kind_of
from pipeline.testing.contract.codecs import CODEC
from pipeline.testing.contract.filters import FILTER
from pipeline.testing.contract.folds import FOLD
from pipeline.testing.contract.inputs import INPUT
from pipeline.testing.contract.outputs import OUTPUT
from pipeline.testing.contract.resolvers import RESOLVER
from pipeline.testing.contract.rules import BrokenError, ContractError, Rule
from pipeline.testing.contract.whole import whole
from pipeline.testing.contract.windows import WINDOW

AnyRule = Rule[Any]

PAGE = "docs/writing-plugins.md"


def _aggregates() -> tuple[AnyRule, ...]:
    # Hypothesis is needed for these alone.
    from pipeline.testing.contract.aggregates import AGGREGATE

    return AGGREGATE


def _functions() -> tuple[AnyRule, ...]:
    from pipeline.testing.contract.functions import FUNCTION

    return FUNCTION


SUITES: Mapping[type, Callable[[], tuple[AnyRule, ...]]] = {
    Input: lambda: INPUT,
    Resolver: lambda: RESOLVER,
    Filter: lambda: FILTER,
    Fold: lambda: FOLD,
    Window: lambda: WINDOW,
    Output: lambda: OUTPUT,
    Codec: lambda: (*CODEC, whole),
    Aggregate: _aggregates,
    Function: _functions,
}
"""The rules of each kind of plugin, by its class; the first that fits."""


def check(
    plugin: type[AnyPlugin | Aggregate] | Aggregate | Function,
    *programs: str,
    skip: Mapping[str, str] | None = None,
    reset: Callable[[], object] | None = None,
    effect: Callable[[], object] | None = None,
) -> None:
    """Hold a plugin to the contract of its kind. Raises ContractError, which names each broken rule, what was seen, what to do.

    It is tried as the programs use it: its own `example`, or those that are given instead (for an aggregate, metrics of a
    window), where the example needs a server or a file. `reset` is called before each time that the plugin is opened, and puts
    the outside world back to its beginning; `effect` says what has arrived at an output's destination. `skip` leaves rules
    out, each with the reason.

    Runs event loops of its own, so call it from a test that is not asynchronous; takes seconds."""
    suite = next((rules() for kind, rules in SUITES.items() if _is(plugin, kind)), None)
    if suite is None:
        raise TypeError(f"{plugin!r} is no plugin")
    left_out = dict(skip or {})
    if unknown := left_out.keys() - {rule.name for rule in suite}:
        raise TypeError(
            f"no rule is called {', '.join(sorted(unknown))}: there are {', '.join(rule.name for rule in suite)}"
        )
    cases = list(_cases(plugin, programs, reset, effect))
    broken: list[tuple[AnyRule, str]] = []
    for rule in suite:
        seen = None if rule.name in left_out else _seen(rule, cases, plugin)
        # What is raised in one place breaks many rules, and is told once.
        if seen is not None and not any(seen in earlier for _, earlier in broken):
            broken.append((rule, seen))
    if broken:
        raise ContractError(_message(plugin, broken), tuple(rule.name for rule, _ in broken))


def _is(plugin: object, kind: type) -> bool:
    return isinstance(plugin, kind) or (isinstance(plugin, type) and issubclass(plugin, kind))


def _cases(
    plugin: object,
    programs: Sequence[str],
    reset: Callable[[], object] | None,
    effect: Callable[[], object] | None,
) -> Iterator[object]:
    if isinstance(plugin, Function):
        from pipeline.testing.contract.functions import Calls

        yield Calls(plugin)
    elif _is(plugin, Aggregate):
        from pipeline.testing.contract.aggregates import Metric

        made: Any = plugin() if isinstance(plugin, type) else plugin
        yield from (Metric(made, metric) for metric in programs or (made.example,))
    else:
        known: Any = plugin
        for program in programs or (known.example,):
            case = Case(known, kind_of(known), known.name, program)
            case.reset, case.effect = reset or case.reset, effect
            yield case


def _seen(rule: AnyRule, cases: Sequence[object], plugin: object) -> str | None:
    """What the first case that breaks the rule shows."""
    for case in cases:
        try:
            rule.holds(case)
        except BrokenError as error:
            return str(error)
        except DEFECTS as error:
            return told(error, _of(plugin))
    return None


def _of(plugin: object) -> object:
    """Something that is of the plugin's module: errors are told with their place there."""
    module = plugin.__module__ if isinstance(plugin, type) else type(plugin).__module__
    return type("Of", (), {"__module__": module})()


def _message(plugin: object, broken: Sequence[tuple[AnyRule, str]]) -> str:
    name = plugin.__name__ if isinstance(plugin, type) else getattr(plugin, "name", str(plugin))
    rules = "1 rule" if len(broken) == 1 else f"{len(broken)} rules"
    parts = [
        f"{rule.name}: {seen}\n    the rule: {rule.demand}\n    what to do: {rule.advice}" for rule, seen in broken
    ]
    return f"{name} breaks {rules} of the plugin contract ({PAGE}):\n\n" + "\n\n".join(parts)
