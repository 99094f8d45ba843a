"""Filters with memory: what becomes of a row depends on rows before it."""

from __future__ import annotations

import hashlib
import json
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import ClassVar, Generic, TypeVar

from pipeline.api.aggregates import Aggregate
from pipeline.api.expressions import Expr, Field
from pipeline.api.options import Options
from pipeline.api.plugins import Plugin
from pipeline.columns.batch import Batch
from pipeline.columns.types import Columns, Type

OptionsT = TypeVar("OptionsT", bound=Options)
StateT = TypeVar("StateT")


class Fold(Plugin[OptionsT], Generic[OptionsT, StateT]):
    """A filter with memory: columns and a state in, columns and the next state out. Pure, synchronous, no I/O.

    There is one state for each partition of a source, and one for all facts of windows. Its rows come to `step` in the order of
    the source, one batch at a time; where a batch ends is nothing to rely on. The engine keeps the state, and commits it in the
    transaction that commits the rows which made it: after a crash both are as they were.

    A state is a value: no method changes the one that it is given, each gives the next one, or the same where nothing
    changed. It must be bounded by the options, as it is in memory, and all of it is written in every commit that changes it. Times are microseconds; `now` is
    the wall clock of the commit, which a replay does not give again. Where the same input must give the same rows, use the
    time of the events."""

    state_version: ClassVar[int] = 1
    """Of the form that `dump` gives; to be raised when it changes."""
    joins: ClassVar[bool] = False
    """Whether the rows that do not come out have become parts of others, instead of being left out by request."""

    @abstractmethod
    def schema(self, columns: Columns) -> Columns:
        """Fields after this fold. Raise OptionError when the options do not fit the columns."""

    @abstractmethod
    def empty(self) -> StateT:
        """The state before the first row."""

    @abstractmethod
    def step(self, state: StateT, batch: Batch, now: int) -> tuple[StateT, Batch]:
        """The state after the rows of a batch, and the rows that it lets through: some of them, and rows that it held before.
        Rows keep their order; those that it cannot process leave by `batch.reject`."""

    def due(self, state: StateT) -> int | None:
        """When (wall clock) `tick` will have something to do; None for never."""
        return None

    def tick(self, state: StateT, now: int) -> tuple[StateT, Batch | None]:
        """Called after `due`, once everything that came before is in the state: rows that are held for too long."""
        return state, None

    def finish(self, state: StateT) -> tuple[StateT, Batch | None]:
        """All rows that are held: the input has ended, or the fold is to be another one. The state may be used by a later run."""
        return state, None

    def held(self, state: StateT) -> int:
        """How many of the rows that came in the state holds, to let them or what is made of them out later. A fold that
        holds rows starts anew when the columns that come to it change."""
        return 0

    @abstractmethod
    def dump(self, state: StateT) -> bytes:
        """A state as bytes, for the store."""

    @abstractmethod
    def load(self, data: bytes, version: int) -> StateT:
        """The state of `dump`, as the `state_version` of that name wrote it. Raises ValueError when it cannot be read."""

    @property
    def fingerprint(self) -> str:
        """A hash of what gives the state its meaning: another one starts anew. By default of all options that are not what they are
        by default: so a fold may get another option. A default must not change then: programs that leave the option out would go
        on with a state that meant something else."""
        told = [type(self).__name__, *_given(self.options)]
        return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode()).hexdigest()[:16]


def _given(options: Options) -> list[object]:
    fields = type(options).model_fields
    return [
        [name, _meaning(value)]
        for name, value in options
        if value != fields[name].get_default(call_default_factory=True)
    ]


def _meaning(value: object) -> object:
    """What a value means, as JSON, the same in every process. Raises TypeError for one whose meaning nobody knows."""
    match value:
        case Field():
            return [value.path, str(value.type)]
        case Expr():
            return [value.meaning or value.text, str(value.type)]
        case Plugin():
            return [value.name, *_given(value.options)]
        case Type():
            return str(value)
        case Aggregate():
            return [value.name, value.state_version]
        case str() | int() | float() | bool() | None:
            return value
        case list() | tuple():
            return [_meaning(item) for item in value]
        case Mapping():
            return [[_meaning(key), _meaning(item)] for key, item in value.items()]
        case _ if is_dataclass(value) and not isinstance(value, type):
            return [
                type(value).__name__,
                *([field.name, _meaning(getattr(value, field.name))] for field in fields(value)),
            ]
        case _:
            raise TypeError(f"nobody knows what a {type(value).__name__} means to a state: define `fingerprint`")
