"""Tests of the fold `gap`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
from pipeline.testing import batch, contract
from pipeline.testing.folds import Folded

from pipe_gap import Gap, Options

BEGIN = datetime(2026, 11, 23, tzinfo=UTC)


def test_the_contract() -> None:
    """Among it: results do not depend on where batches are cut, and the state goes through its bytes."""
    contract.check(Gap)


def test_the_first_event_has_none_and_the_others_look_back() -> None:
    """Also over the end of a batch."""
    rows = batch(*({"@timestamp": BEGIN + timedelta(seconds=second)} for second in (0, 3, 2, 9)))
    found: pl.DataFrame = Folded(Gap(Options())).steps(rows, cuts=[1, 3])
    assert found["gap"].to_list() == [None, timedelta(seconds=3), timedelta(seconds=-1), timedelta(seconds=7)]
