"""From effects to one commit: a pure decision, made before anything is written.

Partitions advance, rows go to their segments, windows grow; those whose end the watermark has passed are sent, those
that were sent before and have grown since are sent again with the next revision, those kept long enough are let go.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from pipeline.agent import sessions
from pipeline.agent.bookkeeping import entries, origins
from pipeline.agent.folding import Folding, Release
from pipeline.agent.letters import burials
from pipeline.agent.watermarks import Activity
from pipeline.api import Delta, Position, Sessions, Window
from pipeline.errors import InternalError
from pipeline.plan.asking import Work
from pipeline.plan.effects import LEAD, Effects
from pipeline.plan.facts import Closing, events
from pipeline.plan.flow import Flow
from pipeline.plan.graph import AnySessions, AnyWindow, Graph, Stage, Step
from pipeline.store import Advance, Changes, Grown, Piece, Released, Sent
from pipeline.store.values import position
from pipeline.store.windows import Held, Windows

DELTAS = 32
"""Deltas of an open window before they are folded into one."""

WORTH = 8 << 20
"""Bytes of deltas since the last time before they are folded, so that what is read back at once has a bound."""


@dataclass(frozen=True)
class Identity:
    """Who sends facts."""

    program: str
    instance: str
    host: str


def plan(
    flow: Flow,
    windows: Windows,
    effects: Sequence[Effects],
    watermarks: Mapping[str, int],
    identity: Identity,
    now: int,
    over: Collection[str] = (),
    *,
    folding: Folding | None = None,
    release: Release | None = None,
    progress: Mapping[str, Mapping[str, Position]] | None = None,
) -> Work[Changes]:
    """What to commit for these effects, given each window stage's watermark (stages without one are left out).

    Every window of the stages that are `over` is sent, as at the end of a finite run; their state is kept, as more input may
    come in a later run. Of programs with folds: their states, what they let go of, and the `progress` before this commit.
    Reads the state of windows and folds (so it may block on the database), changes none that is stored."""
    changes = Changes()
    _gather(changes, effects)
    effects = list(effects)
    placed: dict[str, dict[int, int]] = {}

    def let_go(stage: Stage, steps: Sequence[Step]) -> Work[None]:
        if folding is None or not any(step.fold for step in steps):
            return
        told = release or Release()
        for found in (yield from folding.released(flow, stage, steps, told, changes.advances, progress or {})):
            _gather(changes, [found], len(effects))
            effects.append(found)

    for stage in flow.graph.stages.values():
        yield from let_go(stage, stage.before)
        window = stage.window.plugin if stage.window else None
        given = (windows, effects, watermarks.get(stage.name), identity, now, folding)
        if isinstance(window, Sessions):
            placed[stage.name] = yield from _sessions(changes, flow, stage, window, *given, final=stage.name in over)
        elif isinstance(window, Window):
            placed[stage.name] = yield from _windows(changes, flow, stage, window, *given, final=stage.name in over)
        yield from let_go(stage, stage.after)
    changes.entries = entries(flow, effects)
    changes.origins = origins(effects, placed)
    changes.remembered = [] if folding is None else folding.changes()
    return changes


def ripe(stages: Mapping[str, AnyWindow], windows: Windows, watermarks: Mapping[str, int]) -> bool:
    """Whether time alone gives `plan` something to do: a window of these stages to send or to let go."""
    return any(
        _due(window, start, held, watermarks.get(name))
        for name, window in stages.items()
        for (start, _), held in windows.held.get(name, {}).items()
    )


def due_at(
    graph: Graph, stages: Mapping[str, AnyWindow], windows: Windows, activity: Activity, monotonic: float
) -> float | None:
    """When (monotonic seconds) there may be a window to send or to let go because time has passed: a partition becomes idle
    after now, or all are and the watermark comes to what is due. None for never."""
    found: list[float] = []
    for name, window in stages.items():
        high = windows.high.get(name)
        if not high:
            continue
        sources = graph.sources_of(name)
        last = max((activity.last.get(source, activity.started) for source in sources), default=activity.started)
        idle = [at + window.idle / 1e6 for source in sources for at in activity.seen.get(source, {}).values()]
        found += [at for at in idle if at > monotonic]
        for (start, _), held in windows.held.get(name, {}).items():
            mark = _next(window, start, held)
            if mark is not None:
                found.append(last + max(window.idle, mark - max(high.values())) / 1e6)
    return min(found, default=None)


def _due(window: AnyWindow, start: int, held: Held, mark: int | None) -> bool:
    """Whether a window is to be sent, for the first time or because it has grown since, or is to be let go."""
    if isinstance(window, Sessions):
        return sessions.due(held, mark)
    return _ended(window, start, mark) if held.closed is None else _outlived(window, held, mark)


def _next(window: AnyWindow, start: int, held: Held) -> int | None:
    """The watermark that a window waits for; None where it waits for none."""
    if isinstance(window, Sessions):
        return held.due
    if held.closed is None:
        return start + window.size + window.lateness if window.size > 0 else None
    return held.closed + window.keep


def _ended(window: AnyWindow, start: int, mark: int | None) -> bool:
    """Whether the watermark has passed the end of a window; a window over everything has none."""
    return window.size > 0 and mark is not None and start + window.size + window.lateness <= mark


def _outlived(window: AnyWindow, held: Held, mark: int | None) -> bool:
    """Whether a window that was sent has been kept for as long as it is to be."""
    return held.closed is not None and mark is not None and held.closed + window.keep <= mark


def _gather(changes: Changes, effects: Iterable[Effects], first: int = 0) -> None:
    """Put effects of batches into the changes; those that windows and folds give come after the `first` ones."""
    spans: dict[tuple[str, str], tuple[Position, Position]] = {}
    dead: dict[tuple[str, int], list[pl.DataFrame]] = {}
    for batch, effect in enumerate(effects, first):
        for partition, span in effect.span.items():
            known = spans.get((effect.source, partition))
            if known is not None and position(known[1]) != position(span.start):
                raise InternalError(
                    f"{effect.source}: partition {partition} was read up to {known[1]}, the next batch starts at {span.start}",
                    "This is a defect of the input plugin. Nothing of the batch is committed.",
                )
            spans[effect.source, partition] = (known[0] if known else span.start, span.end)
        ranges = {partition: (span.start, span.end) for partition, span in effect.span.items()}
        for out in effect.outs:
            torn = next(iter(ranges), "") if out.torn else ""
            # An output that has what was made of records is no place to find them again.
            of = batch if ranges and not out.made else -1
            changes.pieces.append(Piece(out.sink, out.path, out.data, out.rows, ranges, of, torn))
        for stage, frame in effect.dead:
            dead.setdefault((stage, effect.tries), []).append(frame)
        changes.settled += effect.letters
        changes.counts.update(effect.counts)
        changes.condemned += [(effect.source, key) for key in effect.condemned]
        for stage, marks in effect.high.items():
            for partition, mark in marks.items():
                key = (stage, partition)
                changes.high[key] = max(mark, changes.high.get(key, mark))
    changes.advances += [Advance(*key, start, end) for key, (start, end) in spans.items()]
    for (stage, tries), frames in dead.items():
        changes.buried += burials(stage, tries, pl.concat(frames))


def _windows(
    changes: Changes,
    flow: Flow,
    stage: Stage,
    window: AnyWindow,
    windows: Windows,
    effects: Sequence[Effects],
    watermark: int | None,
    identity: Identity,
    now: int,
    folding: Folding | None,
    *,
    final: bool,
) -> Work[dict[int, int]]:
    """Gives the part that the new rows of each window went to."""
    name = stage.name
    new: dict[int, list[Delta]] = {}
    for effect in effects:
        for start, delta in effect.deltas.get(name, {}).items():
            new.setdefault(start, []).append(delta)
    mark = _mark(changes, name, windows, watermark, now, final=final)
    sent: list[Effects] = []
    kept = windows.held.get(name, {})
    # A start has one part with state at most: an extra part begins when the one before was let go.
    parts = dict(kept.keys())
    due = {start for (start, _), held in kept.items() if final or _due(window, start, held, mark)}
    went: dict[int, int] = {}
    for start in sorted({*new, *due}):
        part = went[start] = parts[start] if start in parts else windows.part(name, start)
        held = kept.get((start, part), Held())
        added = new.get(start, [])
        end = start + window.size + window.lateness
        over = final or _ended(window, start, mark)
        if over and (added or held.closed is None):
            stored = [window.load(blob) for blob in windows.deltas(name, start, part)]
            state, overflowed = window.bounded([*stored, *added])
            changes.overflowed[name] += overflowed
            revision = held.revision + 1
            closing = Closing(
                identity.program, name, window.fingerprint, identity.instance, identity.host,
                start, part, revision, now, window.partial,
            )  # fmt: skip
            sent.append((yield from flow.facts(name, events(window.rows(start, state), closing), folding)))
            changes.sent.append(Sent(name, start, part, revision, end if mark is None else max(mark, end)))
            if window.keep == 0:
                changes.released.append(Released(name, start, part))
            else:
                changes.grown.append(Grown(name, start, part, window.dump(state, dense=True), replaces=True))
        elif added:
            if _full(held):
                stored = [window.load(blob) for blob in windows.deltas(name, start, part)]
                state, overflowed = window.bounded([*stored, *added])
                changes.overflowed[name] += overflowed
                changes.grown.append(Grown(name, start, part, window.dump(state, dense=True), replaces=True))
            else:
                changes.grown.append(
                    Grown(name, start, part, window.dump(added[0] if len(added) == 1 else window.merge(added)))
                )
        elif _outlived(window, held, mark):
            changes.released.append(Released(name, start, part))
    _gather(changes, sent)
    return went


def _sessions(
    changes: Changes,
    flow: Flow,
    stage: Stage,
    window: AnySessions,
    windows: Windows,
    effects: Sequence[Effects],
    watermark: int | None,
    identity: Identity,
    now: int,
    folding: Folding | None,
    *,
    final: bool,
) -> Work[dict[int, int]]:
    """The same for sessions, which have one state."""
    name = stage.name
    added = [delta for effect in effects for delta in effect.deltas.get(name, {}).values()]
    mark = _mark(changes, name, windows, watermark, now, final=final)
    parts = dict(windows.held.get(name, {}).keys())
    part = parts[sessions.STATE] if parts else windows.part(name, sessions.STATE)
    held = windows.held.get(name, {}).get((sessions.STATE, part), Held())

    def closing(number: int) -> Closing:
        who = (identity.program, name, window.fingerprint, identity.instance, identity.host)
        return Closing(*who, sessions.STATE, part, number, now)

    facts = sessions.grow(changes, name, window, windows, added, mark, part, closing, full=_full(held), final=final)
    if facts is not None:
        _gather(changes, [(yield from flow.facts(name, facts, folding))])
    return {sessions.STATE: part}


def _mark(changes: Changes, name: str, windows: Windows, watermark: int | None, now: int, *, final: bool) -> int | None:
    """The watermark of a stage, which never goes back; noted in the changes."""
    marks = [mark for mark in (watermark, windows.watermarks.get(name)) if mark is not None]
    if final:
        # All input was read: event time has come to the latest event.
        highest = [
            *windows.high.get(name, {}).values(),
            *(time for key, time in changes.high.items() if key[0] == name),
        ]
        marks += [min(max(highest), now + LEAD)] if highest else []
    mark = max(marks, default=None)
    if mark is not None and mark != windows.watermarks.get(name):
        changes.watermarks[name] = mark
    return mark


def _full(held: Held) -> bool:
    """Whether the deltas of an open window are to be folded."""
    return held.deltas >= DELTAS or held.size - held.oldest >= WORTH
