"""The one durable state: a SQLite file and segment files in a directory that one process owns."""

from pipeline.store.accounts import Shape
from pipeline.store.attempts import Attempt, Knew
from pipeline.store.burials import Burial, Burials, Wanted
from pipeline.store.changes import (
    Advance,
    Buried,
    Changes,
    Entry,
    Grown,
    Origin,
    Piece,
    Released,
    Remembered,
    Seal,
    Sent,
)
from pipeline.store.contents import Contents
from pipeline.store.letters import Letter, Letters
from pipeline.store.outbox import Sealed
from pipeline.store.segment import Kind, kind_of
from pipeline.store.store import SEGMENTS_AHEAD, Shortage, Store

__all__ = [
    "SEGMENTS_AHEAD",
    "Advance",
    "Attempt",
    "Burial",
    "Burials",
    "Buried",
    "Changes",
    "Contents",
    "Entry",
    "Grown",
    "Kind",
    "Knew",
    "Letter",
    "Letters",
    "Origin",
    "Piece",
    "Released",
    "Remembered",
    "Seal",
    "Sealed",
    "Sent",
    "Shape",
    "Shortage",
    "Store",
    "Wanted",
    "kind_of",
]
