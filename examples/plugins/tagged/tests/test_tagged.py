"""Tests of the codec `tagged`."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from pipeline.testing import contract

from pipe_tagged import Options, Tagged


def test_the_contract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways: texts in, bytes out."""
    monkeypatch.chdir(tmp_path)
    contract.check(Tagged)


def test_a_line_has_a_tag_or_is_rejected() -> None:
    """The message may be empty, the tag not."""
    texts = pl.Series(["[db] lost", "[db] ", "[] x", "none", None])
    found = Tagged(Options()).decode(texts, texts)
    assert found.columns.rows() == [("db", "lost"), ("db", ""), (None, None), (None, None), (None, None)]
    assert found.reason is not None
    assert found.reason.to_list() == [None, None, "no_tag", "no_tag", "no_tag"]


def test_what_is_written_can_be_read() -> None:
    """A line is a row, whatever is in it."""
    frame = pl.DataFrame({"tag": ["a", None], "message": ["x\ny", None]})
    assert Tagged(Options()).encode(frame, Tagged(Options()).schema(), ()) == b"[a] x y\n[] \n"
