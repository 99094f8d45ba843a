"""What the tests of the docs share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pipeline.plan.catalog import Catalog

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """The plugins that are installed."""
    return Catalog.installed()
