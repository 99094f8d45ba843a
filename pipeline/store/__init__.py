"""The one durable state: a SQLite file and segment files in a directory that one process owns."""

from pipeline.store.accounts import Shape
from pipeline.store.changes import Advance, Buried, Changes, Entry, Grown, Origin, Piece, Released, Seal, Sent
from pipeline.store.contents import Contents
from pipeline.store.outbox import Sealed
from pipeline.store.segment import Kind, kind_of
from pipeline.store.store import SEGMENTS_AHEAD, Shortage, Store

__all__ = [
    "SEGMENTS_AHEAD",
    "Advance",
    "Buried",
    "Changes",
    "Contents",
    "Entry",
    "Grown",
    "Kind",
    "Origin",
    "Piece",
    "Released",
    "Seal",
    "Sealed",
    "Sent",
    "Shape",
    "Shortage",
    "Store",
    "kind_of",
]
