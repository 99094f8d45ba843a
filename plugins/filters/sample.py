"""Keep a share of the events."""

from __future__ import annotations

import polars as pl

from pipeline import api
from pipeline.api.conversions import to_text
from pipeline.api.digests import fingerprint, scattered

KEYS = ("string", "bytes", "int", "float", "bool", "time", "duration", "json", "null")


class Options(api.Options):
    rate: float | None = api.option("The share of events to keep, such as `0.1`.", default=None, gt=0, le=1)
    every: int | None = api.option("Keep one of so many events, instead of `rate`.", default=None, ge=1)
    weight: api.NewName | None = api.option(
        "The field for the weight of an event: how many events it stands for.",
        default=None,
        min_length=1,
        pattern="^[^@]",
    )
    seed: int = api.option("Another number keeps other events.", default=0)
    by: tuple[api.Field, ...] = api.option("Keep all events of a key, or none.", default=())


class Sample(api.Filter[Options]):
    """Keeps a share of the events, chosen by a hash; the others are filtered, and are counted.

    Without `by` each event is chosen by its `@rid`, so that a replay after a crash, and another run over the same input, keep
    the same events. With `by`, all events of a key are kept or none, on every machine: `sample(every: 10) by user`. Events
    whose keys are all missing are chosen one by one.

    The share is exact in the mean, not in each batch. `weight` names a field for what an event stands for: `every`, an int, or
    1 / `rate`, a float. Aggregates over a sample are corrected with it: `sum(weight)` instead of `count()`,
    `sum(bytes * weight)` instead of `sum(bytes)`. By keys, counts of keys are corrected that way too.

    To sample twice, give the second another `seed`: with the same, it chooses the same events."""

    name = "sample"
    drops = True
    options_model = Options
    example = """
source access = generate(count: 100)
transform some = access
  | grok('%{NGINX_COMBINED}')
  | sample(every: 10, weight: weight) by remote_addr
transform facts = some
  | window(10s) { requests = sum(weight) by status }
sink out = facts -> console()
"""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        if (options.rate is None) == (options.every is None):
            raise api.OptionError(
                "sample needs `rate` or `every`" if options.rate is None else "`rate` and `every` say the same thing",
                None if options.rate is None else "every",
                "such as sample(rate: 0.1), or sample(every: 10)",
            )
        columns = [fingerprint(pl.col("@partition")).alias("partition"), pl.col("@offset").alias("offset")]
        columns += [fingerprint(_text(field)).alias(f"key {at}") for at, field in enumerate(options.by)]
        self._columns = tuple(columns)

    def __reduce__(self) -> tuple[object, ...]:
        return Sample, (self.options,)

    def schema(self, columns: api.Columns) -> api.Columns:
        for field in self.options.by:
            if field.type.kind not in KEYS:
                raise api.OptionError(f"{field.name} is {field.type} and cannot be a key", "by", "take a member of it")
        if self.options.weight is None:
            return columns
        return columns.with_field((self.options.weight,), api.FLOAT if self.options.every is None else api.INT)

    def apply(self, batch: api.Batch) -> api.Batch:
        options = self.options
        frame = batch.frame.filter(self._kept(batch.frame))
        if options.weight is not None:
            weight = pl.lit(1 / options.rate) if options.rate is not None else pl.lit(options.every, dtype=pl.Int64)
            frame = frame.with_columns(weight.alias(options.weight))
        return batch.with_frame(frame)

    def _kept(self, frame: pl.DataFrame) -> pl.Series:
        """Which events are kept (Boolean)."""
        options = self.options
        partition, offset, *keys = frame.select(self._columns).get_columns()
        number = scattered(options.seed, partition, offset)
        if frame["@item"].null_count() < frame.height:
            item = frame.select(fingerprint(pl.col("@item"))).to_series()
            number = number.zip_with(item.is_null(), scattered(options.seed, partition, offset, item))
        if keys:
            missing = pl.DataFrame(keys).select(pl.all_horizontal(pl.all().is_null())).to_series()
            number = number.zip_with(missing, scattered(options.seed, *keys))
        if options.every is not None:
            return number % options.every == 0
        share = max(1, round((options.rate or 1) * 2**64))
        return number <= pl.Series([share - 1], dtype=pl.UInt64)


def _text(field: api.Field) -> pl.Expr:
    if field.type.kind == "bytes":
        return field.polars
    return to_text(field.polars, field.type)
