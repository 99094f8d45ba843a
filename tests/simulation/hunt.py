"""Looks for a planted defect with the suite's own means: a life without faults, random histories, crashes at every point."""

from __future__ import annotations

import time
from dataclasses import dataclass

from explore import Found, explore, well
from planted import planted
from storm import failure

SEEDS = 30

THIN = 12
"""One crash in so many is enough for a defect that they find at all."""


@dataclass(frozen=True)
class Hit:
    """Where a defect was found first, and what it broke."""

    by: str
    where: str
    broke: str
    seconds: float


def hunt(what: str) -> Hit | None:
    """None when nothing finds it."""
    began = time.monotonic()
    with planted(what):
        for by, look in (("a life without faults", well), ("random histories", histories), ("crash points", crashes)):
            found = look()
            if found is not None:
                return Hit(by, found[0], _line(found[1]), time.monotonic() - began)
    return None


def histories() -> tuple[str, str] | None:
    for seed in range(SEEDS):
        error = failure(seed)
        if error is not None:
            return f"seed {seed}", f"{type(error).__name__}: {error}"
    return None


def crashes() -> tuple[str, str] | None:
    try:
        explore(twice=10_000, thin=THIN)
    except Found as error:
        where, _, broke = str(error).partition(": ")
        return where, broke
    return None


def _line(text: str) -> str:
    told = " ".join(text.split())
    return told if len(told) <= 100 else told[:99] + "…"
