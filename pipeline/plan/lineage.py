"""Rows that were made of rows: how they are counted, and which of them a dead letter is about.

The numbers in `@item` are a path: `3.1` is the second row that was made of the fourth one of its record, which has no number."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import polars as pl

RECORD = ("@partition", "@offset")
"""What a record is known by within its source."""

_LETTER = "@letter"


@dataclass(frozen=True)
class Chosen:
    """Dead letters that are put in again at a stage, of each record those of one item: RECORD, and `@letter`, their `@item`.

    What the stages before the letter make of its record anew is more than the letter: everything else has been given before."""

    stage: str
    letters: pl.DataFrame

    @classmethod
    def of(cls, stage: str, rows: pl.DataFrame) -> Chosen:
        """`rows` are the letters."""
        return cls(stage, rows.unique(RECORD, keep="first").select(*RECORD, pl.col("@item").alias(_LETTER)))

    def only(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The rows that become the letter, are it, or are made of it."""
        return self._beside(frame).filter(_related()).select(frame.columns)

    def named(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Rejected rows under the item of the letter that would have been made of them: if they are put in again, it is about
        that one, too."""
        item = pl.col("@item")
        longer = item.is_null() | pl.col(_LETTER).str.starts_with(item + ".")
        item = pl.when(longer).then(_LETTER).otherwise(item).alias("@item")
        return self._beside(frame).with_columns(item).select(frame.columns)

    def _beside(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.join(self.letters, on=list(RECORD), how="left", maintain_order="left")


def _related() -> pl.Expr:
    """Whether of two items one is the other, or was made of it."""
    item, letter = pl.col("@item") + ".", pl.col(_LETTER) + "."
    return (item.str.starts_with(letter) | letter.str.starts_with(item)).fill_null(value=True)


def apart(letters: pl.DataFrame) -> list[pl.DataFrame]:
    """Dead letters in parts, of which each has those of one item of a record."""
    if letters["@item"].null_count() == letters.height:
        return [letters]
    nth = pl.col("@item").fill_null("").rank("dense").over(*RECORD)
    return letters.with_columns(nth.alias("@nth")).partition_by("@nth", maintain_order=True, include_key=False)


def counted(counts: Counter[tuple[str, str]], stage: str, took: int, frame: pl.DataFrame, *, again: bool) -> None:
    """Count what a filter that makes rows did with those that it took and did not reject. `again`: only what is chosen is there.

    By the rows that are the first of their kind, not by the sum: so it does not matter which rows are together in a batch."""
    item = frame["@item"]
    first = min(took, frame.height) if again else int(((item == "0") | item.str.ends_with(".0")).sum())
    counts[stage, "filtered"] += took - first
    counts[stage, "made"] += frame.height - first
