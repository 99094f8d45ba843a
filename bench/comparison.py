"""Contenders for the same work in one table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import measure
from measure import ZSTD, Contender, Spread
from report import Table
from subject import Effort


def compare(title: str, contenders: Sequence[Contender[Any]], effort: Effort, reference: str) -> Table:
    """Let them take turns. Each is compared with `reference`, and with `zstd -1` where that is one of them."""
    costs = measure.alternate(contenders, effort.rounds, title.partition(":")[0])
    rates = {contender.name: measure.rates(contender, costs) for contender in contenders}
    packed = rates.get(ZSTD)
    scale = ["CPU ÷ `zstd -1`"] if packed else []
    table = Table(title, ["", "lines/s per core (least – most)", f"× {reference.partition(',')[0]}", *scale, "peak MB"])
    for name, mine in rates.items():
        table.add(
            name,
            Spread.of(mine).text(),
            f"{measure.ratios(mine, rates[reference]).median:.2f}",
            *([f"{measure.ratios(packed, mine).median:.2f}"] if packed else []),
            f"{Spread.of(cost.memory for cost in costs[name]).median:.0f}",
        )
    return table
