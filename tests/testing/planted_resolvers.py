"""Resolvers that each break the contract in one way, for `planted_breaks.PLANTED`."""

from __future__ import annotations

import asyncio
import time

import polars as pl

from pipeline import api


class Options(api.ResolverOptions):
    field: api.Field = api.option("The text.")


class Knows(api.Resolver[Options], api=1):
    """Says how long a text is, after a while."""

    name = "knows"
    options_model = Options
    example = """
source access = generate(count: 100)
transform told = access | grok('%{NGINX_COMBINED}') | knows(method)
sink out = told -> null()
"""
    at_once = 2

    def keys(self, frame):
        return self.options.field.values(frame)

    def adds(self):
        return {"size": api.INT}

    async def fetch(self, keys):
        await asyncio.sleep(0)
        return pl.DataFrame([keys, pl.Series("size", [len(key) for key in keys], dtype=pl.Int64)])


class FailsOnNulls(Knows):
    """Asks for the first text."""

    def keys(self, frame):
        return pl.Series([text.strip() for text in super().keys(frame)], dtype=pl.String)


class AsksByBatch(Knows):
    """Asks for what the first row says, for all rows."""

    def keys(self, frame):
        found = super().keys(frame)
        return pl.Series([found.drop_nulls().first()] * found.len(), dtype=pl.String)


class AnswersInShort(Knows):
    """Gives 32 bits."""

    async def fetch(self, keys):
        return (await super().fetch(keys)).cast({"size": pl.Int32})


class AnswersForAll(Knows):
    """Tells more than it was asked."""

    async def fetch(self, keys):
        return pl.concat([await super().fetch(keys), pl.DataFrame({"key": ["others"], "size": [6]})])


class AsksInALine(Knows):
    """Waits without giving others their turn."""

    async def fetch(self, keys):
        time.sleep(0.4)  # noqa: ASYNC251 — what is wrong with it
        return await super().fetch(keys)


class LeavesAQuestion(Knows):
    """Starts to ask, and does not end it."""

    async def fetch(self, keys):
        asked = asyncio.ensure_future(asyncio.sleep(1000))
        await asyncio.sleep(0.01)
        asked.cancel()
        return await super().fetch(keys)


PLANTED: dict[str, tuple[object, str]] = {
    "cannot ask where a value is missing": (FailsOnNulls, "data"),
    "asks for another key when other rows stand beside": (AsksByBatch, "keys"),
    "answers with another dtype than it promises": (AnswersInShort, "answers"),
    "answers for a key that nobody asked for": (AnswersForAll, "answers"),
    "blocks the loop while it asks": (AsksInALine, "fetch_loop"),
    "leaves a question behind when it is cancelled": (LeavesAQuestion, "fetch_cancel"),
}

SOUND = (Knows,)
"""Those that the others are made of."""
