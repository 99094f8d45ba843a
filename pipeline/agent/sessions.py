"""Sessions in a commit: one state for all of a stage. It gets deltas, and a turn when one of them may be over."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl

from pipeline.api import Delta
from pipeline.plan.facts import Closing, events
from pipeline.plan.graph import AnySessions
from pipeline.store import Changes, Grown, Sent
from pipeline.store.windows import Held, Windows

STATE = 0
"""The start of the window that all sessions of a stage are the state of."""


def due(held: Held, mark: int | None) -> bool:
    """Whether the watermark has come to where there may be something to do."""
    return mark is not None and held.due is not None and held.due <= mark


def grow(
    changes: Changes,
    stage: str,
    window: AnySessions,
    windows: Windows,
    added: Sequence[Delta],
    mark: int | None,
    part: int,
    closing: Callable[[int], Closing],
    *,
    full: bool,
    final: bool,
) -> pl.DataFrame | None:
    """Add deltas to the state, and send what is over; gives the facts, if there are any. `full`: the stored deltas are to be
    merged. `closing` is asked with the number of the sending. Reads the state where there is something to do."""
    held = windows.held.get(stage, {}).get((STATE, part))
    if held is None and not added:
        return None
    held = held or Held()
    dues = [at for at in (held.due, *map(window.due, added)) if at is not None]
    soonest = min(dues, default=None)
    if not (final or full or due(Held(due=soonest), mark)):
        if added:
            state = added[0] if len(added) == 1 else window.merge(added)
            changes.grown.append(Grown(stage, STATE, part, window.dump(state), due=soonest))
        return None
    stored = [window.load(blob) for blob in windows.deltas(stage, STATE, part)]
    number = held.revision + 1
    made = window.turn(window.merge([*stored, *added]), mark, windows.watermarks.get(stage), number, final=final)
    whole = window.dump(made.state, dense=True)
    changes.grown.append(Grown(stage, STATE, part, whole, replaces=True, due=made.due))
    if made.rows.is_empty():
        return None
    changes.sent.append(Sent(stage, STATE, part, number, None if made.open else mark))
    return events(made.rows, closing(number))
