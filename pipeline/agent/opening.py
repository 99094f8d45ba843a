"""A state that is opened for a program: it is told what the program is now, and people what does not fit any more."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.agent.telemetry import Journal
from pipeline.plan.graph import AnyWindow, Graph
from pipeline.store import Store


def arrange(store: Store, graph: Graph, windows: Mapping[str, AnyWindow], journal: Journal) -> None:
    """Tell the store of the sinks and window stages of the program, and the journal of what the store says to that.

    May block on the disk. Raises what `Store.arrange` raises."""
    layouts = {stage.name: stage.output.layout for stage in graph.sinks if stage.output is not None}
    store.arrange(layouts, {name: window.fingerprint for name, window in windows.items()})
    for sink in sorted(set(store.contents.waiting()) - {stage.name for stage in graph.sinks}):
        journal.say("warning", sink, "segments wait for a sink that is not in the program any more", {})
    for name, count in store.dropped.items():
        told = "the window is another one now: open windows of the old one were dropped"
        journal.say("warning", name, told, {"windows": count})
    for shortage in store.shortages:
        fields = {"path": shortage.path, "missing_bytes": shortage.missing}
        journal.say("warning", "", "a local output is shorter than what was committed to it", fields)
