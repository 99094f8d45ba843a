"""Batches for tests of filters."""

from datetime import UTC, datetime

import polars as pl
import pytest

from pipeline import api
from pipeline.columns.batch import stamp

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def batch():
    """A function: a batch of these raw records, or of as many as the fields have, with fields added."""

    def make(*raw, types=None, **fields):
        height = len(raw) or max((len(values) for values in fields.values()), default=0)
        records = list(raw) or [b"line %d" % place for place in range(height)]
        made = api.lines(
            records, pl.Series(range(height), dtype=pl.Int64), partition="p", start=0, end=height, path="/var/log/x"
        )
        made = stamp(made, source="access", host="web1", now=int(NOW.timestamp()) * 1_000_000)
        columns = [
            pl.Series(name, values, dtype=api.dtype(types[name]) if types and name in types else None)
            for name, values in fields.items()
        ]
        return made.with_columns(*columns)

    return make


@pytest.fixture
def rows():
    """A function: the event fields of a batch as dicts."""

    def read(made):
        fields = [name for name in made.frame.columns if not name.startswith("@") or name == "@rest"]
        return made.frame.select(fields).to_dicts()

    return read


@pytest.fixture
def errors():
    """A function: (raw, reason, field, detail) of every rejected row."""

    def read(made):
        found = [row for frame in made.rejected for row in frame.to_dicts()]
        return [(row["@raw"], *(row["@error"][key] for key in ("reason", "field", "detail"))) for row in found]

    return read
