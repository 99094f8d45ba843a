"""Lines grouped into kinds: what is masked, what belongs together, and what is bounded."""

import itertools

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.columns.grok.drain import GROUP
from pipeline.columns.grok.kinds import FIRST, KEPT, Example, Kind, Kinds
from pipeline.columns.grok.masks import LOOKED, masked

MASKED = [
    ('1.2.3.4 - joe [10/Oct/2000:13:55:36 -0700] "GET /a\\"b HTTP/1.0" 200 5', '<ip> - joe [<time>] "<*>" <num> <num>'),
    ("Oct  1 22:14:15 web-1 sshd[42]: from fe80::1 port 7", "<time> web-<num> sshd[<num>]: from <ip> port <num>"),
    ("2024-02-03T04:05:06.789+01:00 [main] INFO", "<time> [main] INFO"),
    ("[Mon Sep 09 12:34:56.1 2024] [core:error]", "[<time>] [core:error]"),
    ("2024/02/03 04:05:06 [error] 31#32: *7 open()", "<time> [error] <num>#<num>: *<num> open()"),
    ("id=6ba7b810-9dad-11d1-80b4-00c04fd430c8 mac=00:1a:2b:3c:4d:5e", "id=<uuid> mac=<mac>"),
    ("GET https://e.org/a?b=1 /srv/www/x.html x=/tmp/y", "GET <url> <path> x=<path>"),
    ("2001:db8:0:0:0:0:2:1 ::ffff:1.2.3.4 12:30", "<ip> <ip> <num>:<num>"),
    ("sha=9f86d081884c7d65 0x1F user42 -1.5 v1.2.3", "sha=<hex> <hex> <id> -<num> <id>.<num>"),
    ("don't say 'it is' or ='x'", "don't say '<*>' or ='<*>'"),
    ('{"level": "info", "n": 12, "a b": "c"}', '{"level": "<*>", "n": <num>, "a b": "<*>"}'),
    ("GET \x16\x03\x01 \x1b[31m ok", "GET <bytes> ok"),
    ("a\ufffdb", "<bytes>"),
    ("", ""),
    ("x" * (LOOKED + 1), "x" * LOOKED + " …"),
]


@pytest.mark.parametrize(("line", "expected"), MASKED, ids=[line[:30] for line, _ in MASKED])
def test_what_varies_is_masked(line: str, expected: str) -> None:
    """Times, addresses, numbers and the like become masks; words stay."""
    assert masked(pl.Series("text", [line])).to_list() == [expected]


def grouped(lines: list[str], cuts: list[int] | None = None, **bounds: int) -> Kinds:
    """The kinds of lines, added in the pieces that `cuts` makes."""
    kinds = Kinds(**bounds)
    edges = [0, *sorted(cuts or []), len(lines)]
    for start, end in itertools.pairwise(edges):
        numbers = pl.int_range(start + 1, end + 1, eager=True)
        kinds.add(pl.Series("text", lines[start:end], pl.String), numbers, numbers * 100)
    return kinds


def test_lines_that_differ_in_words_are_one_kind() -> None:
    """Where at least half of the tokens are the same the others become `<*>`; the first line comes with its number and offset."""
    lines = ["user joe logged in", "disk full", "user ann logged in", "user joe logged in"]
    assert grouped(lines).found() == [
        Kind(
            "user <*> logged in",
            3,
            (Example(1, 100, lines[0]), Example(3, 300, lines[2]), Example(4, 400, lines[3])),
        ),
        Kind("disk full", 1, (Example(2, 200, "disk full"),)),
    ]


def test_examples_are_the_first_and_then_ever_fewer() -> None:
    """The first eight lines of a kind, then the 16th, 32nd, …, each cut to what is kept."""
    (kind,) = grouped([f"{n} " + "x" * KEPT for n in range(1, 101)], cuts=[5, 17, 64]).found()
    assert [example.line for example in kind.examples] == [*range(1, FIRST + 1), 16, 32, 64]
    assert {len(example.text) for example in kind.examples} == {KEPT}


def test_a_group_that_grows_too_large_takes_all_in_one_kind() -> None:
    """Lines of as many tokens that have nothing in common are told apart up to a bound, then counted together."""
    words = [f"{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(GROUP + 10)]
    found = grouped(words).found()
    assert (found[0].template, found[0].lines, len(found)) == ("<*>", 10, GROUP + 1)


def test_texts_beyond_the_bound_are_other() -> None:
    """A text that is not known when the table of texts is full is counted as other; known ones still belong to their kind."""
    kinds = grouped(["a b", "c d e", "f", "a b"], texts=2)
    assert [(kind.template, kind.lines) for kind in kinds.found()] == [("a b", 2), ("c d e", 1)]
    assert kinds.other == 1


WORDS = st.sampled_from(["a", "b", "c", "error", "12", "1.2.3.4", '"x y"', "\x00", "/p", ""])
LINES = st.lists(st.lists(WORDS, max_size=5).map(" ".join), max_size=60)
CUTS = st.lists(st.integers(0, 60), max_size=5)


@settings(max_examples=150, deadline=None)
@given(lines=LINES, cuts=CUTS, kinds=st.integers(1, 12), texts=st.integers(0, 20))
def test_cuts_do_not_matter_and_counts_add_up(lines: list[str], cuts: list[int], kinds: int, texts: int) -> None:
    """However lines are cut into batches the kinds are the same, within their bounds, and every line is counted once."""
    whole = grouped(lines, kinds=kinds, texts=texts)
    parts = grouped(lines, [min(cut, len(lines)) for cut in cuts], kinds=kinds, texts=texts)
    found = whole.found()
    assert (found, whole.other) == (parts.found(), parts.other)
    assert sum(kind.lines for kind in found) + whole.other == len(lines)
    assert len(found) <= kinds
    assert all(kind.examples[0].text == lines[kind.examples[0].line - 1] for kind in found)


@settings(max_examples=150, deadline=None)
@given(lines=LINES)
def test_a_template_is_what_its_lines_have_in_common(lines: list[str]) -> None:
    """Each token of a template is that of all examples, or `<*>`."""
    for kind in grouped(lines).found():
        shown = masked(pl.Series("text", [example.text for example in kind.examples], pl.String)).to_list()
        for text in shown:
            tokens = kind.template.split(" ") if kind.template else []
            assert len(tokens) == len(text.split())
            assert all(a in (b, "<*>") for a, b in zip(tokens, text.split(), strict=True))


@settings(max_examples=200, deadline=None)
@given(line=st.text(max_size=80))
def test_any_text_can_be_masked(line: str) -> None:
    """A line is masked by itself: what stands around it in the column does not matter."""
    alone = masked(pl.Series("text", [line])).to_list()
    assert masked(pl.Series("text", ["{", line, ""])).to_list()[1:2] == alone
