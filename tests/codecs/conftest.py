"""Codecs on lists of texts."""

import polars as pl
import pytest
from codec_made import NOW, made

from pipeline import api


@pytest.fixture
def decoded():
    """A function: what a codec makes of texts, as (rows without what is missing, reasons); the columns are checked against
    its schema."""

    def run(name, *texts, demand=None, **options):
        codec = made(name, **options)
        if demand:
            codec.demand(demand)
        received = pl.Series([NOW] * len(texts), dtype=pl.Datetime("us", "UTC"))
        found = codec.decode(pl.Series(texts, dtype=pl.String), received)
        wanted = {field: api.dtype(kind) for field, kind in codec.schema().fields.items()}
        assert dict(found.columns.schema) == wanted
        assert (found.rest is not None) == codec.schema().open
        rest = [] if found.rest is None else [found.rest.alias("@rest")]
        columns = pl.DataFrame([*found.columns.get_columns(), *rest])
        rows = [{key: value for key, value in row.items() if value is not None} for row in columns.to_dicts()]
        reasons = [None] * len(texts) if found.reason is None else found.reason.to_list()
        return rows, reasons

    return run


@pytest.fixture
def encoded():
    """A function: the lines that a codec writes for rows of these fields."""

    def run(name, fields, metadata=(), types=None, **options):
        height = len(next(iter(fields.values())))
        frame = pl.DataFrame(
            {
                "@timestamp": pl.Series([1_769_860_800_500_000] * height).cast(pl.Datetime("us", "UTC")),
                "@raw": [b"record \xff"] * height,
                "@source": ["access"] * height,
                "@path": pl.Series([None] * height, dtype=pl.String),
                "@host": ["web1"] * height,
                **fields,
            }
        )
        columns = api.Columns({key: (types or {}).get(key, api.STRING) for key in fields})
        return made(name, **options).encode(frame, columns, metadata).decode()

    return run
