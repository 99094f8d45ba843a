"""One request and its answer, as the access log tells it, without the time and the client."""

from typing import NamedTuple


class Request(NamedTuple):
    """A logged request.

    `target` is the path and query as sent. A broken request, which nginx could not parse, has an empty `method` and
    `protocol`, and `target` is its whole first line; each character of it stands for one byte (Latin-1).
    `size` is the number of body bytes sent. `referer` is "-" when there was none.
    """

    method: str
    target: str
    protocol: str
    status: int
    size: int
    referer: str


# What is sent with an answer that has no body of its own: nothing, or nginx's own page, in bytes.
PAGE_SIZE = {204: 0, 304: 0, 301: 162, 302: 138, 400: 150, 401: 172, 403: 146, 404: 146, 410: 142, 429: 162, 499: 0}
PAGE_SIZE |= {500: 170, 502: 150, 503: 190, 504: 160}
