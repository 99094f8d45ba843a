"""What filters that make several rows of one share: rows of lists, where their elements go, and how many there may be."""

from __future__ import annotations

from typing import Literal

import polars as pl

from pipeline import api
from pipeline.api import nested

Empty = Literal["keep", "drop"]

EMPTY = "What becomes of an event of which nothing can be made: `keep` lets it pass, `drop` filters it."
MOST = "How many events are made of one at most; one of which there would be more is rejected with `too_many`."
INDEX = "A field for the number of the event among those that are made of one, from 0 on."


def own(name: str | None, option: str) -> None:
    """Raise OptionError for a name that fields do not have."""
    if name is not None and (name.startswith("@") or not name):
        raise api.OptionError(f"{name!r} is no name for a field", option, "names that begin with `@` are metadata")


def limited(batch: api.Batch, lists: pl.Series, most: int, field: str) -> tuple[api.Batch, pl.Series]:
    """The batch without the rows whose list is too long, and the lists of the others."""
    sizes = lists.list.len()
    over = (sizes > most).fill_null(value=False)
    if not over.any():
        return batch, lists
    told = pl.Series([f"{size or 0:,}, more than {most:,}" for size in sizes.to_list()], dtype=pl.String)
    return batch.reject(over, "too_many", field=field, detail=told), lists.filter(~over)


def made(batch: api.Batch, lists: pl.Series, empty: Empty) -> tuple[api.Batch, pl.Series]:
    """A row for each element, and the elements. A row whose list is empty or null has null, or goes."""
    sizes = lists.list.len().fill_null(0)
    if empty == "drop":
        return batch.repeated(sizes), lists.explode(empty_as_null=False, keep_nulls=False)
    return batch.repeated(sizes.clip(lower_bound=1)), lists.explode(empty_as_null=True, keep_nulls=True)


def placed(batch: api.Batch, path: tuple[str, ...], into: str | None, values: pl.Series) -> api.Batch:
    """The rows with their values in the place of what they were made of, or in `into`."""
    if into is not None:
        return batch.with_frame(nested.without(batch.frame, path)).with_columns(values.alias(into))
    if len(path) == 1:
        return batch.with_columns(values.alias(path[0]))
    return batch.with_columns(nested.put(batch.frame.schema, path, pl.lit(values)))


def changed(columns: api.Columns, path: tuple[str, ...], into: str | None, kind: api.Type) -> api.Columns:
    """What is known after `placed`."""
    return columns.with_field(path, kind) if into is None else nested.forgotten(columns, path).with_field((into,), kind)


def numbered(batch: api.Batch, lists: pl.Series, index: str | None) -> api.Batch:
    """Rows that were `made` of these lists, with their numbers; null in those that were made of nothing."""
    if index is None:
        return batch
    sizes = pl.DataFrame({"size": lists.list.len().fill_null(0)})
    keep = batch.frame.height > int(sizes["size"].sum())
    numbers = sizes.select(pl.int_ranges(0, "size").explode(empty_as_null=keep)).to_series()
    return batch.with_columns(numbers.cast(pl.Int64).alias(index))
