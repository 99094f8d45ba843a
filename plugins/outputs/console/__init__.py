"""The terminal."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Literal, TextIO, cast

import polars as pl

from pipeline import api
from pipeline.api import formats

from .board import Board, table
from .screen import Screen

if TYPE_CHECKING:
    from rich.live import Live


class Options(api.Options):
    format: Literal["auto", "table", "json"] = api.option(
        "`table`: a live table of the last window's facts. `json`: one object a line. `auto`: a table of facts on a "
        "terminal, lines otherwise.",
        default="auto",
    )


class Console(api.Output[Options]):
    """Shows events on standard output.

    Facts of a window are a table on a terminal, drawn anew with each window: five rows of each metric, the highest first.
    Everything else, and everything that is not on a terminal, is one JSON object a line, as `file` writes it.

    Where nobody reads on, this sink waits and nothing else does. Lines of an interrupted run may be shown again after a
    restart."""

    name = "console"
    options_model = Options
    example = """
source access = generate(count: 100)
transform facts = access
  | grok('%{NGINX_COMBINED}')
  | window(10s) { requests = count() by status }
sink out = facts -> console()
"""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._columns = api.Columns({})
        self._board = Board()
        self._live: Live | None = None
        self._screen: Screen | None = None

    def schema(self, columns: api.Columns) -> None:
        self._columns = columns

    def guarantee(self) -> tuple[api.Guarantee, str]:
        return "at least once", "what was shown just before a crash may be shown again"

    @property
    def layout(self) -> api.Layout:
        return api.Layout(roll=api.Roll(age=0), extension=".ndjson")

    def encode(self, frame: pl.DataFrame) -> bytes:
        return formats.ndjson(frame, self._columns)

    async def open(self, ctx: api.Context) -> None:
        """Raises ConfigurationError when the process has no standard output."""
        self._ctx = ctx
        try:
            screen = self._screen = Screen(sys.stdout.fileno())
        except (AttributeError, OSError, ValueError) as error:
            raise api.ConfigurationError(
                "there is no standard output", "Start pipe with one, or send the events to a file."
            ) from error
        facts = {"metric", "window_start"} <= set(self._columns.fields)
        wanted = self.options.format == "table" or (self.options.format == "auto" and screen.isatty())
        if facts and wanted:
            from rich.console import Console as Terminal
            from rich.live import Live

            self._live = Live(console=Terminal(file=cast("TextIO", screen)), auto_refresh=False)

    async def close(self) -> None:
        if self._live is not None:
            self._live.stop()
        if self._screen is not None:
            self._screen.close()

    async def deliver(self, segment: api.Segment) -> api.Result:
        screen = self._screen
        if screen is None:
            raise ValueError("deliver before open")
        await self._ctx.run(self._show, segment, screen)
        while not await self._ctx.run(screen.push):
            await screen.room()
        return api.Result()

    def _show(self, segment: api.Segment, screen: Screen) -> None:
        data = segment.read(self._ctx.files)
        if self._live is None:
            screen.add(data)
        elif self._board.add([json.loads(line) for line in data.splitlines()]):
            self._live.start()
            height = self._live.console.size.height
            self._live.update(table(self._board.facts, height), refresh=True)
