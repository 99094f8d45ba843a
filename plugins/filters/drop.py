"""Drop the events that satisfy a condition."""

from __future__ import annotations

from pipeline import api


class Options(api.Options):
    condition: api.Expr = api.option("What must hold for an event to go.")


class Drop(api.Filter[Options]):
    """Drops the events for which the condition holds: they go nowhere, and are counted as filtered.

    The opposite of `where`: `drop(c)` is `where(not c)`. A strict conversion in the condition (`int!(x)`) rejects the events
    that it fails for."""

    name = "drop"
    options_model = Options
    drops = True
    example = """
source access = generate(count: 100)
transform people = access
  | grok('%{NGINX_COMBINED}')
  | drop(user_agent matches /bot|crawler/i)
sink out = people -> console()
"""

    def schema(self, columns: api.Columns) -> api.Columns:
        self.options.condition.demand_condition("condition")
        return columns

    def apply(self, batch: api.Batch) -> api.Batch:
        condition = self.options.condition
        batch = condition.require(batch)
        return batch.with_frame(batch.frame.filter(~condition.polars.fill_null(value=False)))
