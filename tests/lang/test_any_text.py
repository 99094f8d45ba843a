"""No text, however wrong, makes the reader raise or stay silent."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.lang import CODES, Diagnostic, Source, parse_expression, parse_program, parse_query, render
from pipeline.lang.lexer import MOST_ERRORS, lex

NGINX = (Path(__file__).parent / "nginx.pipe").read_text(encoding="utf-8")
TOKENS = lex(Source("nginx.pipe", NGINX)).tokens


def sound(diagnostics: tuple[Diagnostic, ...], source: Source) -> None:
    """Each diagnostic is documented, points into its text and can be shown."""
    assert len(diagnostics) <= MOST_ERRORS + 1
    for diagnostic in diagnostics:
        assert diagnostic.code in CODES
        assert 0 <= diagnostic.span.start <= diagnostic.span.end <= len(source.text)
        assert render(diagnostic).startswith(f"{source.name}:{diagnostic.span.line}:{diagnostic.span.column}: error P0")


def read(text: str) -> None:
    source = Source("a.pipe", text)
    parsed = parse_program(source)
    sound(parsed.diagnostics, source)
    assert parsed.tree is not None
    whole = len(parsed.tree.statements) == len(lex(source).starts)
    assert whole or parsed.diagnostics
    for other in (parse_query(source), parse_expression(source)):
        sound(other.diagnostics, source)
        assert (other.tree is None) <= bool(other.diagnostics)


@pytest.mark.parametrize("at", range(len(TOKENS)))
def test_without_one_token(at: int) -> None:
    """The example without any one of its tokens is still a program, or the reader says why not."""
    read(NGINX[: TOKENS[at].start] + NGINX[TOKENS[at].end :])


@pytest.mark.parametrize("at", range(0, len(NGINX), 7))
def test_cut_off(at: int) -> None:
    """The example cut off anywhere is still a program, or the reader says why not."""
    read(NGINX[:at])


@settings(max_examples=150, deadline=None)
@given(st.text())
def test_random_text(text: str) -> None:
    """Random characters do no harm."""
    read(text)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                *sorted({token.text for token in TOKENS}),
                "'",
                '"',
                "`",
                "//",
                "!",
                "=>",
                "“",
                "\n",
                "#",
                "{",
                "(",
                "test",
                "if",
                "not",
                "by",
                ";",
                "1x",
            ]
        )
    )
)
def test_random_words(words: list[str]) -> None:
    """Random words of the language do no harm."""
    read(" ".join(words))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("let a = " + "(" * 100_000, "P012"),
        ("let a = " + "(" * 100_000 + "1" + ")" * 100_000, "P012"),
        ("let a = " + "not " * 100_000 + "x", "P013"),
        ("let a = [" + "1, " * 60_000 + "= 3", "P013"),
        ("'" * 999_999, "P002"),
        ("\0" * 1_000_000, "P001"),
        (")" * 1_000_000, "P011"),
        ("let a = \n" * 100_000, "P031"),
        ('let a = "' + "{x" * 400_000 + '"', "P005"),
        ("let a = " + "1" * 1_000_000, "P004"),
    ],
    ids=range(10),
)
def test_large_wrong_texts(text: str, code: str) -> None:
    """A megabyte of nonsense ends in a diagnostic, not in a recursion."""
    diagnostics = parse_program(Source("a.pipe", text)).diagnostics
    assert diagnostics[0].code == code
