"""Fixtures of `command.py` for all tests of the command."""

from command import pipe, started

__all__ = ["pipe", "started"]
