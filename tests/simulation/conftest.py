"""The engine in a simulated world: every crash, every power cut, sinks that lie, clocks that jump."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def _small():
    from small import small

    with small():
        yield
