"""Programs made of several files."""

from fnmatch import fnmatch

from pipeline.lang import Parsed, Source, resolve
from pipeline.lang.ast import IncludeStatement, Program


def resolved(files: dict[str, str]) -> Parsed[Program]:
    sources = {name: Source(name, text) for name, text in files.items()}

    def load(pattern: str, relative_to: Source) -> list[Source]:
        if pattern == "forbidden":
            raise PermissionError(13, "Permission denied")
        return [source for name, source in sorted(sources.items()) if fnmatch(name, pattern)]

    return resolve(sources["main"], load)


def names(parsed: Parsed[Program]) -> list[str]:
    assert parsed.tree is not None
    return [s.name.text for s in parsed.tree.statements if not isinstance(s, IncludeStatement)]


def test_statements_stand_where_their_include_stood() -> None:
    """Included statements take the place of the include and keep the spans of their own file."""
    parsed = resolved({"main": "let a = 1 include 'x' let d = 4", "x": "let b = 2 include 'y'", "y": "let c = 3"})
    assert parsed.diagnostics == ()
    assert names(parsed) == ["a", "b", "c", "d"]
    assert parsed.tree is not None
    assert [s.span.source.name for s in parsed.tree.statements] == ["main", "x", "y", "main"]


def test_a_glob_takes_all_and_may_take_none() -> None:
    """A glob includes what it matches but its own file, in the order given; matching nothing is fine."""
    parsed = resolved({"main": "include 'z*' include '*' let m = 1", "b": "let b = 1", "a": "let a = 1 include 'b'"})
    assert parsed.diagnostics == ()
    assert names(parsed) == ["a", "b", "m"]


def test_a_file_counts_once() -> None:
    """Two includes of one file define its names once."""
    parsed = resolved({"main": "include 'a' include 'b'", "a": "include 'b' let a = 1", "b": "let b = 1"})
    assert parsed.diagnostics == ()
    assert names(parsed) == ["b", "a"]


def test_circles_are_reported() -> None:
    """A file that includes itself, directly or not, is an error that shows the way round."""
    parsed = resolved({"main": "include 'a' let m = 1", "a": "include 'b'", "b": "include 'a' let b = 1"})
    (diagnostic,) = parsed.diagnostics
    assert (diagnostic.code, diagnostic.message) == ("P041", "`a` includes itself: a → b → a")
    assert diagnostic.span.source.name == "b"
    assert names(parsed) == ["b", "m"]


def test_missing_and_unreadable_files() -> None:
    """A plain path without a file and a file that cannot be read are errors at the include."""
    parsed = resolved({"main": "include 'nope'\ninclude 'forbidden'\nlet a = 1"})
    assert [(d.code, d.span.line, d.message) for d in parsed.diagnostics] == [
        ("P040", 1, "there is no file `nope`"),
        ("P040", 2, "cannot read `forbidden`: Permission denied"),
    ]


def test_errors_of_all_files_are_collected() -> None:
    """Syntax errors of included files are reported with those of the main file."""
    parsed = resolved({"main": "let a =\ninclude 'x'", "x": "let b == 1\nlet c ="})
    assert [(d.span.source.name, d.code) for d in parsed.diagnostics] == [
        ("main", "P031"),
        ("x", "P030"),
        ("x", "P031"),
    ]
    assert [name.text for name in parsed.broken] == ["a", "c"]


def test_a_program_without_statements_is_an_error() -> None:
    """Comments alone are no program."""
    assert [d.code for d in resolved({"main": "# nothing"}).diagnostics] == ["P042"]
