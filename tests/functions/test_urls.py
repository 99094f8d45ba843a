"""URLs: parts as RFC 3986 and Python's urllib see them, and the rules of `normalize_path`."""

import string
import urllib.parse

import pytest
from calls import run
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import api

HEX = "0123456789abcdef"
UUID = "550e8400-e29b-41d4-a716-446655440000"

PLAIN = st.text(string.ascii_letters + string.digits + "-._~%é", max_size=8)
URLS = st.builds(
    lambda scheme, user, host, port, path, query, fragment: f"{scheme}://{user}{host}{port}{path}{query}{fragment}",
    st.sampled_from(["http", "https", "HTTP", "s3+x"]),
    st.sampled_from(["", "jo@", "jo:pw@", "jo:p@w@"]),
    st.sampled_from(["example.com", "EXAMPLE.com", "10.0.0.1", "[::1]", "[2001:DB8::1]"]),
    st.sampled_from(["", ":", ":80", ":65535"]),
    st.lists(PLAIN, max_size=4).map(lambda parts: "".join(f"/{part}" for part in parts)),
    st.one_of(st.just(""), PLAIN.map(lambda text: f"?{text}"), st.just("?a=/b?c")),
    st.one_of(st.just(""), PLAIN.map(lambda text: f"#{text}"), st.just("#x?y#z")),
)


@given(st.lists(URLS, min_size=1, max_size=20))
@settings(max_examples=100, deadline=None)
def test_parts(texts):
    """Scheme, host, port, path and query are those of urllib."""
    split = [urllib.parse.urlsplit(text) for text in texts]
    column = (api.STRING, texts)
    assert run("url_scheme(x)", x=column) == [parts.scheme for parts in split]
    assert run("url_host(x)", x=column) == [parts.hostname for parts in split]
    assert run("url_port(x)", x=column) == [parts.port for parts in split]
    assert run("url_path(x)", x=column) == [parts.path for parts in split]
    assert [query or "" for query in run("url_query(x)", x=column)] == [parts.query for parts in split]


@given(st.lists(st.text(st.sampled_from("%0123456789abcdefABCDEFgé+ \n"), max_size=30), max_size=20))
@settings(max_examples=200, deadline=None)
def test_decode(texts):
    """Decoding is urllib's `unquote`, and `unquote_plus` with `plus`."""
    column = (api.STRING, texts)
    assert run("url_decode(x)", x=column) == [urllib.parse.unquote(text) for text in texts]
    assert run("url_decode(x, plus: true)", x=column) == [urllib.parse.unquote_plus(text) for text in texts]


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=20), max_size=20))
@settings(max_examples=100, deadline=None)
def test_encode(texts):
    """Encoding is urllib's `quote` with nothing safe, and decoding undoes it."""
    encoded = run("url_encode(x)", x=(api.STRING, texts))
    assert encoded == [urllib.parse.quote(text, safe="") for text in texts]
    assert run("url_decode(x)", x=(api.STRING, encoded)) == texts


@pytest.mark.parametrize("name", ["a", "a b", "a[]", "é", "a.b", "a=&b", "q+"])
@given(pairs=st.lists(st.tuples(st.sampled_from(["a", "b", "a b", "a[]", "é", "a.b", "axb", "a=&b", "q+", "q"]), st.text(st.characters(codec="utf-8"), max_size=5)), max_size=4))  # fmt: skip
@settings(max_examples=50, deadline=None)
def test_query_param(name, pairs):
    """A parameter is the first that `parse_qsl` finds, whatever characters its name has and however they are written."""
    query = urllib.parse.urlencode(pairs)
    parsed = urllib.parse.parse_qsl(query, keep_blank_values=True)
    expected = next((value for key, value in parsed if key == name), None)
    assert run(f"query_param(x, '{name}')", x=(api.STRING, [f"/p?{query}#f", query])) == [expected, expected]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("a", ""),
        ("a=", ""),
        ("a&a=2", ""),
        ("%61=1", "1"),
        ("xa=1", None),
        ("ab=1", None),
        ("b=a=3", None),
        ("a=x=y", "x=y"),
    ],
)
def test_query_param_spellings(query, expected):
    """Names without a value, percent-encoded names, and names that only look alike."""
    assert run("query_param(x, 'a')", x=(api.STRING, [f"/p?{query}"])) == [expected]


@pytest.mark.parametrize(
    ("text", "page"),
    [
        (None, None),
        ("", ""),
        ("/", "/"),
        ("//", "/"),
        ("*", "*"),
        ("/?a=1", "/"),
        ("/a/b/c", "/a/b/c"),
        ("/a/b/c/d", "/a/b/c"),
        ("/a//b/", "/a/b"),
        ("//a///b/c/d", "/a/b/c"),
        ("/image/64456/productModel/200x200", "/image/:id/productModel"),
        ("/1/2/3/4", "/:id/:id/:id"),
        ("/v1.0/1.0/10x", "/v1.0/1.0/10x"),
        ("/img/123.jpg?x", "/img/:id.jpg"),
        ("/img/123.4567", "/img/123.4567"),
        (f"/u/{UUID}", "/u/:uuid"),
        (f"/u/{UUID.upper()}.json", "/u/:uuid.json"),
        (f"/u/x{UUID}", "/u/:long"),
        (f"/o/{HEX}", "/o/:id"),
        (f"/o/{HEX[:15]}", f"/o/{HEX[:15]}"),
        (f"/o/{HEX * 4}.css", "/o/:id.css"),
        ("/t/" + "x" * 32, "/t/" + "x" * 32),
        ("/t/" + "x" * 33, "/t/:long"),
        ("/t/" + "ü" * 32, "/t/" + "ü" * 32),
        ("/a%20b/%C3%A9/%ff", "/a b/é/\ufffd"),
        ("/a%2Fb%3Fc", "/a/b"),
        ("/a#b?c", "/a"),
        ("/a\nb?c\nd", "/a\nb"),
        ("http://example.com/a/1?x", "/a/:id"),
        ("http://example.com", "/"),
        ("http://example.com?x", "/"),
        ("/go/http://x/y", "/go/http:/x"),
        ("a/1", "a/:id"),
        ("/filter/p1|2,b77?x=1", "/filter/p1|2,b77"),
        ("/:id/x", "/:id/x"),
    ],
)
def test_normalize_path(text, page):
    """The rules of `normalize_path`, one by one."""
    assert run("normalize_path(x)", x=(api.STRING, [text])) == [page]


def test_normalize_path_many_rows():
    """Repeated and distinct paths get the same pages, in the order of the rows."""
    texts = [f"/shop/{number % 3}/item-{number % 7}" for number in range(100)] + [f"/x/{number}" for number in range(5)]
    pages = run("normalize_path(x)", x=(api.STRING, texts))
    assert pages == [f"/shop/:id/item-{number % 7}" for number in range(100)] + ["/x/:id"] * 5


@given(st.lists(st.text(st.sampled_from("/?#%2aF9-.:é"), max_size=20), max_size=20))
@settings(max_examples=100, deadline=None)
def test_normalize_path_is_bounded(texts):
    """A page has at most three segments, each of at most 32 characters, no query and no empty segment."""
    for page in run("normalize_path(x)", x=(api.STRING, texts)):
        segments = page.removeprefix("/").split("/")
        assert len(segments) <= 3
        assert all(len(segment) <= 32 + len(".abcde") for segment in segments)
        assert "?" not in page
        assert "#" not in page
        assert "//" not in page


def test_path_segment():
    """Segments count from the start or the end; the leading slash makes none."""
    column = (api.STRING, ["/a/b/", "/", "http://h/x", None])
    assert run("path_segment(x, 0)", x=column) == ["a", "", "x", None]
    assert run("path_segment(x, -1)", x=column) == ["", "", "x", None]
    assert run("path_segment(x, 1)", x=column) == ["b", None, None, None]


@pytest.mark.parametrize("text", ["http://a:b:c/", "http://[::1/", "http://h:99999/", "//", "http://", "x:y"])
def test_broken_urls(text):
    """What is no host or port is null, and nothing raises."""
    column = (api.STRING, [text])
    assert run("url_port(x)", x=column) == [None]
    assert run("url_host(x)", x=column) in ([None], ["h"])
