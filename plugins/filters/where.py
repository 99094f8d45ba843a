"""Keep the events that satisfy a condition."""

from __future__ import annotations

from pipeline import api


class Options(api.Options):
    condition: api.Expr = api.option("What must hold for an event to stay.")


class Where(api.Filter[Options]):
    """Keeps the events for which the condition holds; the others are filtered: they go nowhere, and are counted.

    A condition is true or false, never missing: a comparison with a field that is not there is false, and `not` of it true. A
    strict conversion in it (`int!(x)`) rejects the events that it fails for."""

    name = "where"
    options_model = Options
    drops = True
    example = """
source access = generate(count: 100)
transform errors = access
  | grok('%{NGINX_COMBINED}')
  | where(status >= 500 or status in [404, 410])
sink out = errors -> console()
"""

    def schema(self, columns: api.Columns) -> api.Columns:
        self.options.condition.demand_condition("condition")
        return columns

    def apply(self, batch: api.Batch) -> api.Batch:
        condition = self.options.condition
        batch = condition.require(batch)
        return batch.with_frame(batch.frame.filter(condition.polars.fill_null(value=False)))
