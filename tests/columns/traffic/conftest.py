"""One traffic of each format for the whole session: recording one takes a moment and nothing can change it."""

import pytest

from pipeline.columns.traffic import Traffic

START = 1_767_225_599_000_000  # 2025-12-31T23:59:59Z


@pytest.fixture(scope="session")
def combined():
    return Traffic(7, START, 10_000)


@pytest.fixture(scope="session")
def as_json():
    return Traffic(7, START, 10_000, "json")


@pytest.fixture(scope="session")
def sample(combined):
    """The first 100,000 lines of the combined traffic."""
    return combined.lines(0, 100_000).splitlines()
