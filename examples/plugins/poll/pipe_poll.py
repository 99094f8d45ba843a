"""Poll an HTTP API that gives records page by page, each page with a cursor for the next."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from urllib.parse import urlencode
from urllib.request import urlopen

import polars as pl
from pipeline import api

TIMEOUT = 10.0
"""Seconds that the server may take for a page."""


class Options(api.Options):
    url: str = api.option("Where the pages are: a GET with `?cursor=…` gives `{\"records\": […], \"cursor\": \"…\"}`.")
    every: api.Duration = api.option("How long to wait after an empty page.", default=10_000_000, ge=1)


class Poll(api.Input[Options], api=1):
    """Reads records from an HTTP API, page by page. The cursor is committed with all that follows from its page, so that no
    record is missed or read twice, whatever happens in between.

    A page without records is the end for now: it is asked for again after `every`. A server that does not answer is asked
    again likewise."""

    name = "poll"
    options_model = Options
    example = """
source tickets = poll('http://localhost:8000/tickets', every: 30s)
sink kept = tickets -> file("tickets.ndjson", format: raw)
"""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        if not options.url.startswith(("http://", "https://")):
            raise api.OptionError("this is no http url", "url", "write 'https://host/path'")

    def schema(self) -> api.Columns:
        return api.Columns({})

    async def open(self, ctx: api.Context) -> None:
        self._ctx = ctx

    async def read(self, progress: Mapping[str, api.Position]) -> AsyncIterator[api.Batch]:
        """A position is the cursor of the next page and the number of its first record."""
        # Another source of the program may poll the same address.
        partition = f"{self._ctx.node}:{self.options.url}"
        position = progress.get(partition)
        while True:
            place = position if isinstance(position, dict) else {}
            cursor, number = place.get("cursor"), place.get("number", 0)
            if not isinstance(number, int):
                raise api.StateError(f"{position} is no position of poll", "Delete the state to start anew.")
            try:
                page = await self._ctx.run(fetch, self.options.url, cursor)
            except (OSError, ValueError) as error:
                self._ctx.log.warning("the page cannot be read", url=self.options.url, error=str(error))
                page = {"records": [], "cursor": cursor}
            records = [json.dumps(record, separators=(",", ":")).encode() for record in page["records"]]
            if records:
                after: api.Position = {"cursor": page["cursor"], "number": number + len(records)}
                offsets = pl.Series(range(number, number + len(records)), dtype=pl.Int64)
                yield api.lines(records, offsets, partition=partition, start=position, end=after, path=self.options.url)
                position = after
            elif self._ctx.once:
                return
            else:
                await self._ctx.clock.sleep(self.options.every / 1_000_000)


def fetch(url: str, cursor: object) -> dict[str, list[object]]:
    """A page. Blocks; raises OSError, and ValueError for what is no page."""
    query = "" if cursor is None else "?" + urlencode({"cursor": str(cursor)})
    with urlopen(url + query, timeout=TIMEOUT) as answer:  # noqa: S310 — the constructor has seen the scheme
        page = json.load(answer)
    if not isinstance(page, dict) or not isinstance(page.get("records"), list) or "cursor" not in page:
        raise ValueError("the answer has no `records` or no `cursor`")
    return page
