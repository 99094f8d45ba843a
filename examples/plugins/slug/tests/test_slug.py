"""Tests of the function `slug`."""

from __future__ import annotations

from pipeline.testing import contract

from pipe_slug import slug


def test_the_contract() -> None:
    """Among it: its examples are true."""
    contract.check(slug)
