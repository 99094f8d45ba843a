"""Events as a bulk request has them: a line that says what is to be done, and the document, unless it is to be deleted.

An event that is no fact is to be created; which id it has is known when its segment is, and said then (`named`)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from itertools import chain, repeat

import polars as pl

from pipeline import api

KNOWN = {"id": api.STRING, "revision": api.INT, "part": api.INT, "host": api.STRING}
"""What events of windows and sessions have, with its types."""

RETRACTED = "retracted"

LONGEST_ID = 512
"""Bytes of an id that clusters take."""

CREATE = b'{"create":{}}\n'
DELETE = b'{"delete":'


def facts(columns: api.Columns) -> bool:
    """Whether events may be facts: what has all of KNOWN."""
    return all(columns.fields.get(name) == kind for name, kind in KNOWN.items())


def encoded(frame: pl.DataFrame, documents: bytes, *, facts: bool) -> bytes:
    """The events of a frame, with their `documents`, a line each. `facts`: some may be."""
    lines = _lines(documents)
    if not facts or not {"id", "revision"} <= {*frame.columns}:
        return b"".join(chain.from_iterable((CREATE, line) for line in lines))
    back = frame[RETRACTED] if RETRACTED in frame.columns else repeat(None)
    found = []
    for id, revision, retracted, line in zip(frame["id"], frame["revision"], back, lines, strict=False):
        if not _versioned(id, revision):
            found += [CREATE, line]
            continue
        action = "delete" if retracted else "index"
        told = {action: {"_id": id, "version": revision, "version_type": "external"}}
        found.append(json.dumps(told, separators=(",", ":")).encode() + b"\n")
        found += [] if retracted else [line]
    return b"".join(found)


def _versioned(id: str | None, revision: int | None) -> bool:
    """Whether an event can be a document with this id and version: others would make the whole request fail."""
    return bool(id) and len(str(id).encode()) <= LONGEST_ID and revision is not None and revision >= 0


def events(data: bytes) -> list[bytes]:
    """The lines of each event."""
    lines = iter(_lines(data))
    return [line if line.startswith(DELETE) else line + next(lines) for line in lines]


def named(segment: api.Segment, events: Sequence[bytes]) -> list[bytes]:
    """The events with their ids: those that are to be created get the name of the segment, which no other one ever has, and
    their place in it."""
    begin = hashlib.sha256(segment.name.encode()).hexdigest()[:20]
    return [
        b'{"create":{"_id":"%s-%d"}}\n' % (begin.encode(), row) + event[len(CREATE) :]
        if event.startswith(CREATE)
        else event
        for row, event in enumerate(events)
    ]


def _lines(data: bytes) -> list[bytes]:
    return [line + b"\n" for line in data.split(b"\n")[:-1]]
