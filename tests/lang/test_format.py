"""The canonical layout: what moves, and what never changes."""

from pathlib import Path

import pytest
from hypothesis import given, settings

from pipeline.errors import ProgramError
from pipeline.lang import Source, format_program, parse_program

from .programs import programs

NGINX = (Path(__file__).parent / "nginx.pipe").read_text(encoding="utf-8")


def formatted(text: str) -> str:
    return format_program(Source("a.pipe", text))


def comments(text: str) -> list[str]:
    """Comments of a program whose texts and names hold no `#` but in `# no`, `# ''q''` and `x#`."""
    bare = text.replace("'# no'", "").replace("# ''q''", "").replace("x#", "")
    return sorted("#" + line.split("#", 1)[1].rstrip() for line in bare.split("\n") if "#" in line)


@settings(max_examples=60, deadline=None)
@given(programs())
def test_keeps_the_meaning_and_settles_at_once(text: str) -> None:
    """The tree and every comment are kept, and formatting again changes nothing."""
    parsed = parse_program(Source("a.pipe", text))
    assert parsed.diagnostics == ()
    once = formatted(text)
    assert parse_program(Source("a.pipe", once)).tree == parsed.tree
    assert comments(once) == comments(text)
    assert formatted(once) == once


def test_leaves_the_example_as_it_is() -> None:
    """The example of the language's description is in canonical layout."""
    assert formatted(NGINX) == NGINX


def test_lays_out_a_program_on_one_line() -> None:
    """Stages and entries go on lines of their own, aligned on `=` and `where`."""
    text = (
        "let a=1 let long_name   =2 source s=file( 'x',from :end , ) transform t=s|set{x=1,yy=- 2}|window(10s)by k"
        "{n=count() m=sum(x)where x>1 top=top(10,page)by host where y in 1 .. 5} sink o=[t,t.rejected]|where(a)->null()"
    )
    assert formatted(text) == (
        "let a         = 1\n"
        "let long_name = 2\n"
        "\n"
        "source s = file('x', from: end)\n"
        "\n"
        "transform t = s\n"
        "  | set { x  = 1\n"
        "          yy = -2 }\n"
        "  | window(10s) by k {\n"
        "      n   = count()\n"
        "      m   = sum(x)                 where x > 1\n"
        "      top = top(10, page) by host  where y in 1..5\n"
        "    }\n"
        "\n"
        "sink o = [t, t.rejected] | where(a) -> null()\n"
    )


def test_keeps_comments_near_what_they_speak_of() -> None:
    """Comments stay above or beside their statement, stage, entry or element; empty lines stay single."""
    text = (
        "# head\n\n\n# of a\nlet a = 1   # beside a\nlet b = 2\n\nlet c = [ # first\n1, # one\n2 # two\n# last\n]\n"
        "transform t = s # up\n# before json\n| json() # after json\n| set { # why\n x = 1 # ex\n\n # about y\n y = 2 }\n# end"
    )
    assert formatted(text) == (
        "# head\n"
        "\n"
        "# of a\n"
        "let a = 1  # beside a\n"
        "let b = 2\n"
        "\n"
        "let c = [\n"
        "  # first\n"
        "  1,  # one\n"
        "  2,  # two\n"
        "  # last\n"
        "]\n"
        "\n"
        "transform t = s  # up\n"
        "  # before json\n"
        "  | json()  # after json\n"
        "  | set {\n"
        "      # why\n"
        "      x = 1  # ex\n"
        "\n"
        "      # about y\n"
        "      y = 2\n"
        "    }\n"
        "# end\n"
    )


def test_breaks_long_lines() -> None:
    """Expressions break before their loosest operator, calls and lists into one element a line, at 120 columns."""
    condition = " and ".join(f"some_long_field_name_{n} == {n}" for n in range(5))
    names = ", ".join(f"'some long text number {n}'" for n in range(6))
    assert formatted(f"transform a = b | where({condition})\nlet c = [{names}]") == (
        "transform a = b\n"
        "  | where(\n"
        "      some_long_field_name_0 == 0\n"
        "          and some_long_field_name_1 == 1\n"
        "          and some_long_field_name_2 == 2\n"
        "          and some_long_field_name_3 == 3\n"
        "          and some_long_field_name_4 == 4,\n"
        "    )\n"
        "\n"
        "let c = [\n" + "".join(f"  'some long text number {n}',\n" for n in range(6)) + "]\n"
    )


def test_refuses_a_program_with_errors() -> None:
    """A program with syntax errors is left alone, and the error carries the diagnostics."""
    with pytest.raises(ProgramError, match=r"a\.pipe has 1 syntax error and is left as it is") as error:
        formatted("let a =")
    assert len(error.value.diagnostics) == 1


def test_keeps_an_empty_program_empty() -> None:
    """Nothing comes of nothing."""
    assert formatted(" \n\n") == ""
    assert formatted("# only this") == "# only this\n"


def test_a_map_in_a_test_is_laid_out_as_a_map() -> None:
    """What stands in the braces of a given map is no condition, with no entry or with several."""
    text = "test 'x' { given a: { } given a: { k : 1 , 'l' : 2 } expect a all { k==1 } }"
    assert formatted(text) == ("test 'x' {\n  given a: {}\n  given a: {k: 1, 'l': 2}\n  expect a all { k == 1 }\n}\n")
