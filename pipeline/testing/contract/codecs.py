"""Rules for codecs. One half is enough; the rules of the other say nothing then."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import polars as pl

from pipeline.api import (
    BOOL,
    BYTES,
    DURATION,
    FLOAT,
    INT,
    JSON,
    REST,
    STRING,
    TIME,
    Codec,
    Columns,
    Decoded,
    OptionError,
    dtype,
    list_of,
    record,
)  # fmt: skip
from pipeline.columns.panics import DEFECTS
from pipeline.plan.isolation import told
from pipeline.testing.contract.cases import Case
from pipeline.testing.contract.every import EVERY, cancel, living, loop
from pipeline.testing.contract.rows import odd
from pipeline.testing.contract.rules import Rule, broken, rule
from pipeline.testing.life import EPOCH

AnyCodec = Codec[Any]

EVERY_TYPE = {
    "a_bool": BOOL, "a_bytes": BYTES, "a_duration": DURATION, "a_float": FLOAT, "an_int": INT, "a_json": JSON,
    "a_string": STRING, "a_time": TIME, "a_list": list_of(STRING), "a_record": record({"inner": INT}),
}  # fmt: skip
"""Fields that rows have besides those of the program."""


def of(case: Case) -> AnyCodec:
    return cast("AnyCodec", case.fresh().plugin)


def opened(case: Case, work: Callable[[AnyCodec], None], codec: AnyCodec | None = None) -> None:
    """Do something with the codec between `open` and `close`."""
    made = of(case) if codec is None else codec
    living(case, made, lambda: work(made))


def decoded(codec: AnyCodec, texts: pl.Series) -> Decoded:
    received = pl.Series("@received", [EPOCH] * texts.len(), dtype=pl.Datetime("us", "UTC"))
    return codec.decode(texts, received)


def series(found: Decoded) -> dict[str, pl.Series]:
    """All that was found, by name."""
    known = {
        f"`{name}`": getattr(found, name)
        for name in ("rest", "reason", "detail", "skipped")
        if getattr(found, name) is not None
    }
    return {f"the column `{column.name}`": column for column in found.columns.get_columns()} | known


@dataclass(frozen=True)
class Rows:
    """Rows to encode."""

    what: str
    frame: pl.DataFrame
    columns: Columns
    metadata: Sequence[str]


def encodable(case: Case, codec: AnyCodec) -> Iterator[Rows]:
    """The rows of the program, and odd ones with fields of every type; those that `accept` refuses are left out."""
    if not type(codec).encodes():
        return
    before = case.fresh().before
    known = Columns(before.fields, open=before.open and not codec.fixed)
    wide = Columns({**EVERY_TYPE, **before.fields}, open=known.open)
    real = case.real
    given = {} if real is None else {"real rows": (known, real.frame)}
    for columns, which in ((known, ""), (wide, " of every type")):
        values = odd(columns, like=real).frame
        given[f"odd values{which}"] = columns, values
        given[f"nulls{which}"] = columns, odd(columns, nulls=True, like=real).frame
        given[f"no rows{which}"] = columns, values.clear()
    for metadata in ((), ("@source", "@path")):
        for what, (columns, frame) in given.items():
            if codec.fixed and REST in frame.columns:
                frame = frame.drop(REST)
            try:
                codec.accept(columns, metadata)
            except OptionError:
                continue
            yield Rows(what, frame.clone(), columns, metadata)


def encoded(codec: AnyCodec, rows: Rows, frame: pl.DataFrame | None = None) -> bytes:
    return codec.encode(rows.frame if frame is None else frame, rows.columns, rows.metadata)


@rule(
    "texts",
    "Any texts are decoded without an error: real ones, those cut short, odd ones, nulls, none. All series are as long as the texts.",
    "What is wrong with a text is a reason, a short constant, in the series `reason`; its fields are null.",
)
def texts(case: Case) -> None:
    def work(codec: AnyCodec) -> None:
        for what, given in case.texts.items() if type(codec).decodes() else ():
            try:
                found = decoded(codec, given)
            except DEFECTS as error:
                broken(f"of {what}: {told(error, codec)}")
            if not isinstance(found, Decoded):
                broken(f"`decode` gave {type(found).__name__}, not Decoded")
            for name, column in series(found).items():
                if column.len() != given.len():
                    broken(f"of {what}: {name} has {column.len()} values for {given.len()} texts")

    opened(case, work)


@rule(
    "schema",
    "What `schema` promised is what `decode` gives, names and dtypes, for any texts; an open one has a `rest`; `reason` and "
    "`detail` are String, `skipped` is Boolean.",
    "Give each column its dtype also where it has no value: `.cast(api.dtype(api.INT))`, `pl.lit(None, dtype=…)`.",
)
def schema(case: Case) -> None:
    def work(codec: AnyCodec) -> None:
        if not type(codec).decodes():
            return
        columns = codec.schema()
        promised = {name: dtype(kind) for name, kind in columns.fields.items() if name != REST}
        for what, given in case.texts.items():
            found = decoded(codec, given)
            if dict(found.columns.schema) != promised:
                wrong = sorted(
                    name
                    for name in promised.keys() | found.columns.schema.keys()
                    if promised.get(name) != found.columns.schema.get(name)
                )
                said = [f"`{name}` is {found.columns.schema.get(name)}, not {promised.get(name)}" for name in wrong]
                broken(f"of {what}: {', '.join(said)}")
            if columns.open != (found.rest is not None):
                broken(f"of {what}: `rest` is there where `schema` is open, and only there")
            kinds = {"rest": pl.String(), "reason": pl.String(), "detail": pl.String(), "skipped": pl.Boolean()}
            for name, kind in kinds.items():
                part = getattr(found, name)
                if part is not None and part.dtype != kind:
                    broken(f"of {what}: `{name}` is {part.dtype}, not {kind}")

    opened(case, work)


@rule(
    "alone",
    "The answer for a text does not depend on the others: cut anywhere, or alone, it is the same.",
    "A codec has no memory and does not know where a batch ends; what needs other records is a fold.",
)
def alone(case: Case) -> None:
    def work(codec: AnyCodec) -> None:
        for what, given in case.texts.items() if type(codec).decodes() else ():
            height = given.len()
            whole = _answers(codec, [given])
            half = height // 2
            pieces = {
                "given twice": [given],
                f"cut after text {half}": [given[:half], given[half:]],
                "one by one": [given[at : at + 1] for at in range(height)],
            }
            for how, parts in pieces.items():
                if height and not _answers(codec, parts).equals(whole, null_equal=True):
                    broken(f"of {what}, {how}: other values, or other reasons")

    opened(case, work)


def _answers(codec: AnyCodec, parts: Sequence[pl.Series]) -> pl.DataFrame:
    """A row for each text. Where there is no series of reasons, there is none."""
    frames = []
    for given in parts:
        each = decoded(codec, given)
        nothing = {"reason": None, "detail": None, "skipped": False}
        marks = {
            f"of:{name}": pl.Series([value] * given.len(), dtype=pl.Boolean if name == "skipped" else pl.String)
            if getattr(each, name) is None
            else getattr(each, name)
            for name, value in nothing.items()
        }
        rest = {} if each.rest is None else {"of:rest": each.rest}
        columns = {column.name: column for column in each.columns.get_columns()}
        frames.append(pl.DataFrame({**columns, **rest, **marks}))
    return pl.concat(frames, how="vertical")


@rule(
    "input",
    "What comes in is not changed: neither the texts, nor the rows.",
    "Columns and frames are values: make new ones.",
)
def input(case: Case) -> None:
    def work(codec: AnyCodec) -> None:
        for what, given in case.texts.items() if type(codec).decodes() else ():
            before = given.clone()
            decoded(codec, given)
            if not given.equals(before, check_names=True, null_equal=True):
                broken(f"`decode` of {what} changed the texts")
        for rows in encodable(case, codec):
            frame = rows.frame.clone()
            encoded(codec, rows)
            if rows.frame.columns != frame.columns or not rows.frame.equals(frame, null_equal=True):
                broken(f"`encode` of {rows.what} changed the frame")

    opened(case, work)


@rule(
    "encode",
    "Any rows that `accept` lets pass become bytes: real and odd ones, nulls, fields of every type; none become no bytes.",
    "`encode` is pure: rows in, `bytes` out. What it cannot write, `accept` refuses by OptionError before anything runs.",
)
def encode(case: Case) -> None:
    def work(codec: AnyCodec) -> None:
        for rows in encodable(case, codec):
            try:
                found = encoded(codec, rows)
            except DEFECTS as error:
                broken(f"of {rows.what}: {told(error, codec)}")
            if not isinstance(found, bytes):
                broken(f"`encode` of {rows.what} gave {type(found).__name__}, not bytes")
            if found and not rows.frame.height and not codec.whole:
                broken(f"`encode` of no rows gave {found[:50]!r}")

    opened(case, work)


@rule(
    "cuts",
    "Bytes may be concatenated: two halves give what the whole gives; and cut anywhere: `finish` makes the same file of them.",
    "Headers, commas between rows and other state do not belong into `encode`; a codec whose files have a head or a foot is `whole`.",
)
def cuts(case: Case) -> None:
    def work(codec: AnyCodec) -> None:
        for rows in encodable(case, codec):
            whole = encoded(codec, rows)
            for cut in sorted({0, min(1, rows.frame.height), rows.frame.height // 2}) if not codec.whole else ():
                if encoded(codec, rows, rows.frame[:cut]) + encoded(codec, rows, rows.frame[cut:]) != whole:
                    broken(f"of {rows.what}, cut after row {cut}: other bytes")
            if rows.frame.height:
                half = len(whole) // 2
                form, halves = codec.form(rows.columns, rows.metadata), [whole[:half], whole[half:]]
                once, cut_up = (b"".join(codec.finish(parts, form)) for parts in ([whole], halves))
                if once != cut_up:
                    broken(f"of {rows.what}: `finish` makes another file of bytes that are cut in two")

    opened(case, work)


@rule(
    "copy",
    "A pickled copy of the codec does the same.",
    "Whatever `decode` and `encode` need is made from the options, in `__init__` or `open`, or is pickled along.",
)
def copy(case: Case) -> None:
    made = of(case)
    twin: AnyCodec = pickle.loads(pickle.dumps(made))  # noqa: S301 — made here
    read: list[dict[str, pl.DataFrame]] = []
    written: list[list[bytes]] = []

    def work(codec: AnyCodec) -> None:
        known = case.texts if type(codec).decodes() else {}
        read.append({what: _answers(codec, [given]) for what, given in known.items()})
        written.append([encoded(codec, rows) for rows in encodable(case, codec)] if not codec.whole else [])

    opened(case, work, made)
    opened(case, work, twin)
    for what, answers in read[0].items():
        if not read[1][what].equals(answers, null_equal=True):
            broken(f"of {what}: the copy decodes something else")
    if written[0] != written[1]:
        broken("the copy encodes other bytes")


CODEC: tuple[Rule[Case], ...] = (*EVERY, loop, cancel, texts, schema, alone, input, encode, cuts, copy)
