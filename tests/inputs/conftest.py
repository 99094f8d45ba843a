"""Fixtures for inputs."""

import pytest
from input_tail import Tail
from input_world import World


@pytest.fixture
def world():
    """Makes contexts."""
    return World


@pytest.fixture
def log(tmp_path):
    return tmp_path / "a.log"


@pytest.fixture
def tail(tmp_path, world):
    """Makes followers of `a.log*`, or of other globs."""
    tails = []

    def start(*globs, ctx=None, **rules):
        tails.append(Tail(ctx or world(), *(globs or (tmp_path / "a.log*",)), **rules))
        return tails[-1]

    yield start
    for one in tails:
        one.follower.close()
