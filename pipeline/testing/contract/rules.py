"""What a rule of the contract is, and how a plugin is told that it breaks one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, NoReturn, TypeVar

CaseT = TypeVar("CaseT")


class ContractError(AssertionError):
    """A plugin breaks rules of the contract. `rules` has their names, the message says of each what was seen and what to do."""

    def __init__(self, message: str, rules: tuple[str, ...]) -> None:
        super().__init__(message)
        self.rules = rules


class BrokenError(Exception):
    """What was seen that the rule forbids."""


@dataclass(frozen=True)
class Rule(Generic[CaseT]):
    """`demand` is what holds for every plugin of the kind, `advice` what to do where it does not, `holds` raises what it finds
    (BrokenError, or whatever the plugin raises)."""

    name: str
    demand: str
    advice: str
    holds: Callable[[CaseT], None]


def rule(name: str, demand: str, advice: str) -> Callable[[Callable[[CaseT], None]], Rule[CaseT]]:
    """Make a rule of a function that raises BrokenError."""
    return lambda holds: Rule(name, demand, advice, holds)


def broken(seen: str) -> NoReturn:
    """This was seen, and must not be."""
    raise BrokenError(seen)
