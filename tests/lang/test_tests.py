"""`test` statements: what they are read as, where their words are keywords, and how they are laid out."""

from __future__ import annotations

import pytest

from pipeline.lang import Source, ast, format_program, parse_program

ALL = """\
test "everything" {
  given log: ['a'] at 10:00:00
  given log from 'a.log' at '2026-01-01T11:00:00Z'
  advance agg * 2  # beside
  advance to 12:30

  # above
  restart
  crash
  fail out for 30s
  expect facts { metric == "gone" and value == 1 }
  expect facts all { value > 0 }
  expect facts has 3
  expect facts has n { value == 2 }
  expect parsed.rejected is empty
  expect facts == [{metric: 'gone', by: {path: '/'}}, 'raw']
}
"""


def steps(text: str) -> tuple[ast.Given | ast.Advance | ast.Restart | ast.Fail | ast.Expect, ...]:
    parsed = parse_program(Source("a.pipe", text))
    assert parsed.diagnostics == ()
    assert parsed.tree is not None
    (statement,) = parsed.tree.statements
    assert isinstance(statement, ast.TestStatement)
    return statement.steps


def test_every_step_is_read() -> None:
    """Steps in order, each as what it says."""
    found = steps(ALL)
    assert [type(step).__name__ for step in found] == [
        *("Given", "Given", "Advance", "Advance", "Restart", "Restart", "Fail"),
        *("Expect", "Expect", "Expect", "Expect", "Expect", "Expect"),
    ]
    given, file, *_ = found
    assert isinstance(given, ast.Given)
    assert isinstance(file, ast.Given)
    assert (given.at and given.at.text, file.file and file.file.value) == ("10:00:00", "a.log")
    assert [step.clean for step in found if isinstance(step, ast.Restart)] == [True, False]
    expects = [step for step in found if isinstance(step, ast.Expect)]
    assert [step.how for step in expects] == ["some", "all", "has", "has", "empty", "equals"]
    assert [step.ref.dotted for step in expects][-2:] == ["parsed.rejected", "facts"]


@pytest.mark.parametrize(
    "word",
    ["given", "advance", "restart", "crash", "fail", "expect", "at", "from", "to", "for", "all", "has", "is", "empty"],
)
def test_its_words_are_names_elsewhere(word: str) -> None:
    """Every word of a test may be the name of a source, a port, a sink, a constant and a field."""
    found = steps(
        f"test 'x' {{ given {word}: ['l'] given {word} from 'f' given {word}: {word} at 10:00 advance {word} + 1s "
        f"fail {word} for 3s expect {word}.{word} {{ {word} == 1 }} expect {word} all {{ {word} == {word} }} "
        f"expect {word} has {word} expect {word} is empty expect {word} == [{{{word}: {word}}}] restart }}"
    )
    assert len(found) == 11
    assert not parse_program(
        Source("a.pipe", f"let {word} = 1\nsource a = file('x')\nsink {word} = a -> null()")
    ).diagnostics


def test_the_layout_is_kept() -> None:
    """The canonical layout has a step a line; comments and empty lines between steps stay."""
    assert format_program(Source("a.pipe", ALL)) == ALL


def test_everything_on_one_line_is_laid_out() -> None:
    """White space alone changes: a list that is too long breaks, with a comma at its end."""
    line = "'" + "x" * 50 + "'"
    text = f"let a = 1 test 'x' {{ given log: [{line}, {line}, {line}] at 10:00 expect log {{ {line} == @raw or {line} == @raw or true }} restart }}"
    assert format_program(Source("a.pipe", text)) == (
        "let a = 1\n\n"
        "test 'x' {\n"
        f"  given log: [\n    {line},\n    {line},\n    {line},\n  ] at 10:00\n"
        f"  expect log {{\n    {line} == @raw\n        or {line} == @raw\n        or true\n  }}\n"
        "  restart\n"
        "}\n"
    )


def test_a_test_that_is_broken_hides_nothing() -> None:
    """Statements after a test that cannot be read are read."""
    parsed = parse_program(Source("a.pipe", "test 'x' { expect }\nlet a = 1\ntest 'y' { restart }"))
    assert [diagnostic.code for diagnostic in parsed.diagnostics] == ["P031"]
    assert parsed.tree is not None
    assert [type(statement).__name__ for statement in parsed.tree.statements] == ["LetStatement", "TestStatement"]
