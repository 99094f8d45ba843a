"""`pipe grok`: a pattern, tried on lines."""

from __future__ import annotations

import json

from command import Pipe

from pipeline.columns.native import kernels

FASTEST = "polars" if kernels is None else "native"

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


def test_more_patterns_are_tried_in_order(pipe: Pipe) -> None:
    """`--or` gives patterns for the lines that none before it matches; the fields are those of all."""
    done = pipe("grok", "^a%{INT:n:int}", "--or", "^b%{INT:m:int}", stdin=b"a1\nb2\n")
    assert list(map(json.loads, done.stdout.splitlines())) == [{"n": 1}, {"m": 2}]
    refused = pipe("grok", "%{INT:n:int}", "--or", "%{INT:n}")
    assert refused.returncode == 65
    assert b"the field `n` is int in one pattern and string in another" in refused.stderr


ACCESS = "^%{IP:client} %{WORD:verb} %{INT:status:int} (?<bytes:int>[0-9.]+)"
LINES = b"""\
1.2.3.4 GET 200 12
1.2.3.5 GET 304 -
1.2.3.4 GET - 7
web-1 "a b" 200 5
1.2.3.4 PUT 200 1.5

\x1b[31m\x16\xff
2024/02/03 04:05:06 [error] 1#2: *3 open() failed, client: 1.2.3.4
1.2.3.4 GET 200 99999999999999999999"""

EXPLAINED = """\
matched   3 of 9 lines (33.33 %)
engine    polars
fields    client: string  100.00 %  `1.2.3.4`
          verb: string    100.00 %  `GET`, `PUT`
          status: int     100.00 %  `200`
          bytes: int       33.33 %  `12` — 2 did not convert, the first `1.5` in line 5; `:float` would take it

1. 2 lines, 33.33 % of the misses: `<ip> GET <*> <*>`
   first     line 2, byte 19: `1.2.3.5 GET 304 -`
   stops     1 of 2 examples stop here
   matched   `1.2.3.5 GET 304 `
   wanted    `(?<bytes:int>[0-9.]+)`
   saw       `-`
   try       allow a dash: write `(?:(?<bytes:int>[0-9.]+)|-)` for `(?<bytes:int>[0-9.]+)`; then 1 of 1 examples match
   stops     1 of 2 examples stop here
   example   line 3: `1.2.3.4 GET - 7`
   matched   `1.2.3.4 GET `
   wanted    `%{INT:status:int}`
   saw       `- 7`
   try       allow a dash: write `(?:%{INT:status:int}|-)` for `%{INT:status:int}`; then 1 of 1 examples match

2. 1 line, 16.67 % of the misses: `web-<num> "<*>" <num> <num>`
   first     line 4, byte 53: `web-1 "a b" 200 5`
   matched   nothing
   wanted    `%{IP:client}`
   saw       `web-1 "a b" 200 5`
   try       it may be an address or a host name: write `%{IPORHOST:client}` for `%{IP:client}`; then it gets further
   and       it may be a text in quotes: write `%{QUOTEDSTRING:verb}` for `%{WORD:verb}`; then 1 of 1 examples match

3. 1 line, 16.67 % of the misses: empty lines
   first     line 6, byte 91

4. 1 line, 16.67 % of the misses: `<bytes>`
   first     line 7, byte 92: `\\x1b[31m\\x16\ufffd`
   matched   nothing
   wanted    `%{IP:client}`
   saw       `\\x1b[31m\\x16\ufffd`

5. 1 line, 16.67 % of the misses: `<time> [error] <num>#<num>: *<num> open() failed, client: <ip>`
   first     line 8, byte 100: `2024/02/03 04:05:06 [error] 1#2: *3 open() failed, client: 1.2.3.4`
   matched   nothing
   wanted    `%{IP:client}`
   saw       `2024/02/03 04:05:06 [error] 1#2: *3 open() failed, client: 1`
   try       another pattern matches these lines: `%{NGINX_ERROR}`; then 1 of 1 examples match
"""


def test_explain_says_what_matches_and_why_the_rest_does_not(pipe: Pipe) -> None:
    """Coverage, fields, and each kind of lines that do not match, with what stopped and what to change; nothing that talks to the terminal."""
    done = pipe("grok", ACCESS, "--explain", stdin=LINES)
    assert (
        done.stdout.decode().splitlines() == EXPLAINED.replace("engine    polars", f"engine    {FASTEST}").splitlines()
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_explain_shows_so_many_kinds_and_counts_the_others(pipe: Pipe) -> None:
    """`--kinds`; what several patterns took, and which of them stopped."""
    told = pipe(
        "grok", "^a%{INT:n}$", "--or", "^bb%{INT:n}$", "--explain", "--kinds", "1", stdin=b"a1\nbbx\nbbx\nc d\nx y z\n"
    )
    assert told.stdout.decode().replace(f"engine    {FASTEST}", "engine    polars") == """\
matched   1 of 5 lines (20.00 %)
          1 of 5 lines (20.00 %) by `^a%{INT:n}$`
          0 of 5 lines (0.00 %) by `^bb%{INT:n}$`
engine    polars
fields    n: string  100.00 %  `1`

1. 2 lines, 50.00 % of the misses: `bbx`
   first     line 2, byte 3: `bbx`
   matched   `bb`
   wanted    `%{INT:n}` of `^bb%{INT:n}$`
   saw       `x`
   try       it may be anything without a blank: write `%{NOTSPACE:n}` for `%{INT:n}`; then 2 of 2 examples match

… and 2 lines of 2 more kinds
"""  # fmt: skip


def test_explain_as_json(pipe: Pipe) -> None:
    """One object: counts, fields, kinds with their first line, the places where patterns stop, and whole changed patterns."""
    done = pipe("grok", "^a %{INT:n:int}", "--explain", "--format", "json", stdin=b"a 7\na -\n")
    example = {"line": 2, "offset": 4, "text": "a -"}
    advice = {"say": "allow a dash", "old": "%{INT:n:int}", "new": "(?:%{INT:n:int}|-)", "matched": 1, "examples": 1}
    stop = {"examples": 1, "example": example, "pattern": "^a %{INT:n:int}", "matched": "a ", "element": "%{INT:n:int}"}
    stops = [{**stop, "saw": "-", "inside": None, "advice": [{**advice, "pattern": "^a (?:%{INT:n:int}|-)"}]}]
    field = {"field": "n", "type": "int", "present": 1, "nulls_looked_at": 0, "failed": 0, "failure": None}
    assert json.loads(done.stdout) == {
        "lines": 2,
        "matched": 1,
        "timeouts": 0,
        "engine": FASTEST,
        "reason": None,
        "patterns": [{"pattern": "^a %{INT:n:int}", "matched": 1}],
        "fields": [{**field, "top": [{"value": 7, "lines": 1}]}],
        "kinds": [{"template": "a -", "lines": 1, "first": example, "examples": 1, "stops": stops}],
        "more_kinds": {"kinds": 0, "lines": 0},
        "other_lines": 0,
    }


def test_explain_of_nothing(pipe: Pipe) -> None:
    """An empty file has no lines, and no misses; a number that is none is a text in JSON."""
    assert pipe("grok", "%{INT:n}", "--explain").stdout.decode() == (
        f"matched   0 of 0 lines (0.00 %)\nengine    {FASTEST}\nfields    n: string    0.00 %\n"
    )
    told = json.loads(pipe("grok", "^%{WORD:n:float}", "--explain", "--format", "json", stdin=b"nan\n").stdout)
    assert told["fields"][0]["top"] == [{"value": "nan", "lines": 1}]


def test_a_wrong_pattern_is_shown_with_its_place(pipe: Pipe) -> None:
    """An unknown name is pointed at, with a suggestion; 65."""
    done = pipe("grok", "a %{WRD:x}")
    assert done.returncode == 65
    assert b"  a %{WRD:x}\n    ^\n" in done.stderr
    assert b"did you mean `WORD`?" in done.stderr
