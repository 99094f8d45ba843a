"""`pipe grok`: a pattern, tried on lines."""

from __future__ import annotations

import json

from command import Pipe

PATTERN = "%{WORD:who.name} %{INT:n:int}"


def test_every_line_gives_an_object(pipe: Pipe) -> None:
    """Fields as the pattern names and types them; a line that does not match gives `@error` alone; the last may lack its newline."""
    done = pipe("grok", PATTERN, stdin=b"x 5\r\n---\n\xff y 7")
    assert done.returncode == 0
    first, second, third = map(json.loads, done.stdout.splitlines())
    assert first == {"who": {"name": "x"}, "n": 5}
    assert list(second) == ["@error"]
    assert (second["@error"]["filter"], second["@error"]["reason"]) == ("grok", "no_match")
    assert third == {"who": {"name": "y"}, "n": 7}


def test_a_file_is_read(pipe: Pipe) -> None:
    """The lines of FILE, as many as it has; an empty file gives nothing."""
    pipe.write("in.log", "a 1\n" * 5)
    assert pipe("grok", PATTERN, "in.log").stdout == b'{"who":{"name":"a"},"n":1}\n' * 5
    pipe.write("empty.log", "")
    assert pipe("grok", PATTERN, "empty.log").stdout == b""


def test_explain_says_how_far_the_pattern_gets(pipe: Pipe) -> None:
    """Coverage, engine, fields, and of lines that do not match the longest part that does and what was wanted there."""
    told = pipe("grok", PATTERN, "--explain", stdin=b"x 5\nbad line\n").stdout.decode()
    assert "matched   1 of 2 lines (50.00 %)" in told
    assert "engine    polars" in told
    assert "fields    who.name: string, n: int" in told
    assert "line 2\n  matched   `bad `\n  wanted    `%{INT:n:int}`\n  saw       `line`" in told


def test_a_wrong_pattern_is_shown_with_its_place(pipe: Pipe) -> None:
    """An unknown name is pointed at, with a suggestion; 65."""
    done = pipe("grok", "a %{WRD:x}")
    assert done.returncode == 65
    assert b"  a %{WRD:x}\n    ^\n" in done.stderr
    assert b"did you mean `WORD`?" in done.stderr
