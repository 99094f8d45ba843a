"""What is asked and told before a program runs, or takes over: whether its inputs end, and what the state makes of it."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.agent.assembly import Assembly
from pipeline.agent.telemetry import Journal
from pipeline.api import Position
from pipeline.errors import ConfigurationError
from pipeline.plan.graph import AnyInput, Graph
from pipeline.store import Shape, Store


def check_ends(sources: Mapping[str, AnyInput]) -> None:
    """Raises ConfigurationError where an input can never end."""
    for name, source in sources.items():
        if not source.finite:
            raise ConfigurationError(
                f"source {name} has no end, so it cannot be read with --once", "Run without --once, or bound the input."
            )


def check_kinds(
    before: Mapping[str, AnyInput], after: Mapping[str, AnyInput], progress: Mapping[str, Mapping[str, Position]]
) -> None:
    """Raises ConfigurationError where a source has become one of another kind, which could not read on where it was."""
    for name in before.keys() & after.keys():
        if before[name].name != after[name].name and progress.get(name):
            raise ConfigurationError(
                f"source {name} was read by {before[name].name}(), and {after[name].name}() cannot go on there",
                "Give the new source a name of its own.",
            )


def check_stages(before: Graph, after: Graph) -> None:
    """Raises ConfigurationError where a name of the program that runs is that of a stage of another kind in the next one: it may
    have counts until then."""
    was, now = _shape(before), _shape(after)
    for name in sorted(before.stages.keys() & after.stages.keys()):
        if was.kind(name) != now.kind(name):
            raise ConfigurationError(
                f"{name} is a {was.kind(name)}, and would be a {now.kind(name)}: the state has counts under its name",
                f"Give the {now.kind(name)} a name of its own.",
            )


def check_names(store: Store, graph: Graph) -> None:
    """Raises ConfigurationError where a name that the state has counts of is that of a stage of another kind now."""
    for name, (was, now) in store.accounts.changed(_shape(graph)).items():
        raise ConfigurationError(
            f"{name} was a {was}, and is a {now} now: the state has the counts of the {was} under that name",
            f"Give the {now} a name of its own.",
        )


def arrange(store: Store, assembly: Assembly, journal: Journal) -> None:
    """Tell the store of the sinks, window stages and folds of the program, and the journal of what the store says to that.

    May block on the disk. Raises what `Store.arrange` raises, and what `check_names` raises."""
    graph = assembly.graph
    check_names(store, graph)
    sinks = {stage.name: stage.output.layout for stage in graph.sinks if stage.output is not None}
    windows = {name: window.fingerprint for name, window in assembly.windows.items()}
    store.arrange(sinks, windows, _shape(graph), assembly.folds)
    for sink in sorted(set(store.contents.waiting()) - sinks.keys()):
        journal.say("warning", sink, "segments wait for a sink that is not in the program any more", {})
    for name, count in store.dropped.items():
        told = "the window is another one now: open windows of the old one were dropped"
        journal.say("warning", name, told, {"windows": count})
    for (stage, fold, _), known in store.abandoned.items():
        told = "the fold is another one now: rows that the old one held were dropped"
        journal.say("warning", stage, told, {"fold": fold.partition("-")[0], "rows": known.held})
    for shortage in store.shortages:
        fields = {"path": shortage.path, "missing_bytes": shortage.missing}
        journal.say("warning", "", "a local output is shorter than what was committed to it", fields)


def _shape(graph: Graph) -> Shape:
    return Shape(
        {stage.name: [str(port) for port in stage.reads] for stage in graph.stages.values() if stage.upstream},
        {source.name: list(graph.sinks_of(source.name)) for source in graph.sources},
        sorted(stage.name for stage in graph.sinks),
    )
