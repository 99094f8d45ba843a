"""Functions of the language: what each costs a value, on values that are all different and on values as logs repeat them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime

import measure
import subject
from function_calls import CALLS
from measure import Spread
from report import Section, Table

from pipeline.env.memory import settle

settle()

import polars as pl  # noqa: E402 — its number of threads is settled before

from pipeline.api import Columns, Type, dtype, list_of, record  # noqa: E402
from pipeline.lang import Source, parse_expression  # noqa: E402
from pipeline.plan.catalog import Catalog  # noqa: E402
from pipeline.plan.expressions import compile_expression  # noqa: E402
from pipeline.plan.findings import Findings  # noqa: E402
from pipeline.plan.inference import Unknowns  # noqa: E402
from pipeline.plan.scope import Point, Scope  # noqa: E402

VALUES = 100_000
PART = 10_000
REPEATED = 1_000
"""How many different values there are in a column of values that repeat."""

SLOW = 500_000
"""Values a second below which a function is marked."""

STRINGS = list_of(Type("string"))
COLUMNS = {
    "text": Type("string"), "name": Type("string"), "path": Type("string"), "url": Type("string"), "ip": Type("string"),
    "digits": Type("string"), "hexed": Type("string"), "based": Type("string"), "uuid": Type("string"),
    "level": Type("string"), "row": Type("string"), "query": Type("string"), "document": Type("string"),
    "stamp": Type("string"), "wait": Type("string"), "amount": Type("string"), "answer": Type("string"),
    "n": Type("int"), "f": Type("float"), "degrees": Type("float"), "priority": Type("int"), "v4": Type("int"),
    "t": Type("time"), "list": STRINGS, "lists": list_of(STRINGS), "numbers": list_of(Type("int")), "value": Type("json"),
    "members": record({"a": Type("int"), "b": Type("string")}),
}  # fmt: skip


def functions(effort: subject.Effort) -> Section:
    """Every function of the house, alphabetically."""
    catalog = Catalog.installed()
    different, repeated = (parts(effort.lines(VALUES), kinds) for kinds in (VALUES, REPEATED))
    rounds = effort.rounds
    table = Table(
        f"{effort.lines(VALUES):,} values in parts of {PART:,}",
        ["", "ns a value, all different", f"ns a value, {REPEATED:,} of them", "values/s per core, all different"],
        note=f"\\* below {SLOW:,} values a second where all are different.",
    )
    for name, call in CALLS.items():
        measure.progress(call)
        expression = compiled(call, catalog)
        fresh = Spread.of(_nanoseconds(different, call, catalog) for _ in range(rounds))
        for part in repeated:  # as in a pipeline that has run for a while
            part.select(expression)
        known = Spread.of(_cost(repeated, expression) for _ in range(rounds))
        rate = 1e9 / fresh.median
        table.add(
            f"`{name}`" + (" \\*" if rate < SLOW else ""),
            f"{fresh.median:,.0f}",
            f"{known.median:,.0f}",
            f"{rate:,.0f}",
        )
    about = (
        "Each function once, in a call as programs have it. Values that are all different are the worst case for what is "
        "computed once for each different value; values that repeat are what logs are made of."
    )
    return Section("Functions", about, [table])


def _nanoseconds(frames: Sequence[pl.DataFrame], call: str, catalog: Catalog) -> float:
    """With a new expression, which remembers nothing."""
    return _cost(frames, compiled(call, catalog))


def _cost(frames: Sequence[pl.DataFrame], expression: pl.Expr) -> float:
    """CPU nanoseconds a value, of all threads."""
    begun = time.process_time_ns()
    found = [frame.select(expression) for frame in frames]
    cost = time.process_time_ns() - begun
    rows = sum(frame.height for frame in frames)
    if sum(frame.height for frame in found) != rows:
        raise SystemExit(f"{expression}: wrong number of values")
    return max(cost, 1) / rows


def compiled(call: str, catalog: Catalog) -> pl.Expr:
    """A call of the language over `COLUMNS`."""
    tree = parse_expression(Source("call", call)).tree
    findings = Findings()
    scope = Scope(
        catalog=catalog, findings=findings, unknowns=Unknowns(), constants={}, variables={}, patterns={},
        point=Point(Columns(COLUMNS)),
    )  # fmt: skip
    typed = None if tree is None else compile_expression(tree, scope)
    if typed is None:
        raise SystemExit(f"{call}: {[finding.message for finding in findings.all]}")
    return typed.polars.alias("found")


def parts(count: int, kinds: int) -> list[pl.DataFrame]:
    """Columns of so many values, of which at most `kinds` are different."""
    numbers = pl.int_range(count, eager=True).alias("i") % kinds
    whole = numbers.to_frame().select(_column(name).cast(dtype(kind)).alias(name) for name, kind in COLUMNS.items())
    return [whole.slice(at, PART) for at in range(0, count, PART)]


def _column(name: str) -> pl.Expr:
    i = pl.col("i")
    word = pl.format("item{} of Ünit-{}, seen by userId {}", i * 7919 % 100_003, i % 97, i)
    uuid = pl.format("017f22e2-79b0-7cc3-98c4-{}", (i + 100_000_000_000).cast(pl.String))
    start = datetime(2026, 11, 23, tzinfo=UTC)
    columns = {
        "text": word,
        "name": pl.format("requestHeader-X{}Id_value", i),
        "path": pl.format("/var/log/app-{}/access.{}.log", i % 31, i),
        "url": pl.format("https://Shop.example.com:8443/cart/{}/items?id={}&q=red+shoes%21#top", i % 53, i),
        "ip": pl.format("10.{}.{}.{}", i // 65_536 % 256, i // 256 % 256, i % 256),
        "digits": i.cast(pl.String),
        "hexed": word.cast(pl.Binary).bin.encode("hex"),
        "based": word.cast(pl.Binary).bin.encode("base64"),
        "uuid": uuid,
        "level": pl.when(i % 2 == 0).then(pl.lit("Warning")).otherwise(pl.lit("error")),
        "row": pl.format('{},"a, b",{}', i, i % 10),
        "query": pl.format("id={}&tag=a&tag=b%20c", i),
        "document": pl.concat_str(pl.lit('{"id": '), i, pl.lit(', "tags": ["a", "b"]}')),
        "stamp": (pl.lit(start) + pl.duration(seconds=i)).dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "wait": pl.format("{}ms", i),
        "amount": pl.format("{}KiB", i),
        "answer": pl.when(i % 2 == 0).then(pl.lit("yes")).otherwise(pl.lit("no")),
        "n": i,
        "f": i * 1.25 - 7,
        "degrees": i % 90 + i / 200_000,
        "priority": i % 192,
        "v4": i * 40_503,
        "t": pl.lit(start) + pl.duration(milliseconds=i * 977),
        "list": word.str.split(" "),
        "lists": word.str.split(",").list.eval(pl.element().str.split(" ")),
        "numbers": pl.concat_list(i, i % 7, i % 13),
        "members": pl.struct(a=i, b=word),
    }
    return columns["document"] if name == "value" else columns[name]


if __name__ == "__main__":
    subject.run(functions, __doc__)
