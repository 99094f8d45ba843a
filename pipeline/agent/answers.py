"""Questions about a state, and their answers: from the state alone, of an agent that runs or of one that has stopped."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence

from pipeline.store import Contents

LETTERS = 10_000
"""Most dead letters of one answer."""

Answer = dict[str, object]
Request = Mapping[str, object]


def answer(state: Contents, request: Request) -> Answer:
    """The answer to a request, from the state alone: that of an open store, or of an agent that has stopped. Raises KeyError for a question that nobody knows.

    `status`: rows by stage and outcome, bytes that wait for each sink; of a running agent also what is `degraded` and why, the figures of
    its nodes (`meters`), and the `tables` of one `node`. `audit`: the whole ledger (`pipeline.store.books`). `checkpoint`: the
    path of the program, and the position of each partition. `dlq`: the newest dead letters, at most `limit` of them, optionally of one `stage`.
    `windows`: whose state it is and its windows; of the one of a `stage`, `start` and `part`, `deltas` is its state and `trail`
    where its rows come from."""
    return told(taken(state, request), request)


def taken(state: Contents, request: Request) -> Answer:
    """What a question needs of the store: the part that is done between two commits."""
    return QUESTIONS[str(request.get("ask"))](state, request)


def told(found: Answer, request: Request) -> Answer:
    """What was taken, as an answer: the part that may take its time."""
    if request.get("ask") != "dlq":
        return found
    burials, most = found["burials"], _most(request)
    letters: list[Answer] = []
    for _, stage, _, time, frame in burials if isinstance(burials, list) else []:
        letters += _letters(stage, time, frame, most - len(letters))
    return {"letters": letters}


def _most(request: Request) -> int:
    """How many dead letters are asked for."""
    limit = request.get("limit")
    return min(limit, LETTERS) if isinstance(limit, int) and limit > 0 else 100


def _audit(state: Contents, _: Request) -> Answer:
    return {"books": state.books()}


def _status(state: Contents, _: Request) -> Answer:
    stages: dict[str, dict[str, int]] = {}
    for (stage, outcome), rows in state.ledger().items():
        stages.setdefault(stage, {})[outcome] = rows
    return {"stages": stages, "waiting": state.waiting()}


def _checkpoint(state: Contents, _: Request) -> Answer:
    return {
        "program": state.program(),
        "positions": [
            {"source": source, "partition": partition, "position": position}
            for source, partitions in sorted(state.progress().items())
            for partition, position in sorted(partitions.items())
        ],
    }


def _dead(state: Contents, request: Request) -> Answer:
    stage = request.get("stage")
    return {"burials": state.dead(_most(request), None if stage is None else str(stage))}


def _letters(stage: str, time: int, dumped: bytes, most: int) -> list[Answer]:
    """The newest rows of a burial, newest first."""
    from pipeline.columns.frames import load

    rows: Sequence[Mapping[str, object]] = [row for frame in load(dumped) for row in frame.tail(most).to_dicts()]
    return [{"stage": stage, "rejected": time, **_plain(row)} for row in reversed(rows[-most:])]


def _plain(row: Mapping[str, object]) -> Answer:
    """A rejected row as JSON values: text where it is text, base64 where its bytes are not."""
    plain: Answer = {}
    for name, value in row.items():
        if isinstance(value, bytes):
            try:
                plain[name] = value.decode()
            except UnicodeDecodeError:
                plain[name] = value.decode("utf-8", "replace")
                plain[f"{name}_base64"] = base64.b64encode(value).decode()
        elif value is not None:
            plain[name] = value.isoformat() if hasattr(value, "isoformat") else value
    return plain


def _windows(state: Contents, _: Request) -> Answer:
    return {"known": state.known()}


def _deltas(state: Contents, request: Request) -> Answer:
    return {"deltas": state.deltas(*_window(request))}


def _trail(state: Contents, request: Request) -> Answer:
    return {"trail": state.trail(*_window(request))}


def _window(request: Request) -> tuple[str, int, int]:
    """The window that is asked for."""
    start, part = request.get("start"), request.get("part")
    return str(request.get("stage")), start if isinstance(start, int) else 0, part if isinstance(part, int) else 0


QUESTIONS: Mapping[str, Callable[[Contents, Request], Answer]] = {
    "status": _status,
    "audit": _audit,
    "checkpoint": _checkpoint,
    "dlq": _dead,
    "windows": _windows,
    "deltas": _deltas,
    "trail": _trail,
}
