"""Ask an HTTP server who a host belongs to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

import polars as pl
from pipeline import api


class Options(api.ResolverOptions):
    field: api.Field = api.option("The host.")
    url: str = api.option("Where to ask: the host is added to it.")
    into: api.NewName = api.option("The field for the owner.", default="owner")


class Owner(api.Resolver[Options], api=1):
    """Asks a server for `URL/HOST` and adds the member `owner` of the JSON that it answers. A host that it does not know (404) has
    none; any other answer is a failure, which is tried again after `retry`."""

    name = "owner"
    options_model = Options
    example = """
source access = generate(count: 100)
transform owned = access
  | grok('%{NGINX_COMBINED}')
  | owner(remote_addr, 'http://localhost:8080/hosts', timeout: 200ms)
sink out = owned | keep(remote_addr, owner) -> console()
"""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._at = urlsplit(options.url)
        if self._at.scheme not in ("http", "https") or not self._at.hostname:
            raise api.OptionError("this is no http url", "url", "write 'https://host/path'")

    def schema(self, columns: api.Columns) -> api.Columns:
        if self.options.field.type != api.STRING:
            raise api.OptionError(f"this is of type {self.options.field.type}, not a text", "field")
        return super().schema(columns)

    def keys(self, frame: pl.DataFrame) -> pl.Series:
        return self.options.field.values(frame)

    def adds(self) -> Mapping[str, api.Type]:
        return {self.options.into: api.STRING}

    async def fetch(self, keys: pl.Series) -> pl.DataFrame:
        owners = [await self._owner(key) for key in keys]
        return pl.DataFrame([keys, pl.Series(self.options.into, owners, dtype=pl.String)])

    async def _owner(self, host: str) -> str | None:
        """One question, one connection. The engine says how many are open at once, and cancels what takes too long."""
        secure = self._at.scheme == "https"
        reader, writer = await asyncio.open_connection(
            self._at.hostname, self._at.port or (443 if secure else 80), ssl=secure
        )
        try:
            target = f"{self._at.path.rstrip('/')}/{quote(host, safe='')}"
            writer.write(f"GET {target} HTTP/1.0\r\nHost: {self._at.netloc}\r\n\r\n".encode())
            await writer.drain()
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        finally:
            writer.close()
        status = int(head.split(b" ", 2)[1])
        if status == 404:
            return None
        if status != 200:
            raise OSError(f"the server answered {status}")
        return str(json.loads(body)["owner"])
