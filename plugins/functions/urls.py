"""URLs: parts, parameters, percent-encoding, and pages without identifiers."""

from __future__ import annotations

import polars as pl

from pipeline import api
from pipeline.api import urls

_URL = api.Parameter("x", "The URL, or a request target such as `/a?b=1`.", ("string",))
_TEXT = api.Parameter("x", "The text.", ("string",))


def _decode(x: pl.Expr, plus: bool) -> pl.Expr:
    return urls.decode(x, plus=plus)


url_scheme = api.Function(
    name="url_scheme",
    doc="The scheme of a URL in lower case; null where there is none.",
    parameters=(_URL,),
    returns=api.STRING,
    build=urls.scheme,
    examples=(api.Example("url_scheme('HTTPS://example.com/')", "https"), api.Example("url_scheme('/a')", None)),
)

url_host = api.Function(
    name="url_host",
    doc="The host of a URL in lower case, IPv6 addresses without brackets; null where there is none.",
    parameters=(_URL,),
    returns=api.STRING,
    build=urls.host,
    examples=(
        api.Example("url_host('https://jo@Example.com:8443/a')", "example.com"),
        api.Example("url_host('http://[::1]:80/')", "::1"),
        api.Example("url_host('http://jo:p@ss@example.com/x@y')", "example.com"),
        api.Example("url_host('/a')", None),
    ),
)

url_port = api.Function(
    name="url_port",
    doc="The port that a URL names; null where it names none.",
    parameters=(_URL,),
    returns=api.INT,
    build=urls.port,
    examples=(api.Example("url_port('https://a:8443/')", 8443), api.Example("url_port('https://a/')", None)),
)

url_path = api.Function(
    name="url_path",
    doc="The path of a URL as it is written; empty where there is none.",
    parameters=(_URL,),
    returns=api.STRING,
    build=urls.path,
    examples=(
        api.Example("url_path('https://a/b%20c/d?e#f')", "/b%20c/d"),
        api.Example("url_path('/a?b')", "/a"),
        api.Example("url_path('https://a')", ""),
    ),
)

url_query = api.Function(
    name="url_query",
    doc="The query of a URL as it is written, without `?`; null where there is no `?`.",
    parameters=(_URL,),
    returns=api.STRING,
    build=urls.query,
    examples=(api.Example("url_query('/a?b=1&c=2#d')", "b=1&c=2"), api.Example("url_query('/a')", None)),
)

url_fragment = api.Function(
    name="url_fragment",
    doc="The fragment of a URL as it is written, without `#`; null where there is no `#`.",
    parameters=(_URL,),
    returns=api.STRING,
    build=urls.fragment,
    examples=(api.Example("url_fragment('/a?b#top')", "top"), api.Example("url_fragment('/a')", None)),
)

query_param = api.Function(
    name="query_param",
    doc="The first value of a parameter in the query of a URL, or in a query string; decoded, with `+` as a space. Empty for a name without "
    "a value, null where it does not occur.",
    parameters=(_URL, api.Parameter("name", "The parameter's name.", ("string",), constant=True)),
    returns=api.STRING,
    build=urls.parameter,
    examples=(
        api.Example("query_param('/search?q=red+shoes%21&page=2', 'q')", "red shoes!"),
        api.Example("query_param('a=1&b', 'b')", ""),
        api.Example("query_param('/search?q=x', 'page')", None),
    ),
    by_value=True,
)

path_segment = api.Function(
    name="path_segment",
    doc="A segment of the path of a URL, as it is written: 0 is the first, -1 the last; null where there is none.",
    parameters=(_URL, api.Parameter("n", "Which one.", ("int",), constant=True)),
    returns=api.STRING,
    build=urls.segment,
    examples=(
        api.Example("path_segment('/shop/items/42?x', 1)", "items"),
        api.Example("path_segment('/shop/items/42?x', -1)", "42"),
        api.Example("path_segment('/shop', 5)", None),
    ),
)

url_decode = api.Function(
    name="url_decode",
    doc="The text with percent-encoding resolved. Invalid UTF-8 becomes U+FFFD, an invalid escape stays. `plus: true` reads `+` as a space, "
    "as in queries.",
    parameters=(
        _TEXT,
        api.Parameter("plus", "Whether `+` is a space.", ("bool",), constant=True, default=False, required=False),
    ),
    returns=api.STRING,
    build=_decode,
    examples=(
        api.Example("url_decode('caf%C3%A9+100%')", "café+100%"),
        api.Example("url_decode('a+b', plus: true)", "a b"),
    ),
    by_value=True,
)

url_encode = api.Function(
    name="url_encode",
    doc="The text percent-encoded for use as one part of a URL: all but letters, digits and `-._~`.",
    parameters=(_TEXT,),
    returns=api.STRING,
    build=urls.encode,
    examples=(api.Example("url_encode('a b/é')", "a%20b%2F%C3%A9"),),
    by_value=True,
)

normalize_path = api.Function(
    name="normalize_path",
    doc="""The page that a request asks for, without what differs from request to request, so that pages can be counted.

In this order: percent-encoding is resolved; scheme and host are dropped; it is cut at the first `?` or `#`; empty segments are
dropped; of the rest the first three stay. A segment that is a UUID becomes `:uuid`; one of digits only, or of 16 and more hex
digits, `:id`; a file extension behind these stays. A segment of more than 32 characters becomes `:long`. `/` stays `/`.""",
    parameters=(api.Parameter("path", "The path, request target or URL.", ("string",)),),
    returns=api.STRING,
    build=urls.page,
    examples=(
        api.Example("normalize_path('/image/64456/productModel/200x200')", "/image/:id/productModel"),
        api.Example("normalize_path('/user/550e8400-e29b-41d4-a716-446655440000?tab=1')", "/user/:uuid"),
        api.Example("normalize_path('/img/1024.png')", "/img/:id.png"),
        api.Example("normalize_path('/a%20b//c/#top')", "/a b/c"),
        api.Example("normalize_path('https://example.com')", "/"),
        api.Example("normalize_path('/')", "/"),
    ),
)
