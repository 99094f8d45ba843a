"""Codecs by name, as programs make them, and when their records were read."""

from datetime import UTC, datetime

from pipeline.plan.catalog import Catalog

CATALOG = Catalog.installed()
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def made(name, **options):
    codec = CATALOG.codec(name)
    return codec(codec.options_model(**options))
