"""Aggregates against DuckDB, on the same rows."""

from __future__ import annotations

import json
import random

import duckdb
import polars as pl
import pytest
from pipeline_plugins.aggregates.count import Count
from pipeline_plugins.aggregates.distinct import Distinct
from pipeline_plugins.aggregates.first import First
from pipeline_plugins.aggregates.last import Last
from pipeline_plugins.aggregates.max import Max
from pipeline_plugins.aggregates.mean import Mean
from pipeline_plugins.aggregates.min import Min
from pipeline_plugins.aggregates.quantile import Quantile
from pipeline_plugins.aggregates.sum import Sum
from pipeline_plugins.aggregates.top import Top
from pipeline_plugins.filters.window import Options, TimeWindow

from pipeline import api

ROWS = 3000
SIZE = 10_000_000
MEASURES = {
    "count": (Count(), (), "count(*)"),
    "sum": (Sum(), ("size",), "sum(size)"),
    "seconds": (Sum(), ("took",), "fsum(took)"),
    "mean": (Mean(), ("size",), "avg(size)"),
    "min": (Min(), ("took",), "min(took)"),
    "max": (Max(), ("took",), "max(took)"),
    "distinct": (Distinct(), ("path",), "count(distinct path)"),
    "p75": (Quantile(), ("took", 0.75), "quantile_cont(took, 0.75)"),
    "first": (First(), ("size",), "arg_min(size, (t, part, o)) filter (size is not null)"),
    "last": (Last(), ("size",), "arg_max(size, (t, part, o)) filter (size is not null)"),
}
KINDS = {"size": api.INT, "took": api.FLOAT, "path": api.STRING, "status": api.INT}


def events() -> pl.DataFrame:
    chance = random.Random(7)
    return pl.DataFrame(
        {
            "t": [1_700_000_000_000_000 + chance.randrange(40) * 1_000_000 for _ in range(ROWS)],
            "part": [chance.choice(["a:1", "b:1"]) for _ in range(ROWS)],
            "o": range(ROWS),
            "status": [chance.choice([200, 200, 404, None]) for _ in range(ROWS)],
            "size": [chance.choice([None, chance.randrange(100_000)]) for _ in range(ROWS)],
            "took": [chance.choice([None, chance.expovariate(3)]) for _ in range(ROWS)],
            "path": [chance.choice([None, f"/page/{int(chance.paretovariate(1))}"]) for _ in range(ROWS)],
        }
    )


def expression(name: str) -> api.Expr:
    return api.Expr(pl.col(name), KINDS[name], name, frozenset([(name,)]))


def rows_of(frame: pl.DataFrame) -> pl.DataFrame:
    by = (api.Field(("status",), api.INT),)
    metrics = [
        api.Metric(name, aggregate, tuple(expression(a) if isinstance(a, str) else a for a in arguments), by=by)
        for name, (aggregate, arguments, _) in MEASURES.items()
    ]
    metrics.append(api.Metric("top", Top(), (5, expression("path")), by=by))
    plugin = TimeWindow(Options(size=SIZE, block=api.Metrics(metrics)))
    events = frame.with_columns(
        pl.col("t").cast(pl.Datetime("us", "UTC")).alias("@timestamp"),
        pl.col("part").alias("@partition"),
        pl.col("o").alias("@offset"),
    )
    _, deltas = plugin.deltas(api.Batch(events, {}))
    return pl.concat([plugin.rows(start, delta) for start, delta in deltas.items()])


def test_all_aggregates_equal_duckdb(tmp_path):
    """Groups, nulls, ties and windows come out as SQL says; sums of floats agree to the last digits that SQL keeps."""
    frame = events()
    frame.write_parquet(tmp_path / "events.parquet")
    database = duckdb.connect()
    database.execute(f"create view e as select *, t // {SIZE} * {SIZE} as w from '{tmp_path}/events.parquet'")
    columns = ", ".join(f'{sql} as "{name}"' for name, (*_, sql) in MEASURES.items())
    expected = {
        (name, start, status): value
        for start, status, *values in database.execute(f"select w, status, {columns} from e group by all").fetchall()
        for name, value in zip(MEASURES, values, strict=True)
    }
    # The one difference: a sum over nothing is 0 here and null in SQL.
    expected = {key: 0 if value is None and key[0] in ("sum", "seconds") else value for key, value in expected.items()}
    ranking = """
        with counted as (select w, status, path, count(*) as n from e where path is not null group by w, status, path)
        select *, row_number() over (partition by w, status order by n desc, path) as r from counted qualify r <= 5"""
    top = {
        (start, status, rank): (path, count)
        for start, status, path, count, rank in database.execute(ranking).fetchall()
    }
    found, ranked = {}, {}
    for row in rows_of(frame).iter_rows(named=True):
        start, by = int(row["window_start"].timestamp()) * 1_000_000, json.loads(row["by"])
        if row["metric"] == "top":
            ranked[start, by["status"], row["rank"]] = (by["path"], row["value"])
        else:
            found[row["metric"], start, by["status"]] = row["value"]
    assert ranked == top
    assert found == pytest.approx(expected, rel=1e-12)
