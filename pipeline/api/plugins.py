"""The kinds of plugins, and what each must do.

Every plugin is a class made with its options: `Plugin(options)`. The constructor does no I/O and may raise OptionError.
A class says which contract it was written for, `class X(Filter[Options], api=1)`; the catalog checks it when it loads the
plugin. Names without `_` on these classes are ours: a later version may add more of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from typing import ClassVar, Generic, Literal, TypeVar

import polars as pl

from pipeline.api.context import Context
from pipeline.api.layouts import Layout
from pipeline.api.options import Options
from pipeline.api.segments import Result, Segment, Writer
from pipeline.columns.batch import Batch, Position
from pipeline.columns.types import Columns, Type
from pipeline.columns.windows.blobs import dump, load
from pipeline.env import Files
from pipeline.errors import ConfigurationError, NoInputError

OptionsT = TypeVar("OptionsT", bound=Options)


class Plugin(ABC, Generic[OptionsT]):
    """What all kinds share. Times are microseconds where nothing else is said. `example` is a runnable program for the docs; a test runs it.

    The class docstring is the plugin's page in the docs; `options_model` is its options."""

    api: ClassVar[int | None] = None
    """The contract that it was written for. Plugins of the house need not say it."""
    name: ClassVar[str]
    options_model: ClassVar[type[Options]]
    example: ClassVar[str]

    def __init_subclass__(cls, *, api: int | None = None, **further: object) -> None:
        """`class Redact(Filter[Options], api=1)` says which contract the class was written for."""
        super().__init_subclass__(**further)
        if api is not None:
            cls.api = api

    def __init__(self, options: OptionsT) -> None:
        self.options = options

    async def open(self, ctx: Context) -> None:
        """Get ready: open files, load databases. Called once before any work, also in tests. Blocking work goes to `ctx.run`.

        Whatever it raises keeps the program from starting: ConfigurationError and NoInputError (PipeErrors) with their message and
        advice, any other as a defect of the plugin. It is not tried again: wait here for what may be late."""

    async def close(self) -> None:
        """Let go of everything. Called after `open`, also after one that failed or was cancelled, perhaps twice; must not raise."""

    def describe(self) -> Mapping[str, str]:
        """Facts for `pipe explain`, such as the engine that runs a pattern."""
        return {}

    def warnings(self) -> Sequence[tuple[str | None, str, str]]:
        """(option, message, help) that `pipe check` shows as warnings."""
        return ()


class Input(Plugin[OptionsT]):
    """Where events come from. Names of partitions are unique in a program: begin them with `ctx.node` or make them random.

    `read` yields batches for ever (or to the end, when `ctx.once`). For each partition, a batch's span starts exactly
    where the one before it ended; the first starts at `progress` (None for a partition that has none: it is new).
    Positions are committed by the engine with everything that follows from the batch. `read` is cancelled at a stop, at
    any await; a batch that was not committed is simply read again."""

    finite: ClassVar[bool] = True
    """False for inputs that can never end: refused with `--once`."""
    replayable: ClassVar[bool] = True
    """False when a batch that was not committed cannot be read again (stdin): said by `pipe explain`."""

    @abstractmethod
    def schema(self) -> Columns:
        """Fields that events have besides metadata; most inputs have none."""

    @abstractmethod
    def read(self, progress: Mapping[str, Position]) -> AsyncIterator[Batch]:
        """Batches, from these positions on. Blocking work goes to `ctx.run`.

        Nothing that it raises is retried by the engine: an error ends the run (PipeError with its message and advice, any other
        as a defect), which goes on at the committed positions when it is started again. So wait and try again here while the
        far end is away, with `ctx.clock.sleep`."""

    def backlog(self) -> Mapping[str, int]:
        """Bytes (or records) known but not yet yielded, for every partition that may still grow; 0 when caught up.

        Holds watermarks back: a window never closes while a partition that feeds it has unread data. Where a `join` reads it, other
        sources begin when nothing is unread. Partitions that are finished for good are left out."""
        return {}

    def reads(self) -> Sequence[str]:
        """Globs of the local files that it reads, so that no sink of the program writes into them."""
        return ()

    def explain(self, ctx: Context, progress: Mapping[str, Position], name: str) -> Mapping[str, object] | None:
        """What a start with this progress would make of something that it reads, for `pipe checkpoint explain`: `verdict` (a
        word), `why`, `next` (what is read of it, and from where), and whatever else is known, as JSON; rows of
        `evidence` have `of`, `known`, `found` and `agrees`. None for what it would not read. Changes nothing, is called
        without `open`, and may block."""
        return None

    def recall(
        self, files: Files, position: Position, spans: Sequence[tuple[int, int]]
    ) -> Iterator[tuple[pl.Series, pl.Series]]:
        """Records of a partition that were read before, once more: for each span (the `@offset` of its first record and of
        its last) their `@raw` and `@offset`. `position` is the partition's latest. For `pipe why`: called without `open`, it
        blocks. Raises NoInputError where they cannot be read any more."""
        raise NoInputError(f"{self.name} cannot read again what it has read", "Keep the records in an archive.")

    def forgotten(self) -> Collection[str]:
        """Partitions that are gone for good: their progress is dropped by one of the next commits. Name them until `committed`
        tells None of them."""
        return ()

    def committed(self, progress: Mapping[str, Position]) -> None:
        """These positions are durable; a pushed input may answer its sender. None: nothing is kept of a forgotten partition
        any more."""


class Filter(Plugin[OptionsT]):
    """Columns in, columns out: pure, synchronous, no row loops. Rows it cannot process leave by `batch.reject`.

    Row order must be kept. A filter must not keep a reference to a batch or its columns."""

    drops: ClassVar[bool] = False
    """True for filters that let rows go by request (`where`): they are counted as filtered. All others give every row or reject
    it, `makes` included."""

    makes: ClassVar[bool] = False
    """True for filters that make several rows of one, by `Batch.repeated`: an element, a part, or a line of it each. Those beyond
    the first are counted as made, a row of which none is made as filtered."""

    ports: tuple[str, ...] = ()
    """Names of outputs instead of the main one, for filters whose `split` divides the batch."""

    @abstractmethod
    def schema(self, columns: Columns) -> Columns:
        """Fields after this filter. Raise OptionError when the options do not fit the columns. Asked several times while a program
        is checked, with different columns: the last answer counts."""

    @abstractmethod
    def apply(self, batch: Batch) -> Batch:
        """What becomes of the rows of a batch. Runs in worker threads, in several at once on one instance, so it changes
        nothing in the filter. Called again with parts of a batch on which it raised, to find the row."""

    def demand(self, fields: Mapping[tuple[str, ...], Type]) -> None:
        """For filters whose `schema` is open: paths that the rest of the program uses, with the types it demands.
        Called before `open`; `schema` is asked again afterwards and must then contain them."""

    def split(self, batch: Batch) -> Mapping[str, Batch]:
        """For filters with `ports`: the batch of each port; every row is in exactly one (or rejected)."""
        raise TypeError(f"{self.name} has no ports")


Delta = Sequence[pl.DataFrame]
"""Mergeable state of one window: a frame for each group-by that its metrics need."""


class Window(Plugin[OptionsT]):
    """A mergeable fold over event time. The engine owns time, storage, closing and revisions.

    Sizes and times are microseconds. `start` of a window is its identity."""

    @abstractmethod
    def schema(self, columns: Columns) -> Columns:
        """Fields of the rows that `rows` gives."""

    @property
    @abstractmethod
    def size(self) -> int: ...

    @property
    @abstractmethod
    def lateness(self) -> int: ...

    @property
    @abstractmethod
    def keep(self) -> int:
        """How long a closed window's state is kept for revisions."""

    @property
    @abstractmethod
    def on(self) -> str:
        """The column (Datetime µs) that says when an event happened."""

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """A hash of everything that gives the state its meaning: another fingerprint starts anew."""

    @property
    def idle(self) -> int:
        """How long (µs) a partition without new data holds the watermark back."""
        return 10_000_000

    @property
    def partial(self) -> frozenset[str]:
        """Names of metrics whose values over the parts of a window cannot be added up by a reader."""
        return frozenset()

    @abstractmethod
    def deltas(self, batch: Batch) -> tuple[Batch, Mapping[int, Delta]]:
        """What a batch adds, by window start. The batch comes back with the rows it had to reject."""

    @abstractmethod
    def merge(self, deltas: Sequence[Delta]) -> Delta:
        """States of one window, in any order and from any number of batches and hosts, as one. At least one is given; none is
        changed."""

    def bounded(self, deltas: Sequence[Delta]) -> tuple[Delta, bool]:
        """All state of a window, oldest first, merged and in bounded size; and whether the bound changed it. Bounding again
        what was bounded changes nothing."""
        return self.merge(deltas), False

    @abstractmethod
    def rows(self, start: int, state: Delta) -> pl.DataFrame:
        """The events of a closed window, without metadata: fields of `schema` but `id`, `host`, `revision`, `part` and
        `partial`, which the engine adds; instead of `id` a String column `key` that is unique among the window's rows. A
        Boolean column `partial`, where it is there, is true for values that are not exact."""

    def members(self, batch: Batch, start: int, event: Mapping[str, object]) -> Batch:
        """The rows of a batch that count in one event of the window that starts at `start`; `event` is a row of `rows`. For
        `pipe why`."""
        raise ConfigurationError(f"{self.name} cannot say which rows its facts are made of", "Ask for another fact.")

    def dump(self, delta: Delta, *, dense: bool = False) -> bytes:
        """A state as bytes, for the store. `dense`: it will lie there for long, so fewer bytes are worth more work."""
        return dump(delta, dense=dense)

    def load(self, data: bytes) -> Delta:
        """The state of `dump`. Raises ValueError when the bytes are no state."""
        return load(data)


Guarantee = Literal["exactly once", "at least once", "at most once"]


class Output(Plugin[OptionsT]):
    """Where events go. An append output: rows become bytes, bytes become segments, segments are delivered in order.

    `deliver` may be called again with the same segment after a crash or a lost reply: the second time must have no
    effect, or `guarantee` says `at least once`."""

    @abstractmethod
    def schema(self, columns: Columns) -> None:
        """Check that these columns can be written. Raise OptionError otherwise."""

    @abstractmethod
    def guarantee(self) -> tuple[Guarantee, str]:
        """The delivery guarantee and its reason, for `pipe explain`."""

    @property
    @abstractmethod
    def layout(self) -> Layout:
        """How rows are laid out. Asked after `schema`, whenever a segment begins: the same answer for the same columns."""

    def uses(self) -> frozenset[str] | None:
        """Top-level columns that `encode` and the path read, so that others need not be carried; None for all."""
        return None

    @abstractmethod
    def encode(self, frame: pl.DataFrame) -> bytes:
        """Rows (metadata and fields) to bytes that may be concatenated. Pure."""

    def events(self, data: bytes) -> list[bytes]:
        """What `encode` gave, row by row; lines, unless said otherwise. Asked for where some are refused (`Result.refused`)."""
        return [line + b"\n" for line in data.split(b"\n")[:-1]]

    def finish(self, spooled: Iterable[bytes], form: str) -> Iterable[bytes]:
        """For `whole` layouts: all that `encode` gave for a segment, cut anywhere, to the file's final bytes, both in parts.
        Runs in a worker thread. `form` is that of the layout which the rows were encoded for, perhaps an earlier one of this
        sink; raise ConfigurationError when it cannot be finished."""
        told = f"rows wait for a file that is written whole, which {self.name} cannot complete"
        raise ConfigurationError(told, "Run the program as it was to complete the file.")

    async def fence(self, writer: Writer) -> Writer:
        """Claim the destination, which remembers one writer for each `instance`. In one atomic step there (a conditional create
        or replace), take the place of no writer, of one with a lower epoch, or of this same one. Gives the writer that the
        destination has then: another one means that a copy of the state was there with an epoch that is not lower.

        Called before every delivery. Raise OSError or TimeoutError to be called again. A destination that cannot remember
        anybody lets everybody in."""
        return writer

    @abstractmethod
    async def deliver(self, segment: Segment) -> Result:
        """Send a sealed segment. Not called for `in_place` layouts.

        OSError and TimeoutError, and a Result that is not accepted, mean that the destination is in the way: this segment is
        tried again, with growing pauses, and those behind it wait. Any other exception means that the segment is: it is set aside,
        kept, tried again every ten minutes and at every start, and those behind it go on."""
