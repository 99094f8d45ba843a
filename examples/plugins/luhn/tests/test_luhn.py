"""Tests of the filter `luhn`."""

from __future__ import annotations

from pipeline import api
from pipeline.testing import batch, contract, events, rejected

from pipe_luhn import Luhn, Options


def test_the_contract() -> None:
    """A filter for single events keeps all that a filter promises."""
    contract.check(Luhn)


def test_numbers() -> None:
    """Valid, not valid, missing, and no number at all."""
    luhn = Luhn(Options(field=api.Field(("card",), api.STRING)))
    cards = ["4539 5787 6362 1486", "4539-5787-6362-1487", None, "4539 x"]
    made = luhn.apply(batch(*({"card": card} for card in cards)))
    assert [event["valid"] for event in events(made)] == [True, False, None]
    assert rejected(made) == [(b"line 3", "no_number", "card", "4539 x")]
