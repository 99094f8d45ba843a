"""Questions about a state, and their answers: from the state alone, of an agent that runs or of one that has stopped."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pipeline.agent import letters
from pipeline.store import Contents

Answer = letters.Answer
Request = letters.Request


def answer(state: Contents, request: Request) -> Answer:
    """The answer to a request, from the state alone: that of an open store, or of an agent that has stopped. Raises KeyError for a question that nobody knows.

    `status`: rows by stage and outcome, bytes that wait for each sink; of a running agent also what is `degraded` and why, the figures of
    its nodes (`meters`), and the `tables` of one `node`. `audit`: the whole ledger (`pipeline.store.books`). `checkpoint`: the
    path of the program, and the position of each partition. `dlq`, `dlq_kinds`: dead letters (`pipeline.agent.letters`).
    `windows`: whose state it is and its windows; of the one of a `stage`, `start` and `part`, `deltas` is its state and `trail`
    where its rows come from. `table`: the state of a `fold` of a `stage` that is one for all partitions."""
    return told(taken(state, request), request)


def taken(state: Contents, request: Request) -> Answer:
    """What a question needs of the store: the part that is done between two commits."""
    return QUESTIONS[str(request.get("ask"))](state, request)


def told(found: Answer, request: Request) -> Answer:
    """What was taken, as an answer: the part that may take its time."""
    return letters.answer(found) if request.get("ask") == "dlq" else found


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


def _windows(state: Contents, _: Request) -> Answer:
    return {"known": state.known()}


def _deltas(state: Contents, request: Request) -> Answer:
    return {"deltas": state.deltas(*_window(request))}


def _trail(state: Contents, request: Request) -> Answer:
    return {"trail": state.trail(*_window(request))}


def _table(state: Contents, request: Request) -> Answer:
    return {"state": state.table(str(request.get("stage")), str(request.get("fold")))}


def _window(request: Request) -> tuple[str, int, int]:
    """The window that is asked for."""
    start, part = request.get("start"), request.get("part")
    return str(request.get("stage")), start if isinstance(start, int) else 0, part if isinstance(part, int) else 0


QUESTIONS: Mapping[str, Callable[[Contents, Request], Answer]] = {
    "status": _status,
    "audit": _audit,
    "checkpoint": _checkpoint,
    "dlq": letters.question,
    "dlq_kinds": letters.kinds,
    "windows": _windows,
    "deltas": _deltas,
    "trail": _trail,
    "table": _table,
}
