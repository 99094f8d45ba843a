"""What is suggested for lines that a pattern does not match, and that every suggestion does what it says."""

import polars as pl
import pytest

from pipeline.columns.grok import Grok
from pipeline.columns.grok.advice import Advice, Adviser
from pipeline.columns.grok.ladder import Ladder

TIME = "10/Oct/2000:13:55:36 -0700"
HTTP = f'[{TIME}] "GET / HTTP/1.0"'
AGENT = r'"(?<agent>[^"]*)" %{WORD:w}'

SUGGESTED = [
    ("%{IP:c} %{INT:n:int} x", "1.2.3.4 - x", [("allow a dash", "%{INT:n:int}", "(?:%{INT:n:int}|-)")]),
    ("%{IP:c} %{INT:n:int} x", "1.2.3.4  12 x", [("allow any blanks", " ", r"\s+")]),
    ("%{IP:c} %{INT:n:int} x", "1.2.3.4\t12\tx", [("allow any blanks, everywhere", " ", r"\s+")]),
    ("%{IP:c} x", "web-1 x", [("it may be an address or a host name", "%{IP:c}", "%{IPORHOST:c}")]),
    ("^a %{INT:n:int} ms", "a 1.5 ms", [("it may be a number with a fraction", "%{INT:n:int}", "%{NUMBER:n:float}")]),
    ("^a %{HTTPDATE:t} x", "a 2024-02-03T04:05:06Z x", [("it may be an ISO 8601 time", "%{HTTPDATE:t}", "%{TIMESTAMP_ISO8601:t}")]),
    ("^a %{WORD:w} x", "a b-c x", [("it may be anything without a blank", "%{WORD:w}", "%{NOTSPACE:w}")]),
    (f"^{AGENT}", r'"a\"b" x', [("allow escaped quotes", '(?<agent>[^"]*)', r'(?<agent>(?:[^"\\]|\\.)*)')]),
    ("^%{WORD:a}$", "a b", [("take what follows", "$", "%{GREEDYDATA:rest}$")]),
    ("^(?<rest>a)$", "a b", [("take what follows", "$", "%{GREEDYDATA:rest2}$")]),
    ("^%{WORD:a}$", "a  ", [("allow blanks at the end", "$", r"\s*$")]),
    ("^a b %{WORD:c}$", "a b", [("the line ends here: let the rest be absent", " %{WORD:c}", "(?: %{WORD:c})?")]),
    ("^a %{INT:n} %{WORD:w}$", "a b", [("let it be absent", "%{INT:n} ", "(?:%{INT:n} )?")]),
    ("^%{WORD:a} x", "> b x", [("skip the word before it", "%{WORD:a}", r"\S+\s+%{WORD:a}")]),
    ("^a took %{INT:n}", "a Took 5", [("allow capital and small letters", "took", "(?i:took)")]),
    ("^a took %{INT:n}", "a used 5", [("allow the other word", "took", "(?:took|used)")]),
    ("^ab: %{INT:n}", "x y ab: 5", [("let it begin later in the line", "^", "")]),
    (r"^%{IP:c} %{USER:u} \[x\]", "1.2.3.4 joe doe [x]", [("it may contain blanks", "%{USER:u}", "%{DATA:u}")]),
    (
        "^a took %{INT:n:int} ms$",
        "a used - ms!",
        [
            ("allow the other word", "took", "(?:took|used)"),
            ("allow a dash", "%{INT:n:int}", "(?:%{INT:n:int}|-)"),
            ("take what follows", "$", "%{GREEDYDATA:rest}$"),
        ],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "line", "expected"), SUGGESTED, ids=[f"{p} on {line}" for p, line, _ in SUGGESTED])
def test_a_change_is_suggested(pattern: str, line: str, expected: list[tuple[str, str, str]]) -> None:
    """What is told, what goes and what comes; and the whole new pattern matches the line, which the old one does not."""
    advice = Adviser().advise(Ladder(pattern), [line])
    changes = [item for item in advice if item.old]
    assert [(item.say, item.old, item.new) for item in changes] == expected
    assert (changes[-1].matched, changes[-1].tried) == (1, 1)
    assert Grok([pattern]).match(pl.Series([line]))["@matched"].to_list() == [False]
    assert Grok([changes[-1].pattern]).match(pl.Series([line]))["@matched"].to_list() == [True]


LIBRARY = [
    (f"1.2.3.4 - - {HTTP} 200 5", "COMMONAPACHELOG"),
    (f'1.2.3.4 - - {HTTP} 200 5 "-" "curl/8"', "COMBINEDAPACHELOG"),
    (f'1.2.3.4 - joe doe {HTTP} 200 5 "-" "curl/8"', "NGINX_COMBINED"),
    ("2024/02/03 04:05:06 [error] 1#2: *3 x, client: 1.2.3.4", "NGINX_ERROR"),
    ("Oct  1 22:14:15 web-1 sshd[42]: Accepted", "SYSLOGLINE"),
    ("<34>1 2003-10-11T22:14:15Z host su - ID47 - hi", "SYSLOG5424LINE"),
    (
        (
            "Dec  9 12:59:46 lb haproxy[1]: 10.0.1.2:33317 [09/Dec/2013:12:59:46.633] in static/srv1 10/0/30/69/109 200 2750 - - ---- "
            '1/1/1/1/0 0/0 "GET /index.html HTTP/1.1"'
        ),
        "HAPROXYHTTP",
    ),
]


@pytest.mark.parametrize(("line", "name"), LIBRARY, ids=[name for _, name in LIBRARY])
def test_a_pattern_of_the_library_is_suggested(line: str, name: str) -> None:
    """The narrowest pattern for whole lines that matches all of them."""
    advice = Adviser().advise(Ladder("^%{UUID:id}$"), [line, line])
    assert advice == [Advice("another pattern matches these lines", "", f"%{{{name}}}", f"%{{{name}}}", 2, 2)]


def test_counts_are_those_of_the_examples() -> None:
    """`matched` of `tried` lines match the changed pattern."""
    advice = Adviser().advise(Ladder("^a %{INT:n} x$"), ["a - x", "a - y", "a - x"])
    assert [(item.new, item.matched, item.tried) for item in advice] == [("(?:%{INT:n}|-)", 2, 3), ("(?:x|y)", 3, 3)]


@pytest.mark.parametrize(
    ("line", "say"),
    [
        ('{"a": 1}', "these lines are JSON: read them with the filter `json`"),
        (" ", "these lines are empty: there is nothing to match"),
    ],
)
def test_what_is_no_text_for_grok_is_told(line: str, say: str) -> None:
    """JSON and empty lines are named, not matched."""
    assert [item.say for item in Adviser().advise(Ladder("^a"), [line])] == [say]


@pytest.mark.parametrize("line", ["\x16\x03\x01\x02", "Segmentation fault (core dumped)", "\x00" * 50, "}{"])
def test_nothing_is_suggested_for_garbage(line: str) -> None:
    """A pattern is not patched until it matches everything."""
    assert Adviser().advise(Ladder("%{COMBINEDAPACHELOG}"), [line]) == []


def test_a_step_that_does_not_suffice_is_told_only_near_the_end() -> None:
    """A change after which no line matches yet is told where the pattern had matched half of its elements, else not."""
    (step,) = Adviser().advise(Ladder("^%{WORD:a}=%{INT:b} [0-9]{3}"), ["a=- x"])
    assert (step.new, step.matched) == ("(?:%{INT:b}|-)", 0)
    assert Adviser().advise(Ladder("^%{INT:b} a b [0-9]{3}"), ["- a b x"]) == []


def test_flags_and_alternatives_are_left_alone() -> None:
    """A pattern that is more than the sum of its elements is not changed."""
    assert Adviser().advise(Ladder("(?i)get %{INT:n}"), ["GET x"]) == []
    assert Adviser().advise(Ladder("a%{INT:n}|b"), ["zzz"]) == []
