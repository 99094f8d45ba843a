"""Windows that events make themselves: they have no start that a time gives."""

from __future__ import annotations

from abc import abstractmethod
from typing import TypeVar

from pipeline.api.options import Options
from pipeline.api.plugins import Window
from pipeline.columns.windows.merges import Delta
from pipeline.columns.windows.turns import Turn

OptionsT = TypeVar("OptionsT", bound=Options)


class Sessions(Window[OptionsT]):
    """A mergeable fold over event time into sessions of many keys, which have one state together: that of the window 0.

    The engine keeps the state, and asks for a turn when the watermark has come to what is `due`. What a turn gives is
    committed with it. Watermarks and times are microseconds."""

    @property
    def size(self) -> int:
        return 0

    @abstractmethod
    def due(self, delta: Delta) -> int | None:
        """The lowest watermark that may give a turn something to do, as far as this delta goes. None for never."""

    @abstractmethod
    def turn(self, state: Delta, mark: int | None, before: int | None, number: int, *, final: bool) -> Turn:
        """What is sent of a state, and the state afterwards. `mark`: the watermark; `before`: that of the commit before;
        `number`: which sending this is, from 1. `final`: send what is open, too. Pure."""
