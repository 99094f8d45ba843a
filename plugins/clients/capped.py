"""Answers of AWS services in bounded size and time: one that never ends takes neither memory nor the sink."""

from __future__ import annotations

import asyncio
from typing import Any

from aiobotocore.httpsession import AIOHTTPSession
from botocore.exceptions import HTTPClientError

MOST = 16 << 20
"""Bytes of an answer that is read at once."""

LONGEST = 300.0
"""Seconds that a request and its answer may take."""


class Capped(AIOHTTPSession):  # type: ignore[misc]
    """What a client sends requests with. Raises TimeoutError and HTTPClientError as the library's own does, and for answers
    beyond the bounds."""

    async def send(self, request: Any) -> Any:  # noqa: ANN401 — the library's types
        streamed = request.stream_output
        # The library would read the whole answer itself, however long it is.
        request.stream_output = True
        try:
            async with asyncio.timeout(LONGEST):
                response = await super().send(request)
                if not streamed:
                    response._content = await _read(response.raw)  # noqa: SLF001 — where the library keeps it
        finally:
            request.stream_output = streamed
        return response


async def _read(answer: Any) -> bytes:  # noqa: ANN401 — the library's types
    parts = []
    size = 0
    async for part in answer.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > MOST:
            answer.close()
            raise HTTPClientError(error=ValueError(f"the answer has more than {MOST:,} bytes"))
    return b"".join(parts)
