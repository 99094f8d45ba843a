"""How a diagnostic looks."""

from pipeline.lang import Diagnostic, Label, Source, Span, render

TEXT = "let a = 1\n\tlet 名 = 日本 x\nlet b = 2"
SOURCE = Source("a.pipe", TEXT)


def at(word: str, source: Source = SOURCE) -> Span:
    start = source.text.index(word)
    return Span(source, start, start + len(word))


def test_plain() -> None:
    """Place, severity, code and message; the line; carets with the label; help."""
    diagnostic = Diagnostic("P101", "no such thing", at("b"), "here", help="do this")
    assert render(diagnostic) == (
        "a.pipe:3:5: error P101: no such thing\n    3 | let b = 2\n      |     ^ here\nhelp: do this"
    )


def test_tabs_and_wide_characters() -> None:
    """Tabs take four columns and wide characters two, so carets stand below what they mean."""
    assert render(Diagnostic("P001", "m", at("日本"))) == (
        "a.pipe:2:10: error P001: m\n    2 |     let 名 = 日本 x\n      |              ^^^^"
    )


def test_labels_on_other_lines_and_in_other_files() -> None:
    """Further places follow from top to bottom, those of other files under their names."""
    other = Source("b.pipe", "sink z = a")
    diagnostic = Diagnostic(
        "P102",
        "twice",
        at("b"),
        labels=(Label(at("a ="), "first"), Label(at("z", other), "and here")),
        severity="warning",
    )
    assert render(diagnostic) == (
        "a.pipe:3:5: warning P102: twice\n"
        "    1 | let a = 1\n      |     ^^^ first\n"
        "    3 | let b = 2\n      |     ^\n"
        "   --> b.pipe:1:6\n"
        "    1 | sink z = a\n      |      ^ and here"
    )


def test_long_lines_are_cut() -> None:
    """Of a long line about a hundred columns around the place are shown."""
    source = Source("a.pipe", "x" * 500 + "HERE" + "y" * 500)
    title, line, caret = render(Diagnostic("P001", "m", at("HERE", source))).split("\n")
    assert title == "a.pipe:1:501: error P001: m"
    assert len(line) <= 110
    assert line.count("…") == 2
    assert line[caret.index("^") : caret.rindex("^") + 1] == "HERE"


def test_a_span_of_several_lines_is_marked_on_its_first() -> None:
    """Carets end with the line."""
    assert render(Diagnostic("P001", "m", Span(SOURCE, 4, 20))).split("\n")[2] == "      |     ^^^^^"


def test_colour_is_asked_for() -> None:
    """ANSI colours come on request only, and nothing else changes."""
    diagnostic = Diagnostic("P001", "m", at("b"), "here", help="h")
    coloured = render(diagnostic, colour=True)
    assert "\x1b[1;31m" in coloured
    assert "\x1b" not in render(diagnostic)
    for code in ("\x1b[1;31m", "\x1b[1;34m", "\x1b[1m", "\x1b[0m"):
        coloured = coloured.replace(code, "")
    assert coloured == render(diagnostic)
