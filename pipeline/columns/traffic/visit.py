"""What one client does from its first request to its last, written down request by request."""

from pipeline.columns.traffic import site
from pipeline.columns.traffic.mix import Draws
from pipeline.columns.traffic.request import PAGE_SIZE, Request


class Visit:
    """Collects `requests`. The page where the visitor is becomes the referer of what it asks for next.

    `protocol` is that of the whole visit; `cached` visitors get 304 for static files that they have seen before.
    """

    def __init__(self, draws: Draws, protocol: str, referer: str = "-", cached: bool = False) -> None:
        self.draws = draws
        self.requests: list[Request] = []
        self._protocol = protocol
        self._referer = referer
        self._cached = cached

    def fetch(self, target: str, median: int = 0, status: int = 200, method: str = "GET") -> None:
        """Ask for something without moving to it: the body is around `median` bytes, or nginx's own page for errors."""
        size = PAGE_SIZE[status] if status in PAGE_SIZE else self.draws.around(median)
        self._add(method, target, status, size)

    def open(self, target: str, median: int) -> None:
        """Move to a page: the next request comes from there."""
        self.fetch(target, median)
        self._referer = site.ORIGIN + target

    def post(self, target: str, then: str, median: int) -> None:
        """Send a form, be redirected, and arrive at the next page."""
        self.fetch(target, status=302, method="POST")
        self.open(then, median)

    def file(self, target: str, size: int) -> None:
        """Ask for a static file of exactly this size."""
        if self._cached and self.draws.chance(0.7):
            self._add("GET", target, 304, 0)
        else:
            self._add("GET", target, 200, size)

    def broken(self, line: str) -> None:
        """Send something that is not HTTP: nginx answers 400, or just closes when nothing came at all."""
        size = PAGE_SIZE[400] if line else 0
        self.requests.append(Request("", line, "", 400, size, "-"))

    def _add(self, method: str, target: str, status: int, size: int) -> None:
        self.requests.append(Request(method, target, self._protocol, status, size, self._referer))
