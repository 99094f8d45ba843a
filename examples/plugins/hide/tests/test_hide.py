"""Tests of the filter `hide`."""

from __future__ import annotations

from pipeline import api
from pipeline.testing import batch, contract, events

from pipe_hide import Options, Hide


def test_the_contract() -> None:
    """Everything that pipe asks of a filter."""
    contract.check(Hide)


def test_what_the_regex_finds_is_hidden() -> None:
    """The rest of the text stays."""
    hide = Hide(Options(field=api.Field(("path",), api.STRING), pattern="token=[^&]+"))
    made = hide.apply(batch({"path": "/?token=secret&page=2"}))
    assert events(made) == [{"path": "/?***&page=2"}]
