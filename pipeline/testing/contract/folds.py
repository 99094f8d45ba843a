"""Rules for folds."""

from __future__ import annotations

import pickle
from typing import Any

from pipeline.api import Batch, Fold
from pipeline.columns.panics import DEFECTS
from pipeline.plan.isolation import told
from pipeline.testing.contract.cases import AnyPlugin, Case
from pipeline.testing.contract.every import EVERY, cancel, living, loop
from pipeline.testing.contract.filters import KEPT, promised
from pipeline.testing.contract.folded import NOW, Opened, Run, keys, opened, same
from pipeline.testing.contract.kept import holdings, shared, views
from pipeline.testing.contract.rules import Rule, broken, rule


@rule(
    "data",
    "No data raises an error: real rows, odd ones, nulls, none; nor does the end of the input after them.",
    'Let the rows pass that are none of its business, or let go of them by `batch.reject(mask, "reason")`.',
)
def data(case: Case) -> None:
    def work(fold: Opened) -> None:
        for what, batch in case.data.items():
            try:
                fold.run(batch)
            except DEFECTS as error:
                broken(f"of {what}: {told(error, fold.fold)}")

    opened(case, work)


@rule(
    "schema",
    "What `schema` promised is what `step`, `tick` and `finish` give, names and dtypes, for any rows.",
    "Say every field that is added or taken away in `schema`; rows that are held come out with the same columns as those that pass.",
)
def schema(case: Case) -> None:
    def work(fold: Opened) -> None:
        for what, batch in case.data.items():
            state, found = fold.step(fold.fold.empty(), batch)
            promised(fold.after, found.frame, f"of {what}")
            due = fold.fold.due(state)
            ticked = None if due is None else fold.fold.tick(state, due)[1]
            for method, rest in (("tick", ticked), ("finish", fold.fold.finish(state)[1])):
                if rest is not None:
                    promised(fold.after, rest.frame, f"`{method}` after {what}")

    opened(case, work)


@rule(
    "rows",
    "Rows keep their order, held ones too, and all metadata but `@timestamp`, and `@raw` where rows are joined.",
    "Let held rows out before those that came after them; a row that is made of several has the metadata of the first.",
)
def rows(case: Case) -> None:
    def work(fold: Opened) -> None:
        for what, batch in case.data.items():
            place = {key: at for at, key in enumerate(keys([batch.frame]))}
            out = fold.run(batch, [batch.frame.height // 2]).out
            came = keys([out])
            if strange := [key for key in came if key not in place]:
                broken(f"of {what}: the row {strange[0][0]}:{strange[0][1]} was not in the input")
            places = [place[key] for key in came]
            if places != sorted(places):
                broken(f"of {what}: rows come out in another order")
            wanted = batch.frame[places]
            for name in KEPT:
                kept = out[name].equals(wanted[name], check_dtypes=True, null_equal=True)
                if not kept and not (fold.fold.joins and name == "@raw"):
                    broken(f"of {what}: `{name}` was changed")

    opened(case, work)


@rule(
    "accounting",
    "Every row leaves at most once, given or rejected, and none is given that did not come or was not held: rows in = out + "
    "rejected + filtered or joined + held.",
    "`held` is the number of rows that came in and are still in the state: no more, no fewer.",
)
def accounting(case: Case) -> None:
    def work(fold: Opened) -> None:
        held = fold.fold.held
        if held(fold.fold.empty()):
            broken(f"the empty state holds {held(fold.fold.empty())} rows")
        for what, batch in case.data.items():
            state = fold.fold.empty()
            half = batch.frame.height // 2
            for part in (batch.frame[:half], batch.frame[half:]):
                after, found = fold.step(state, batch.with_frame(part))
                _counted(f"of {what}", part.height, found, held(state), held(after))
                state = after
            due = fold.fold.due(state)
            released = {"finish": fold.fold.finish(state)}
            if due is not None:
                released["tick"] = fold.fold.tick(state, due)
            for method, (after, rest) in released.items():
                _counted(f"`{method}` after {what}", 0, rest, held(state), held(after))
            run = fold.run(batch, [half])
            left = keys([run.out, *run.rejected])
            if len(left) != len(set(left)):
                broken(f"of {what}: a row leaves twice")

    opened(case, work)


def _counted(where: str, took: int, found: Batch | None, before: int, after: int) -> None:
    gave = 0 if found is None else found.frame.height + sum(frame.height for frame in found.rejected)
    if after < 0 or took - gave - (after - before) < 0:
        broken(f"{where}: {took} rows came and {before} were held, {gave} leave and {after} are held")


@rule(
    "input",
    "The batch that comes in is not changed.",
    "Frames are values: make a new batch with `batch.with_columns(…)` or `batch.with_frame(…)`; never assign into a frame or a column.",
)
def input(case: Case) -> None:
    def work(fold: Opened) -> None:
        for what, batch in case.data.items():
            frame, rejected, span = batch.frame.clone(), batch.rejected, dict(batch.span)
            fold.step(fold.fold.empty(), batch)
            if batch.frame.columns != frame.columns or not batch.frame.equals(frame, null_equal=True):
                broken(f"of {what}: the batch that came has other columns or values than before")
            if batch.rejected != rejected or dict(batch.span) != span:
                broken(f"of {what}: span or rejected rows of the batch that came are others than before")

    opened(case, work)


@rule(
    "cuts",
    "However the rows are cut into batches, the same rows come out, and the state at the end has the same bytes.",
    "Whatever the next row needs of those before it is in the state, and nothing else is: no numbers of batches, no first row of one.",
)
def cuts(case: Case) -> None:
    def work(fold: Opened) -> None:
        for what, batch in case.data.items():
            height = batch.frame.height
            whole = fold.run(batch)
            same(fold, whole, fold.run(batch), f"of {what}, given twice")
            for cut in sorted({0, min(1, height), height // 2, max(height - 1, 0), height}):
                same(fold, whole, fold.run(batch, [cut]), f"of {what}, cut before row {cut}")
            same(fold, whole, fold.run(batch, range(1, height)), f"of {what}, row by row")

    opened(case, work)


@rule(
    "state",
    "`load(dump(state))` is the state, between any two steps; bytes and versions that are not those of `dump` raise ValueError.",
    "Put all that the state has into `dump`, and look at `version` in `load`: another one than `state_version` is converted, or "
    "refused by `raise ValueError(…)`.",
)
def state(case: Case) -> None:
    def work(fold: Opened) -> None:
        made = fold.fold
        for what, batch in case.data.items():
            height = batch.frame.height
            places = range(1, height, max(height // 20, 1))
            through = "with the state stored and loaded between"
            same(fold, fold.run(batch, places), fold.run(batch, places, stored=True), f"of {what}, {through}")
            known, _ = fold.step(made.empty(), batch)
            dumped = made.dump(known)
            if not isinstance(dumped, bytes):
                broken(f"`dump` gave {type(dumped).__name__}, not bytes")
            loaded = made.load(dumped, made.state_version)
            told = [(made.held(each), made.due(each), made.dump(each)) for each in (known, loaded)]
            if told[0] != told[1]:
                broken(f"after {what}: what `load` gives holds other rows, is due at another time, or has other bytes")
            _refused(made, dumped, made.state_version + 1, "bytes of a later version")
        _refused(made, b"\xff\x00\xfe", made.state_version, "bytes that are not of `dump`")

    opened(case, work)


def _refused(fold: Fold[Any, Any], data: bytes, version: int, what: str) -> None:
    try:
        fold.load(data, version)
    except ValueError:
        return
    except DEFECTS as error:
        broken(f"`load` of {what} raised {type(error).__name__}, not ValueError")
    broken(f"`load` of {what} raised nothing")


@rule(
    "value",
    "A state is a value: no method changes the one that it is given, and the same step from it gives the same again.",
    "A commit that fails throws the new state away and begins again with the old one: copy (`dict(state)`) before changing.",
)
def value(case: Case) -> None:
    def work(fold: Opened) -> None:
        made = fold.fold
        for what, batch in case.data.items():
            half = batch.frame.height // 2
            old, _ = fold.step(made.empty(), batch.with_frame(batch.frame[:half]))
            later = batch.with_frame(batch.frame[half:])
            before = made.dump(old)
            first, found = fold.step(old, later)
            made.tick(old, made.due(old) or NOW)
            made.finish(old)
            if made.dump(old) != before:
                broken(f"of {what}: the state that was given has other bytes afterwards")
            again, twice = fold.step(old, later)
            if made.dump(first) != made.dump(again) or not twice.frame.equals(found.frame, null_equal=True):
                broken(f"of {what}: the same step from the same state gives another state, or other rows")

    opened(case, work)


@rule(
    "memory",
    "Nothing of a batch is kept, neither by the fold nor in its state: no frame, column or view of it.",
    "A slice keeps the whole batch in memory. Keep plain Python values or bytes in the state, or a row that was written and read again.",
)
def memory(case: Case) -> None:
    def work(fold: Opened) -> None:
        for what, batch in case.data.items():
            before = holdings(fold.fold)
            after, _ = fold.step(fold.fold.empty(), batch)
            if batch.frame.height and (kept := views(fold.fold, batch, before)):
                broken(f"after `step` of {what}, {'; '.join(kept)}")
            if batch.frame.height and (kept := shared(after, batch)):
                broken(f"after `step` of {what}, in the state {'; '.join(kept)}")

    opened(case, work)


@rule(
    "finish",
    "`finish` lets go of all that is held: nothing is held or due after it, and a second one gives nothing.",
    "Give all held rows, and a state that holds none.",
)
def finish(case: Case) -> None:
    def work(fold: Opened) -> None:
        made = fold.fold
        for what, batch in case.data.items():
            after, _ = made.finish(fold.step(made.empty(), batch)[0])
            if made.held(after):
                broken(f"after {what} and `finish`, {made.held(after)} rows are held")
            _, rest = made.finish(after)
            if rest is not None and rest.frame.height:
                broken(f"after {what}, a second `finish` gives {rest.frame.height} rows")

    opened(case, work)


@rule(
    "tick",
    "A fold that has ticked when it was due is due later, or never.",
    "`due` is when the next held row is held for too long; `tick` lets go of all for which that time has come.",
)
def tick(case: Case) -> None:
    def work(fold: Opened) -> None:
        made = fold.fold
        for what, batch in case.data.items():
            state, _ = fold.step(made.empty(), batch)
            due = made.due(state)
            if due is None:
                continue
            for now in (due, due + 3_600_000_000):
                later = made.due(made.tick(state, now)[0])
                if later is not None and later <= now:
                    broken(f"after {what}: it ticked at {now} and is due at {later}")

    opened(case, work)


@rule(
    "copy",
    "A pickled copy of the fold does the same.",
    "Whatever `step` needs is made from the options, in `__init__` or `open`, or is pickled along.",
)
def copy(case: Case) -> None:
    made = case.fresh()
    twin: AnyPlugin = pickle.loads(pickle.dumps(made.plugin))  # noqa: S301 — made here
    runs: list[dict[str, Run]] = []

    def work(fold: Opened) -> None:
        runs.append({what: fold.run(batch) for what, batch in case.data.items()})

    for plugin in (made.plugin, twin):
        living(case, plugin, lambda plugin=plugin: work(Opened(plugin, made.after)))  # type: ignore[misc]
    for what, run in runs[0].items():
        same(Opened(made.plugin, made.after), run, runs[1][what], f"of {what}, by the copy")


FOLD: tuple[Rule[Case], ...] = (
    *EVERY, loop, cancel, data, schema, rows, accounting, input, cuts, state, value, memory, finish, tick, copy,
)  # fmt: skip
