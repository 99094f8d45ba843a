"""Split a stream of events by conditions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pipeline import api

ELSE = "else"
RESERVED = (ELSE, "rejected")


class Options(api.Options):
    block: api.Cases = api.option("`port = condition` entries; an event goes to the first that holds.")


class Route(api.Filter[Options]):
    """Sends each event to the first port whose condition holds, and to `else` when none does.

    Ports are read as `NAME.port`; `route` is the last filter of its transform. A port that nobody reads counts its events as
    filtered."""

    name = "route"
    options_model = Options
    example = """
source access = generate(count: 100)
transform parsed = access
  | grok('%{NGINX_COMBINED}')
  | route { errors = status >= 500  gone = status in [404, 410] }
sink bad  = [parsed.errors, parsed.gone] -> console()
sink good = parsed.else -> null()
"""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        seen: set[str] = set()
        for case in options.block:
            if case.name in RESERVED:
                raise api.OptionError(f"`{case.name}` is a port that every route has", "block", "give it another name")
            if case.name in seen:
                raise api.OptionError(
                    f"the port `{case.name}` is there twice", "block", "join the conditions with `or`"
                )
            seen.add(case.name)
        self.ports = (*(case.name for case in options.block), ELSE)

    def schema(self, columns: api.Columns) -> api.Columns:
        for case in self.options.block:
            if case.condition.type != api.BOOL:
                raise api.OptionError(
                    f"the condition of `{case.name}` is of type {case.condition.type}, not true or false",
                    "block",
                    "compare it with something, such as `!= null`",
                )
        return columns

    def apply(self, batch: api.Batch) -> api.Batch:
        """All rows; `split` tells the ports apart."""
        return batch

    def split(self, batch: api.Batch) -> Mapping[str, api.Batch]:
        """The batch of each port. Rejected rows are with `else`, so that they are counted once."""
        for case in self.options.block:
            batch = case.condition.require(batch)
        left, chosen = batch.frame, {}
        for case in self.options.block:
            holds = left.select(case.condition.polars.fill_null(value=False).alias("holds")).to_series()
            if holds.len() != left.height:
                holds = holds.new_from_index(0, left.height)
            chosen[case.name] = left.filter(holds)
            left = left.filter(~holds)
        parts = {name: replace(batch, frame=frame, rejected=()) for name, frame in chosen.items()}
        return {**parts, ELSE: batch.with_frame(left)}
