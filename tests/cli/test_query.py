"""`pipe query`: a question over a finite input."""

from __future__ import annotations

import json

import pytest
from command import Pipe

WORDS = "b 1\na 2\nb 3\nc 4\nb 5\na 6\n"
PARSED = "file('in.log') | grok('%{WORD:w} %{INT:n:int}')"


@pytest.fixture
def words(pipe: Pipe) -> Pipe:
    pipe.write("in.log", WORDS)
    return pipe


def test_json_is_one_object_a_line(words: Pipe) -> None:
    """Away from a terminal, events are JSON lines."""
    done = words("query", f"{PARSED} | where(n > 3)")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr) == (0, b"")
    assert [(event["w"], event["n"]) for event in events] == [("c", 4), ("b", 5), ("a", 6)]


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (
            "json",
            '{"metric":"top","by":{"w":"b"},"value":3,"rank":1}\n{"metric":"top","by":{"w":"a"},"value":2,"rank":2}\n',
        ),
        ("csv", "w,top\r\nb,3\r\na,2\r\n"),
        ("table", "w   top\n───────\nb     3\na     2\n"),
    ],
)
def test_an_aggregate_is_over_the_whole_input(words: Pipe, form: str, expected: str) -> None:
    """A last aggregate gives its answer in every format, without the identity that facts have in a stream."""
    assert words("query", f"{PARSED} | top(2, w)", "--format", form).stdout.decode() == expected


def test_csv_has_a_header_also_without_rows(words: Pipe) -> None:
    """Comma-separated values begin with the names, once."""
    some = words("query", f"{PARSED} | where(w == 'c')", "--format", "csv").stdout.decode().split("\r\n")
    assert some[0] == "@timestamp,w,n"
    assert some[1].endswith("Z,c,4")
    assert words("query", f"{PARSED} | where(false)", "--format", "csv").stdout == b"@timestamp,w,n\r\n"


def test_a_table_escapes_what_talks_to_the_terminal(pipe: Pipe) -> None:
    """Control characters of the data are spelled out."""
    pipe.write("in.log", "x\x1b[31my\n")
    told = pipe("query", "file('in.log') | grok('%{GREEDYDATA:t}')", "--format", "table").stdout
    assert b"\x1b" not in told
    assert b"x\\x1b[31my" in told


def test_rejected_rows_are_told(words: Pipe) -> None:
    """Rows that could not be processed are counted on stderr, and the query succeeds."""
    done = words("query", "file('in.log') | grok('^b %{INT:n:int}') | count()")
    assert done.returncode == 0
    assert json.loads(done.stdout) == {"metric": "count", "value": 3}
    assert b"3 rows could not be processed" in done.stderr


def test_a_query_leaves_nothing(words: Pipe, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Its state is temporary."""
    temporary = tmp_path_factory.mktemp("temporary")
    words("query", f"{PARSED} | count()", TMPDIR=str(temporary))
    assert [path.name for path in words.folder.iterdir()] == ["in.log"]
    assert list(temporary.iterdir()) == []


def test_standard_input_is_an_input(pipe: Pipe) -> None:
    """`stdin()` reads what is piped in."""
    done = pipe("query", "stdin() | count()", stdin=b"1\n2\n3")
    assert json.loads(done.stdout)["value"] == 3


def test_an_aggregate_over_many_batches_has_one_answer(pipe: Pipe) -> None:
    """However many commits the input takes."""
    done = pipe("query", "generate(count: 400000) | count()", "--format", "json")
    assert (done.returncode, done.stdout) == (0, b'{"metric":"count","value":400000}\n')
