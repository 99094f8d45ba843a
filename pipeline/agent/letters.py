"""Dead letters: how they are buried, asked for, and shown.

Requests name letters by `stage`, `reason`, `since` (µs) and `ids` (a list of texts, `burial` or `burial.row`); what is not
said is not asked for. `dlq`: the newest, at most `limit`, with their records. `dlq_kinds`: all of them counted, and the segments
that are held. `dlq_retry` marks them to be put in again, `dlq_drop` lets go of them; both give how many.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict

import polars as pl

from pipeline.store import Burial, Buried, Contents, Letters, Wanted

MOST = 10_000
"""Most dead letters of one answer."""

ID = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})?")
"""`burial` or `burial.row`."""

Answer = dict[str, object]
Request = Mapping[str, object]


def burials(stage: str, tries: int, frame: pl.DataFrame) -> list[Buried]:
    """Rejected rows, by kind."""
    from pipeline.columns.frames import dump

    error = pl.col("@error").struct
    keys = [error.field(name).fill_null("").alias(name) for name in ("filter", "reason", "field")]
    return [
        Buried(stage, rows.height, dump([rows.select(frame.columns)]), str(filter), str(reason), str(field), tries)
        for (filter, reason, field), rows in frame.with_columns(keys)
        .partition_by("filter", "reason", "field", as_dict=True)
        .items()
    ]


def wanted(request: Request) -> Wanted:
    """The letters that a request names. Raises ValueError for ids that are none."""
    stage, reason, since, ids = (request.get(name) for name in ("stage", "reason", "since", "ids"))
    return Wanted(
        None if stage is None else str(stage),
        None if reason is None else str(reason),
        since if isinstance(since, int) and abs(since) < 1 << 63 else None,
        tuple(_id(str(id)) for id in ids) if isinstance(ids, list) else (),
    )


def _id(told: str) -> tuple[int, int | None]:
    if not ID.fullmatch(told):
        raise ValueError(f"{told[:80]!r} is no id of a dead letter; ids are such as 17 and 17.3")
    burial, dot, row = told.partition(".")
    return int(burial), int(row) if dot else None


# ── answers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def kinds(state: Contents, request: Request) -> Answer:
    return {"kinds": [asdict(kind) for kind in state.dead.kinds(wanted(request))], "held": state.held()}


def question(state: Contents, request: Request) -> Answer:
    """What the answer to `dlq` needs of the store."""
    limit = request.get("limit")
    most = min(limit, MOST) if isinstance(limit, int) and limit > 0 else 100
    named = wanted(request)
    # Single rows may be anywhere in their burials.
    found = state.dead.newest(1 << 62 if named.ids else most, named)
    return {"burials": found, "wanted": named, "most": most}


def answer(found: Answer) -> Answer:
    """The answer itself, for which nothing more is needed."""
    burials, named, most = found["burials"], found["wanted"], found["most"]
    letters: list[Answer] = []
    for burial in burials if isinstance(burials, list) else []:
        if isinstance(named, Wanted) and isinstance(most, int) and len(letters) < most:
            letters += _letters(burial, named, most - len(letters))
    return {"letters": letters}


def rows(burial: Burial) -> pl.DataFrame:
    """The rows of a burial, those that are gone among them."""
    from pipeline.columns.frames import load

    found = pl.concat(load(burial.frame))
    # Those that were buried before there were items have none.
    return found if "@item" in found.columns else found.with_columns(pl.lit(None, dtype=pl.String).alias("@item"))


def _letters(burial: Burial, named: Wanted, most: int) -> Iterable[Answer]:
    """The last rows of a burial that are wanted, last first."""
    held = [row for row in range(burial.rows) if row not in burial.gone and named.takes(burial.id, row)]
    shown = held[-most:][::-1]
    tries = {"tries": burial.tries} if burial.tries else {}
    for row, values in zip(shown, rows(burial)[shown].to_dicts(), strict=True):
        yield {"id": f"{burial.id}.{row}", "stage": burial.stage, "rejected": burial.time, **tries, **_plain(values)}


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


# ── changes ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def change(request: Request) -> Callable[[Letters], Answer]:
    """What does, inside a transaction, what a request of CHANGES asks for. Raises ValueError for ids that are none."""
    work, named = CHANGES[str(request["ask"])], wanted(request)
    return lambda letters: {"letters": work(letters, named)}


CHANGES: Mapping[str, Callable[[Letters, Wanted], int]] = {"dlq_retry": Letters.mark, "dlq_drop": Letters.drop}
