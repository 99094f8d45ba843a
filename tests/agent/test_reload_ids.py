"""A window that comes back: the query of a program, another one, and the first one again."""

from __future__ import annotations

import json
from pathlib import Path

from test_reload import HITS, counted, counting

from pipeline.testing.world import World


def test_a_window_whose_query_comes_back_is_an_extra_part(tmp_path: Path) -> None:
    """No two facts of other values have the same id and revision: a reader that keeps one row an id would lose one of them."""
    other = HITS + " where verb == 'GET'"
    counted(World(tmp_path), counting(tmp_path), counting(tmp_path, other), counting(tmp_path))
    rows = [json.loads(line) for line in (tmp_path / "facts.ndjson").read_text().splitlines()]
    named = [(row["id"], row["revision"]) for row in rows]
    assert len(named) == len(set(named))
