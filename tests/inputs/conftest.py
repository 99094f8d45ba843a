"""Fixtures for inputs."""

import pytest
from input_world import World


@pytest.fixture
def world(tmp_path):
    """Makes contexts."""
    return lambda **choices: World(tmp_path / "scratch", **choices)
