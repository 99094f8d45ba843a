"""Listening to what sources read: bounded, and never in the way."""

from __future__ import annotations

import asyncio

import polars as pl
import pytest

from pipeline.agent import listening
from pipeline.agent.listening import Listener, Listeners


def records(*texts: bytes | None) -> pl.DataFrame:
    return pl.DataFrame({"@raw": pl.Series(texts, dtype=pl.Binary)})


def test_the_first_records_are_kept_and_the_others_counted() -> None:
    """Of each source by itself, over batches, those that nobody asked for left out."""
    listeners = Listeners()
    with listeners.listening(["a", "b"], 3) as listener:
        listeners.hear("a", records(b"1", b"2"))
        listeners.hear("c", records(b"x"))
        listeners.hear("a", records(b"3", b"4"))
        listeners.hear("b", records(b"5", None))
        assert not listener.full.is_set()
        listeners.hear("b", records(b"6", b"7"))
        assert listener.full.is_set()
    assert listener.records == {"a": [b"1", b"2", b"3"], "b": [b"5", b"6", b"7"]}
    assert listener.came == {"a": 4, "b": 4}


def test_bytes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A record that there is no room for is counted only, and ends it."""
    monkeypatch.setattr(listening, "BYTES", 10)
    listener = Listener(["a"], 100)
    listener.hear("a", records(b"12345678", b"123", b"1")["@raw"])
    assert (listener.records, listener.came, listener.full.is_set()) == ({"a": [b"12345678"]}, {"a": 3}, True)


def test_nobody_hears_when_the_block_is_left() -> None:
    """Nothing is kept of what comes later."""
    listeners = Listeners()
    with listeners.listening(["a"], 3) as listener:
        pass
    listeners.hear("a", records(b"1"))
    assert listener.came == {}


def test_waiting_ends_with_the_room_or_the_time() -> None:
    """Where enough came at once, where too little comes after the seconds."""
    listener = Listener(["a"], 1)
    asyncio.run(listener.wait(0.001))
    listener.hear("a", records(b"1")["@raw"])
    asyncio.run(asyncio.wait_for(listener.wait(60), 10))
