"""Fixtures for inputs."""

import pytest
from input_world import World


@pytest.fixture
def world():
    """Makes contexts."""
    return World
