"""Turns of sessions: those that are over become events, others are taken back, those that were kept long enough are let go."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from pipeline.columns.types import BOOL, INT, TIME, Type, dtype
from pipeline.columns.windows.groups import columns, fields, groups, label
from pipeline.columns.windows.merges import Delta
from pipeline.columns.windows.sessions import END, EVENTS, LAST, Sessions
from pipeline.columns.windows.spec import Key
from pipeline.columns.windows.states import State, parts, seen

RETRACTED, REVISION, PARTIAL = "retracted", "revision", "partial"


@dataclass(frozen=True, eq=False)
class Turn:
    """What a turn of the sessions gives: their state afterwards, the rows to send (of `told`, with `key`), when there is
    something to do next (the first watermark, µs; None for never), and whether there are sessions that are not over."""

    state: Delta
    rows: pl.DataFrame
    due: int | None
    open: bool


@dataclass(frozen=True)
class Moment:
    """When a turn is: the watermark of now and of the last turn (µs; None: not known), the number of the sending, and whether
    the input has ended.

    `wait`: how far the watermark is to pass the last event of a session. `keep`: how much farther until its state is let
    go. `most`: how many sessions are kept at most."""

    mark: int | None
    before: int | None
    turn: int
    wait: int
    keep: int
    most: int
    final: bool = False


def told(sessions: Sessions) -> dict[str, Type]:
    """Names and types of the columns of `Turn.rows`, without `key`, `revision` and `partial`."""
    return {**columns(sessions.window.spec), RETRACTED: BOOL}


def turned(sessions: Sessions, state: Delta, at: Moment) -> Turn:
    """Send the sessions that are over, or have changed since they were sent, and let go of those that were kept long enough."""
    on, time = sessions.group, dtype(TIME)
    sent = seen(parts(state)[-1])
    owners = sent.sort("identity", "turn").group_by(on, maintain_order=True).first()
    known = seen(parts(state)[0]).select(*on, pl.col(LAST).to_physical(), EVENTS)
    known = known.join(owners, on=on, how="left", nulls_equal=True)
    fresh = pl.col("events").is_null() | (pl.col(EVENTS) != pl.col("events"))
    known = known.with_columns(
        fresh.alias("fresh"), _passed(pl.col(LAST) + at.wait, at.mark).alias("over")
    ).with_columns(
        _passed(pl.col(LAST) + at.wait + at.keep, at.mark).alias("gone"),
        (pl.col("events").is_null() & _passed(pl.col(LAST) + at.wait + at.keep, at.before)).alias("late"),
    )
    if at.final:
        known = known.with_columns(over=pl.lit(value=True))
    known = _within(known, on, at.most)
    sending = known.filter(pl.col("over") & pl.col("fresh")).with_columns(
        pl.col("identity").fill_null(pl.col(sessions.begin).to_physical()),
        pl.col("turn").fill_null(at.turn),
        pl.col("revision").fill_null(0) + 1,
        pl.col(EVENTS).alias("events"),
        pl.col(sessions.begin).alias("begin"),
        pl.col(LAST).cast(time).alias("end"),
    )
    absorbed = sent.join(sending, on=on, how="semi", nulls_equal=True).join(
        sending, on=[*on, "identity", "turn"], how="anti", nulls_equal=True
    )
    rows = _rows(sessions, state, sending, absorbed)
    gone = known.filter("gone").select(on)
    left = [_without(seen(part), gone, on) for part in parts(state)[:-1]]
    remembered = pl.concat([_without(sent, sending.select(on), on), sending.select(sent.columns)])
    stay = known.filter(~pl.col("gone")).select(open=pl.col("fresh") & ~pl.col("over"), ends=pl.col(LAST) + at.wait + 1)
    due = stay.select(pl.col("ends") + pl.when("open").then(0).otherwise(at.keep)).to_series().min()
    made = State([*left, _without(remembered, gone, on)])
    return Turn(made, rows, None if due is None else int(due), bool(stay.get_column("open").any()))  # type: ignore[arg-type]


def rows(sessions: Sessions, state: Delta) -> pl.DataFrame:
    """All sessions of a state as they are: the columns of `told`, and `key`."""
    on = sessions.group
    sent = seen(parts(state)[-1]).sort("identity", "turn").group_by(on, maintain_order=True).first()
    known = seen(parts(state)[0]).select(on).join(sent, on=on, how="left", nulls_equal=True)
    given = known.with_columns(pl.col("identity").fill_null(pl.col(sessions.begin).to_physical()), late=False)
    return _rows(sessions, state, given, sent.clear()).drop(REVISION, PARTIAL)


def _rows(sessions: Sessions, state: Delta, sending: pl.DataFrame, absorbed: pl.DataFrame) -> pl.DataFrame:
    """Rows of the sessions that are sent, in order of key and begin, after those of sessions that are others' now."""
    on, window = sessions.group, sessions.window
    spec = window.spec
    there = State(
        seen(part).join(sending.select(on), on=on, how="semi", nulls_equal=True) for part in parts(state)[:-1]
    )
    name = label([*spec.by[:-1], Key(("session",), pl.col("identity"), INT)], [*sessions.keys, "identity"])
    turn = pl.format("{}#{}", name, pl.col("turn").fill_null(0)).alias("name")
    about = sending.select(
        label(spec.by, on).alias("key"),
        turn,
        pl.lit(None, dtype=pl.Boolean).alias(RETRACTED),
        pl.col(REVISION).cast(pl.Int64),
        pl.when("late").then(pl.lit(value=True)).alias(PARTIAL),
    )
    facts = groups(window, there).drop(PARTIAL, strict=False)
    facts = facts.join(about, on="key", how="left", maintain_order="left").drop("key").rename({"name": "key"})
    # As they were told: where others begin or end by now is of no interest to who takes them back.
    back = absorbed.with_columns(pl.col("begin").alias(sessions.begin)).select(
        *fields(spec),
        pl.col("end").alias(END),
        turn.alias("key"),
        pl.lit(value=True).alias(RETRACTED),
        pl.col(REVISION) + 1,
    )
    order = [*told(sessions), "key", REVISION, PARTIAL]
    return pl.concat([back.sort("key"), facts.select(order)], how="diagonal").select(order)


def _within(known: pl.DataFrame, on: list[str], most: int) -> pl.DataFrame:
    """With the sessions over whose last event is longest ago, where more would be kept than may be."""
    if known.height - int(known.get_column("gone").sum()) <= most:
        return known
    kept = known.filter(~pl.col("gone")).sort(LAST, *on, descending=[True, *[False] * len(on)]).head(most)
    out = ~pl.col("gone") & ~pl.col("stays")
    marked = known.join(kept.select(*on, stays=True), on=on, how="left", nulls_equal=True)
    return marked.with_columns(pl.col("stays").fill_null(value=False)).with_columns(
        over=pl.col("over") | out, late=pl.col("late") | (out & ~pl.col("over")), gone=pl.col("gone") | out
    )


def _without(frame: pl.DataFrame, gone: pl.DataFrame, on: list[str]) -> pl.DataFrame:
    return frame if gone.is_empty() else frame.join(gone, on=on, how="anti", nulls_equal=True, maintain_order="left")


def _passed(time: pl.Expr, mark: int | None) -> pl.Expr:
    return pl.lit(value=False) if mark is None else time < mark
