"""What an HTTP server's answer means to who sent events: taken, later, or what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

from pipeline import api

SHOWN = 300
"""Characters of a server's own words in a message."""

LONGEST = 300.0
"""Seconds that a server may ask to be left alone; after that it is tried."""

SOON = 1.0
"""Seconds where it says nothing."""

FRONT = ("SSL certificate", "plain HTTP request was sent to HTTPS port")
"""What nginx says with 400 before it looks at what is in a request."""


@dataclass(frozen=True)
class Reply:
    """An answer. `phrase` is the server's for the status, `text` the body; neither has our secrets."""

    status: int
    phrase: str
    headers: Mapping[str, str]
    text: str

    @property
    def taken(self) -> bool:
        return 200 <= self.status < 300

    @property
    def refused(self) -> bool:
        """Whether what was in the request is at fault, and would be the next time."""
        return self.status in (400, 422) and not any(told in self.text for told in FRONT)

    @property
    def told(self) -> str:
        """Its own words, on a line."""
        words = " ".join(self.text.split())
        return words if len(words) <= SHOWN else f"{words[:SHOWN]}…"

    def header(self, name: str) -> str:
        """A header whatever its case; empty where there is none."""
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), "")


def after(reply: Reply, now: int) -> float:
    """Seconds until the server wants to be asked again; `now` in microseconds since 1970."""
    told = reply.header("Retry-After").strip()
    if told.isascii() and told.isdigit():
        return min(float(told[:9]), LONGEST)
    try:
        when = parsedate_to_datetime(told)
    except ValueError:
        return SOON
    # RFC 5322 allows a date without a zone (`-0000`): it is UTC, as all of HTTP.
    seconds = (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() - now / 1e6
    return min(max(seconds, 0.0), LONGEST)


def again(reply: Reply, url: str, now: int, advice: str = "") -> api.Result:
    """The events were not taken, and are to be sent again. The reason says what somebody may have to do: `advice`, or what the
    status alone says."""
    words = f"{reply.status} {reply.phrase}".strip()
    told = f": {reply.told}" if reply.told else ""
    return api.Result(
        accepted=False, after=after(reply, now), reason=f"{url} answered {words} ({advice or _advice(reply)}){told}"
    )


def _advice(reply: Reply) -> str:
    match reply.status:
        case 401:
            return "check the credentials"
        case 403:
            return "check the credentials, and what they may do"
        case 404 | 405 | 410:
            return "check the url: nothing takes events there"
        case 407:
            return "the proxy wants credentials"
        case 408 | 425 | 429 | 503:
            return "it is busy, and asked again later"
        case 400 | 422:
            return "check certificates and the url"
        case 415:
            return "check format and compression"
        case status if 300 <= status < 400:
            return f"not followed: write the url that it redirects to, {_bare(reply.header('Location'))}"
        case status if status >= 500:
            return "the server failed"
        case _:
            return "check the options"


def _bare(location: str) -> str:
    """Without what may be a secret."""
    return location.partition("?")[0][:SHOWN] or "which it does not say"
