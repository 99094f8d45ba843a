"""Plugins that each break the contract in one way. `PLANTED`: what is wrong → (plugin, the rule that must find it)."""

from __future__ import annotations

import asyncio
import os
import threading
import time

import planted_folds
import planted_resolvers
import polars as pl

from pipeline import api
from pipeline.api import windows

PROGRAM = """
source access = generate(count: 200)
transform parsed = access | grok('%{NGINX_COMBINED}') | NAME(path)
sink out = parsed -> null()
"""


class FieldOptions(api.Options):
    field: api.Field = api.option("The text.")


class Good(api.Filter[FieldOptions], api=1):
    """Says how long a text is."""

    name = "length_of"
    options_model = FieldOptions
    example = PROGRAM.replace("NAME", "length_of")

    def schema(self, columns):
        return columns.with_field(("size",), api.INT)

    def apply(self, batch):
        return batch.with_columns(self._size())

    def _size(self):
        return self.options.field.polars.str.len_bytes().cast(pl.Int64).alias("size")


class MutatesItsInput(Good):
    """Puts its column into the frame that came."""

    def apply(self, batch):
        batch.frame.insert_column(batch.frame.width, batch.frame.select(self._size()).to_series())
        return batch


class DropsAColumn(Good):
    """Loses a field that `schema` promises."""

    def apply(self, batch):
        return batch.with_frame(super().apply(batch).frame.drop("referer"))


class KeepsAView(Good):
    """Remembers the column that it saw last."""

    last = None

    def apply(self, batch):
        self.last = batch.frame["path"]
        return super().apply(batch)


class WrongType(Good):
    """Promises an int and gives 32 bits without a sign."""

    def _size(self):
        return self.options.field.polars.str.len_bytes().alias("size")


class WrongTypeOfNothing(Good):
    """Forgets the type where there is no value."""

    def apply(self, batch):
        if batch.frame[self.options.field.path[0]].null_count() == batch.frame.height:
            return batch.with_columns(pl.lit(None).alias("size"))
        return super().apply(batch)


class NotPicklable(Good):
    """Makes a lock when it is made."""

    def __init__(self, options):
        super().__init__(options)
        self.lock = threading.Lock()


class Doubles(Good):
    """Gives every row twice, and does not say so."""

    def apply(self, batch):
        made = super().apply(batch)
        return made.with_frame(made.frame[[row for row in range(made.frame.height) for _ in range(2)]])


class Makes(Good):
    """Gives every row twice, and says so."""

    makes = True

    def apply(self, batch):
        return super().apply(batch).repeated(pl.repeat(2, batch.frame.height, dtype=pl.Int64, eager=True))


class MakesWithoutNumbers(Doubles):
    """Says so, and nothing tells its rows apart."""

    makes = True


class MakesWithWrongNumbers(Makes):
    """Counts from one on."""

    def apply(self, batch):
        later = (pl.col("@item").cast(pl.Int64) + 1).cast(pl.String).alias("@item")
        return super().apply(batch).with_columns(later)


class NumbersItsRows(Good):
    """Numbers rows that it has not made."""

    def apply(self, batch):
        return super().apply(batch).with_columns(pl.lit("0").alias("@item"))


class DropsRows(Good):
    """Loses the rows that it cannot process."""

    def apply(self, batch):
        made = super().apply(batch)
        return made.with_frame(made.frame.filter(pl.col("size").is_not_null()))


class DependsOnCuts(Good):
    """Compares with the whole batch."""

    def _size(self):
        size = super()._size()
        return (size - size.min()).alias("size")


class Counts(Good):
    """Numbers the batches that it saw."""

    seen = 0

    def apply(self, batch):
        self.seen += 1
        return batch.with_columns(pl.lit(self.seen, dtype=pl.Int64).alias("size"))


class Undocumented(Good):
    """Has an option that nobody explains."""

    class options_model(api.Options):  # noqa: N801 — in the place of the attribute
        field: api.Field
        wide: bool = False


class FailsOnNothing(Good):
    """Looks at the first row."""

    def apply(self, batch):
        batch.frame["path"][0]
        return super().apply(batch)


class Sorts(Good):
    """Changes the order of rows."""

    def apply(self, batch):
        made = super().apply(batch)
        return made.with_frame(made.frame.sort("size"))


class ChangesMetadata(Good):
    """Writes into `@raw`."""

    def apply(self, batch):
        return super().apply(batch).with_columns(pl.lit(b"gone", dtype=pl.Binary).alias("@raw"))


class ClosesOnce(Good):
    """Closes what is closed."""

    handle = None

    async def open(self, ctx):
        self.handle = [1]

    async def close(self):
        self.handle.pop()


class NoOptions(api.Options):
    pass


class Ticks(api.Input[NoOptions], api=1):
    """Gives three records."""

    name = "ticks"
    options_model = NoOptions
    example = "source t = ticks()\nsink out = t -> null()"

    def schema(self):
        return api.Columns({})

    async def open(self, ctx):
        self.ctx = ctx

    async def read(self, progress):
        start = progress.get("ticks", 0)
        for at in range(start, 3):
            await self.ctx.clock.sleep(1)
            before = None if at == 0 else at
            yield api.lines([b"tick"], pl.Series([at]), partition="ticks", start=before, end=at + 1)


class Blocks(Ticks):
    """Waits without giving others their turn."""

    async def read(self, progress):
        time.sleep(0.6)  # noqa: ASYNC251 — what is wrong with it
        async for batch in super().read(progress):
            yield batch


class LeaksATask(Ticks):
    """Starts a task that nobody ends."""

    async def read(self, progress):
        beat = asyncio.ensure_future(asyncio.sleep(1000))
        async for batch in super().read(progress):
            yield batch
        beat.cancel()


class LeaksAFile(Ticks):
    """Leaves a file open when it is cancelled."""

    async def read(self, progress):
        file = os.open("/dev/zero", os.O_RDONLY)
        async for batch in super().read(progress):
            yield batch
        os.close(file)


class ForgetsItsPlace(Ticks):
    """Begins anew after every start."""

    async def read(self, progress):
        async for batch in super().read({}):
            yield batch


class Post(api.Output[NoOptions], api=1):
    """Keeps rows in a list that stands for a server."""

    name = "post"
    options_model = NoOptions
    example = "source access = generate(count: 50)\nsink out = access -> post()"
    arrived: dict[str, bytes] = {}  # noqa: RUF012 — the destination

    def schema(self, columns):
        pass

    def guarantee(self):
        return "exactly once", "a segment replaces itself"

    @property
    def layout(self):
        return api.Layout()

    def encode(self, frame):
        return b"".join(raw + b"\n" for raw in frame["@raw"].to_list())

    async def deliver(self, segment):
        await asyncio.sleep(0)
        self.arrived[segment.name] = segment.data
        return api.Result()


class DeliversTwice(Post):
    """Adds what comes again to what is there, and claims exactly once."""

    async def deliver(self, segment):
        await asyncio.sleep(0)
        self.arrived["all"] = self.arrived.get("all", b"") + segment.data
        return api.Result()


class HeadsEachPart(Post):
    """Writes a header into every part."""

    def encode(self, frame):
        return (b"raw\n" if frame.height else b"") + super().encode(frame)


class Average(api.Aggregate, api=1):
    name = "average"
    doc = "The mean of x, skipping null."
    example = "x = average(size) by host"
    parameters = (api.Parameter("x", "The number.", types=("int",)),)

    def returns(self, arguments):
        return api.FLOAT

    def keep(self, arguments):
        return windows.column_of(arguments).is_not_null()

    def step(self, arguments):
        return {"total": windows.column_of(arguments).cast(pl.Int128).sum(), "seen": pl.len().cast(pl.Int64)}

    def merge(self):
        return {"total": pl.col("total").sum(), "seen": pl.col("seen").sum()}

    def finish(self, state, group, arguments, seconds):
        value = pl.col("total").sum().cast(pl.Float64) / pl.col("seen").sum()
        return windows.valued(state, group, value)


class MeanOfMeans(Average):
    """Merges means as if every state had as many rows."""

    def step(self, arguments):
        return {"total": windows.column_of(arguments).cast(pl.Float64).mean(), "seen": pl.lit(1, dtype=pl.Int64)}

    def merge(self):
        return {"total": pl.col("total").mean(), "seen": pl.lit(1, dtype=pl.Int64)}


def _rank(x):
    return x.rank().cast(pl.Float64)


RANKS = api.Function(
    "ranks", "The rank of a number.", (api.Parameter("x", "The number.", ("int",)),), api.FLOAT, _rank,
    (api.Example("ranks(7)", 1.0),), api=1,
)  # fmt: skip

PLANTED: dict[str, tuple[object, str]] = {
    "changes the batch that comes in": (MutatesItsInput, "input"),
    "loses a field silently": (DropsAColumn, "schema"),
    "gives another dtype than it promises": (WrongType, "schema"),
    "gives another dtype where all is null": (WrongTypeOfNothing, "schema"),
    "fails on a batch without rows": (FailsOnNothing, "data"),
    "keeps a view of its chunk": (KeepsAView, "memory"),
    "cannot be pickled": (NotPicklable, "picklable"),
    "loses rows without accounting": (DropsRows, "accounting"),
    "makes rows without accounting": (Doubles, "accounting"),
    "makes rows without numbers": (MakesWithoutNumbers, "rows"),
    "makes rows with other numbers": (MakesWithWrongNumbers, "accounting"),
    "numbers rows that it has not made": (NumbersItsRows, "rows"),
    "depends on where batches are cut": (DependsOnCuts, "cuts"),
    "has a state between batches": (Counts, "cuts"),
    "sorts its rows": (Sorts, "rows"),
    "changes metadata": (ChangesMetadata, "rows"),
    "has an option without a doc": (Undocumented, "documented"),
    "raises when it is closed twice": (ClosesOnce, "close"),
    "blocks the event loop": (Blocks, "loop"),
    "leaves a task behind when it is cancelled": (LeaksATask, "cancel"),
    "leaves a file open when it is cancelled": (LeaksAFile, "cancel"),
    "begins anew instead of reading on": (ForgetsItsPlace, "resume"),
    "delivers twice and claims exactly once": (DeliversTwice, "twice"),
    "writes a header into every part": (HeadsEachPart, "cuts"),
    "merges means": (MeanOfMeans, "merge"),
    "ranks a value among others": (RANKS, "cuts"),
    **planted_folds.PLANTED,
    **planted_resolvers.PLANTED,
}

SOUND = (Good, Makes, Ticks, Post, Average, *planted_folds.SOUND, *planted_resolvers.SOUND)
"""Those that the others are made of."""
