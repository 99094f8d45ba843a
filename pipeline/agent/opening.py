"""A state that is opened for a program, or goes over to another: it is told what the program is now, and people what does not
fit any more."""

from __future__ import annotations

from pipeline.agent.assembly import Assembly
from pipeline.agent.telemetry import Journal
from pipeline.store import Store


def arrange(store: Store, assembly: Assembly, journal: Journal) -> None:
    """Tell the store of the sinks and window stages of the program, and the journal of what the store says to that.

    May block on the disk. Raises what `Store.arrange` raises."""
    sinks = {stage.name: stage.output.layout for stage in assembly.graph.sinks if stage.output is not None}
    store.arrange(sinks, {name: window.fingerprint for name, window in assembly.windows.items()})
    for sink in sorted(set(store.contents.waiting()) - sinks.keys()):
        journal.say("warning", sink, "segments wait for a sink that is not in the program any more", {})
    for name, count in store.dropped.items():
        told = "the window is another one now: open windows of the old one were dropped"
        journal.say("warning", name, told, {"windows": count})
    for shortage in store.shortages:
        fields = {"path": shortage.path, "missing_bytes": shortage.missing}
        journal.say("warning", "", "a local output is shorter than what was committed to it", fields)
