"""The native scanner: what the other engines answer, in linear time and bounded memory."""

import functools
import pickle
import random
import threading
from collections import Counter

import polars as pl
import pytest
from grok_examples import EXAMPLES
from grok_strategies import log_lines, patterns
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pipeline.columns.grok import LIBRARY, Capture, Grok, GrokError, expand
from pipeline.columns.grok.engine import Engine
from pipeline.columns.grok.scanner import Scanner, scans
from pipeline.columns.lines import decode

pytestmark = pytest.mark.native

ALPHABET = "aabbb1- é\nüx"
LINES_A_PATTERN = 60


def equal_on_all_engines(pattern: str, column: pl.Series, definitions: dict[str, str] | None = None) -> bool:
    """Whether the pattern runs natively; then its result is that of every other engine that can run it."""
    try:
        native = Grok(pattern, definitions, engine="native").match(column)
    except GrokError:
        return False
    assert_frame_equal(native, Grok(pattern, definitions, engine="python", timeout=10.0).match(column))
    try:
        columnar = Grok(pattern, definitions, engine="polars")
    except GrokError:
        return True
    assert_frame_equal(native, columnar.match(column))
    return True


def test_a_hundred_thousand_random_pairs_match_the_same() -> None:
    """Random patterns on random lines: captures as a backtracking engine gives them, and as Polars does."""
    pairs = Counter[str]()

    @settings(max_examples=4000, deadline=None, database=None, suppress_health_check=[*HealthCheck])
    @given(pattern=patterns(), seed=st.integers(0, 2**32))
    def check(pattern: str, seed: int) -> None:
        chance = random.Random(seed)
        lines = ["".join(chance.choices(ALPHABET, k=chance.randrange(11))) for _ in range(LINES_A_PATTERN)]
        if equal_on_all_engines(pattern, pl.Series(lines, dtype=pl.String)):
            pairs["matched"] += LINES_A_PATTERN

    check()
    assert pairs["matched"] >= 100_000


CORPUS = [text for _, text, _ in EXAMPLES]


@pytest.mark.parametrize("name", sorted(LIBRARY))
def test_library_patterns_match_the_same(name: str) -> None:
    """Every library pattern on the examples of all of them, cut, damaged and between other text."""
    chance = random.Random(name)
    damaged = []
    for text in CORPUS:
        at, to = chance.randrange(len(text) + 1), chance.randrange(len(text) + 1)
        damaged += [text[at:], text[:at], text[:at] + chance.choice("é0-: \n") + text[at:], text[:at] + text[to:]]
    column = pl.Series([*CORPUS, *(f"a={t} 7" for t in CORPUS), *damaged])
    for pattern in (f"%{{{name}:x}}", f"%{{{name}}} (?<rest>.*)", f"(?<word>\\w+)[ :=]%{{{name}:x}}"):
        assert equal_on_all_engines(pattern, column) or Grok(pattern).engine == "python"


def test_which_library_patterns_are_not_native() -> None:
    """One, which looks ahead at the rest of the line."""
    slow = {n for n in LIBRARY for p in (f"%{{{n}:x}} ", f"x %{{{n}:x}} ") if Grok(p).engine != "native"}
    assert slow == {"SYSLOGPAMSESSION"}


@functools.cache
def compiled(pattern: str, engine: Engine) -> Grok:
    return Grok(pattern, engine=engine, timeout=5.0)


@pytest.mark.parametrize("pattern", ["%{NGINX_COMBINED}", "%{COMBINEDAPACHELOG}", "^%{NGINX_COMBINED} (?<x>.*)"])
@settings(max_examples=100, deadline=None)
@given(lines=st.lists(log_lines(), min_size=1, max_size=20))
def test_damaged_access_logs_match_the_same(pattern: str, lines: list[str]) -> None:
    """The strict form that is tried first never changes a result."""
    column = pl.Series(lines)
    assert_frame_equal(compiled(pattern, "native").match(column), compiled(pattern, "python").match(column))


@settings(max_examples=200, deadline=None, suppress_health_check=[*HealthCheck])
@given(pattern=patterns(), seed=st.integers(0, 2**32))
def test_lines_match_the_same_after_many_that_are_alike(pattern: str, seed: int) -> None:
    """What the automaton does in one go after lines of one kind, it does for no line of another kind."""
    chance = random.Random(seed)
    alike = "".join(chance.choices(ALPHABET, k=chance.randrange(40)))
    lines = [alike] * 150
    for _ in range(30):
        at, to = chance.randrange(len(alike) + 1), chance.randrange(len(alike) + 1)
        lines += [alike[:at], alike[at:], alike[:at] + chance.choice(ALPHABET) + alike[at:], alike[:at] + alike[to:]]
    equal_on_all_engines(pattern, pl.Series(lines, dtype=pl.String))


def test_a_way_that_leads_nowhere_is_left() -> None:
    """Bytes that loop, before one that no earlier line had there: found by fuzzing, as a scan without end."""
    lines = ["ba\u20ac\u20ac"] * 700 + ["\u20ac\u20acab"] * 300 + ["baaaa"]
    equal_on_all_engines(r"(?<x>[^\n]*[ab]aaaa)", pl.Series(lines))


def test_a_kind_of_lines_gives_way_to_another() -> None:
    """The hour turns: what fitted thousands of lines fits none, and then again all."""
    lines = [f"10.0.0.{n % 200} - - [{hour}] x{n}" for hour in ("09", "10", "2", "09") for n in range(1500)]
    column = pl.Series(lines)
    pattern = r"^(?<ip>[0-9.]+) - - \[(?<hour>[01][0-9]|2)\] (?<x>\w+)$"
    assert_frame_equal(Grok(pattern, engine="native").match(column), Grok(pattern, engine="polars").match(column))


LIMITS = ["9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809"]
WORDS = ["infinity", "-NaN", "1e400", "1e-400", "4.9e-324", "TRUE", "Yes", "oN", "off", "no", "FALSE", "1", "0"]
NUMBERS = st.text(alphabet="+-.eE0123456789_ infatyxINF\n٣", max_size=12) | st.sampled_from(
    [*LIMITS, *WORDS, "0" * 30 + "7", "9" * 400]
)


@settings(max_examples=300, deadline=None)
@given(values=st.lists(NUMBERS | st.floats().map(str) | st.integers().map(str), min_size=1, max_size=30))
def test_typed_captures_convert_as_polars_casts(values: list[str]) -> None:
    """Signs, spaces, exponents, overflow, infinity, underscores, digits that are not ASCII: the same numbers, the same nulls."""
    column = pl.Series(values)
    for kind in ("int", "float", "bool"):
        pattern = rf"(?m)\A(?<v:{kind}>.*)\z"
        assert_frame_equal(compiled(pattern, "native").match(column), compiled(pattern, "polars").match(column))


@settings(max_examples=300, deadline=None)
@given(values=st.lists(st.none() | st.binary(max_size=30) | st.text(max_size=30).map(str.encode), max_size=20))
def test_bytes_match_as_their_repaired_text(values: list[bytes | None]) -> None:
    """What is not UTF-8 is U+FFFD, as often as Python puts it; nulls and empty rows are what they were."""
    raw = pl.Series("raw", values, dtype=pl.Binary)
    grok = compiled(r"(?<head>[^b]*)(?<tail>.*)\r?\z", "native")
    assert_frame_equal(grok.match(raw), grok.match(decode(raw)[0]))
    assert_frame_equal(grok.match(raw), compiled(r"(?<head>[^b]*)(?<tail>.*)\r?\z", "python").match(raw))


def test_rows_that_are_not_utf8_keep_their_fields_apart() -> None:
    """Long fields of repaired and of good rows, side by side."""
    long = "é" * 20
    raw = pl.Series([f"{long}a {long}".encode(), b"\xff" * 20 + b" x", b"", None, f"{long} \xff".encode("latin-1")])
    frame = Grok("^(?<a>[^ ]+) (?<b>.*)", engine="native").match(raw)
    assert frame["a"].to_list() == [f"{long}a", "�" * 20, None, None, "�" * 20]
    assert frame["b"].to_list() == [long, "x", None, None, "�"]
    assert frame["@reason"].to_list() == [None, None, "no match", "missing", None]


def test_a_column_in_chunks_slices_and_nulls() -> None:
    """Views point into the buffers of their own chunk, wherever the column was cut."""
    parts = [[f"{n} {'x' * n}" if n % 7 else None for n in range(at, at + 40)] for at in (0, 40, 80)]
    column = pl.concat([pl.Series(part) for part in parts], rechunk=False).slice(25, 70)
    assert column.n_chunks() == 3
    grok = Grok(r"^(?<n:int>\d+) (?<x>x+)$")
    for text in (column, column.cast(pl.Binary), column.filter(column.is_not_null()), column.reverse()):
        frame = grok.match(text)
        wanted = [None if t is None else str(t, "ascii") if isinstance(t, bytes) else t for t in text.to_list()]
        again = [None if n is None else f"{n} {x}" for n, x in zip(frame["n"], frame["x"], strict=True)]
        assert again == wanted


def test_the_return_at_the_end_of_a_row() -> None:
    """One is not part of the text when asked so; NUL is a character as any other."""
    column = pl.Series(["a\r", "a\r\r", "\r", "", "a\0", None])
    grok = Grok(r"\A(?<x>[^b]*)\z", engine="native")
    for text in (column, column.cast(pl.Binary)):
        assert grok.match(text, strip_return=True)["x"].to_list() == ["a", "a\r", None, None, "a\0", None]
        assert grok.match(text)["x"].to_list() == ["a\r", "a\r\r", "\r", None, "a\0", None]
    rows = Grok(r"\A(?<x>[^b]*)\z", engine="python")
    assert_frame_equal(rows.match(column, strip_return=True), grok.match(column, strip_return=True))


def test_patterns_in_order_mixed_with_one_that_is_not_native() -> None:
    """Native patterns before and after it see the rows in turn; types and duplicates hold across them."""
    grok = Grok([r"^a(?<n:int>\d+)", r"(?<x>b(?!ab))(?<n:int>\d*)", r"(?<n:int>\d)(?<x>.?)"])
    frame = grok.match(pl.Series(["a12", "zb7", "x7y", "none", None]))
    assert grok.engine == "python"
    assert frame.rows() == [
        (12, None, True, None),
        (7, "b", True, None),
        (7, "y", True, None),
        (None, None, False, "no match"),
        (None, None, False, "missing"),
    ]


EXPLOSIVE = [
    r"(a+)+$",
    r"(?<x>(?:a+)+)$",
    r"(?<x>(?:a|a)*)b$",
    r"(?<x>(?:a|aa)+)$",
    r"(?:a*)*b",
    r"(?<x>.*)(?<y>.*)(?<z>.*)x",
    r"^(?:(?:[a-z])+.)+[A-Z](?:[a-z])+$",
    r"(?:a?){30}a{30}b",
    r"(?:(?:a{1,20}){1,20}){1,5}c",
    r"\A(?<x>(?:\w+\s?)*)\z",
    r"(?<x>(?:x+x+)+y)",
]


@pytest.mark.parametrize("pattern", EXPLOSIVE)
def test_a_pattern_that_explodes_elsewhere_takes_linear_time(pattern: str) -> None:
    """Over a line of 1 MB: no match, two walks over it, and twice the work of half the line at most."""

    def cost(size: int) -> tuple[int, int]:
        grok = Grok(pattern, engine="native")
        assert not grok.match(pl.Series(["a" * size + "!"]))["@matched"].item()
        counters = grok.counters()
        return counters["walked"], counters["followed"]

    size = 1 << 20
    (walked, followed), (_, less) = cost(size), cost(size // 2)
    assert walked <= 2 * (size + 2)
    assert followed <= 2 * less


def test_automata_that_do_not_fit_stay_in_their_memory() -> None:
    """2^17 states in 1 MiB: cleared again and again, right all the same, and linear."""
    pattern = "(?:a|b)*a(?<x>[ab]{16})$"
    expanded = expand(pattern)
    budget = 1 << 20
    scanner = Scanner(scans(pattern, expanded, {}), expanded.captures, budget)
    chance = random.Random(5)
    lines = ["".join(chance.choices("ab", k=2000)) for _ in range(100)]
    frame = scanner.match(pl.Series(lines))
    assert frame["x"].to_list() == [line[-16:] if line[-17] == "a" else None for line in lines]
    cost = scanner.counters()
    assert cost["cleared"] > 10
    assert max(cost["peak"], cost["bytes"]) <= budget
    assert cost["followed"] <= 100 * cost["walked"]


def test_what_is_too_large_is_refused() -> None:
    """A pattern whose states alone would fill the memory is not native, and says why."""
    with pytest.raises(GrokError, match="it is too large"):
        Grok("(?:(?:ab?){1000}c?){1000}", engine="native")
    pattern = "(?<x>[ab]{900})"
    with pytest.raises(Exception, match="it is too large"):
        Scanner(scans(pattern, expand(pattern), {}), [Capture("x", "string")], 1 << 16)


def test_a_scanner_is_shared_by_threads() -> None:
    """Each scan has automata of its own; a compiled pattern survives pickling."""
    grok = pickle.loads(pickle.dumps(Grok("%{COMBINEDAPACHELOG}")))
    column = pl.Series(CORPUS * 50)
    wanted = grok.match(column)
    found: list[pl.DataFrame] = []
    threads = [threading.Thread(target=lambda: found.append(grok.match(column))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(frame.equals(wanted) for frame in found)
