"""Everything about a traffic that does not depend on the line: rendered once per seed and format, then only gathered."""

from typing import NamedTuple

import polars as pl

from pipeline.columns.traffic.clients import KINDS, Client, some_client
from pipeline.columns.traffic.formats import Format
from pipeline.columns.traffic.mix import Draws, key_of
from pipeline.columns.traffic.popularity import quantiles
from pipeline.columns.traffic.tape import record

TAPE_LENGTH = 2**15
SLOTS = 2**15


class Tables(NamedTuple):
    """Columns to gather from.

    By place on the tape: `step`, `pool` (UInt64); `requests` (String) has the pieces of a normal day, then, from
    TAPE_LENGTH on, those of an outage. By slot: `client` (UInt32), the row in `clients` and `agents` (String).
    """

    step: pl.Series
    pool: pl.Series
    requests: pl.Series
    client: pl.Series
    clients: pl.Series
    agents: pl.Series


def build(seed: int, form: Format) -> Tables:
    """Record the tape, make up the clients, and render their pieces."""
    tape = record(Draws(key_of(seed, 2)), TAPE_LENGTH)
    draws = Draws(key_of(seed, 3))
    slots: list[int] = []
    clients: list[Client] = []
    for kind in KINDS:
        slots.extend(len(clients) + rank for rank in quantiles(kind.clients, kind.flat, SLOTS))
        clients.extend(some_client(kind, draws) for _ in range(kind.clients))
    normal = [form.request(request) for request in tape.normal]
    outage = [
        text if failed is request else form.request(failed)
        for text, request, failed in zip(normal, tape.normal, tape.outage, strict=True)
    ]
    return Tables(
        step=pl.Series(tape.step, dtype=pl.UInt64),
        pool=pl.Series([number * SLOTS for number in tape.kind], dtype=pl.UInt64),
        requests=pl.Series(normal + outage, dtype=pl.String),
        client=pl.Series(slots, dtype=pl.UInt32),
        clients=pl.Series([form.client(client) for client in clients], dtype=pl.String),
        agents=pl.Series([form.agent(client) for client in clients], dtype=pl.String),
    )
