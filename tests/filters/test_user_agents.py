"""The patterns that are skipped could not have matched: answers equal those of ua-parser's own resolver."""

import pytest
import ua_parser
from pipeline_plugins.filters.user_agent import Resolver, words

from pipeline.columns.traffic import agents

PLAIN = ua_parser.BasicResolver(ua_parser.load_lazy_builtins())
FAST = Resolver()


def texts(value):
    """Every text in nested tables."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from texts([*value.keys(), *value.values()])
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from texts(item)


TABLES = ("APPS", "BROWSERS", "CRAWLERS", "MONITORS", "SCANNERS", "SCRAPERS", "TOOLS")
CORPUS = sorted({text for name in TABLES for text in texts(getattr(agents, name))})
ODD = [
    "",
    "-",
    "x" * 300,
    "Mozilla/5.0",
    "\u212aonqueror/4",
    "TELECA-/1.0 ſkyfire",
    "Android; ; ; Build",
    "a\nb chrome/1.2",
]


def test_the_corpus_is_worth_something():
    """There are user agents of many kinds to compare."""
    assert len(CORPUS) >= 40


@pytest.mark.parametrize(
    "change", [str, str.lower, str.upper, lambda text: text[::-1]], ids=["as is", "lower", "upper", "reversed"]
)
def test_answers_equal_the_librarys(change):
    """For every user agent of the made-up traffic, in any case, and for odd texts."""
    for text in map(change, [*CORPUS, *ODD]):
        found = PLAIN(text, ua_parser.Domain.ALL)
        assert FAST.resolve(text) == (found.user_agent, found.os, found.device), text


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        (r"(Chrome)/(\d+)", ("chrome",)),
        (r"(?:Foo|Barbar)x?", ("foo", "barbar")),
        (r"(?:Foo|)Windows", ("windows",)),
        (r"(?:abc)?d{1,3}", ()),
        (r"[Aa]b+", ()),
        (r"ab|cd?", ()),
        (r"x(?:abc)+", ("abc",)),
        (r"^(?:ABC)*$", ()),
    ],
)
def test_words_that_a_pattern_demands(pattern, found):
    """The longest literal that is in every match, or one of several; nothing for what may be absent."""
    assert words(pattern) == found
