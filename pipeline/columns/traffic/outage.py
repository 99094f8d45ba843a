"""Answers of a site whose application servers fail: what an outage makes of a request that would have gone well."""

from pipeline.columns.traffic.mix import Draws
from pipeline.columns.traffic.request import PAGE_SIZE, Request

SHARE_ALWAYS = 0.006
SHARE_IN_OUTAGE = 0.3

_FAILURES = (500, 502, 502, 503, 503, 503, 504)
# Served by nginx itself: they do not need the application.
_STATIC = ("/static/", "/images/", "/media/", "/favicon", "/robots.txt", "/sitemap.xml")


def perhaps_failed(request: Request, share: float, draws: Draws) -> Request:
    """The request as it is or, with the probability `share`, answered 5xx if it needed the application."""
    if request.status >= 400 or request.target.startswith(_STATIC) or not draws.chance(share):
        return request
    status = draws.pick(_FAILURES)
    return request._replace(status=status, size=PAGE_SIZE[status])
