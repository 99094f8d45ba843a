"""Each step of a test does what its name says, with the engine and the store underneath."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping

from programs import failures, house, loaded, played

from pipeline import api
from pipeline.lang import Source
from pipeline.plan.catalog import Catalog
from pipeline.plan.load import load
from pipeline.trials.program import player


class NoOptions(api.Options):
    pass


class Typed(api.Input[NoOptions]):
    """An input whose events have fields."""

    name = "typed"
    options_model = NoOptions
    example = ""

    def schema(self) -> api.Columns:
        return api.Columns({"number": api.INT, "word": api.STRING, "when": api.TIME, "more": api.JSON})

    async def read(self, progress: Mapping[str, api.Position]) -> AsyncIterator[api.Batch]:
        raise AssertionError("the test reads in its place")
        yield


def with_typed() -> Catalog:
    """The house's plugins, and the input `typed`."""
    registry = {kind: dict(named) for kind, named in house()._registry.items()}
    registry["inputs"]["typed"] = Typed
    return Catalog(registry)


LINES = """
let n = 2
source log = file("a.log")
source other = file("b.log")
transform parsed = log | grok('^%{INT:second:int} %{WORD:key}$') | set { @timestamp = time(second, 'unix') }
transform facts = parsed | window(10s, lateness: 5s) { hits = count() by key }
transform split = log | json(schema: {status: int}) | route { bad = status >= 500 }
sink kept = facts -> file("facts.ndjson")
sink raw = [log, other] -> file("raw.log", format: raw)
sink bad = split.bad -> null()
sink rest = split.else -> null()
"""


def why(test: str) -> list[str]:
    """What the expectations of one test that do not hold say."""
    (outcome,) = played(f"{LINES}\ntest 'x' {{ {test} }}")
    assert not outcome.error
    return [verdict.why for verdict in outcome.verdicts if not verdict.held]


def test_given_lines_arrive_in_order_at_their_time() -> None:
    """Texts are records, a text of several lines is several, and `at` is the time of reading."""
    assert not why("""
        given log: ['a', "b\\nc", ''] at '2026-05-05T10:00:00.25Z'
        given other: ['d'] at '2026-05-05T10:00:01Z'
        expect log == ['a', 'b', 'c', '']
        expect log all { @received == time('2026-05-05T10:00:00.25Z', 'iso8601') and @timestamp == @received }
        expect other all { @received == time('2026-05-05T10:00:01Z', 'iso8601') }
        expect log == [{'@offset': 0, '@path': null, '@source': 'log'}, {'@offset': 1}, {'@offset': 2}, {'@offset': 3}]
    """)


def test_a_map_is_a_line_of_json() -> None:
    """For an input of lines, a map is written as JSON, and constants may be in it."""
    assert not why("""
        given log: [{status: 500 + n, more: {list: [1, 2.5, null, true]}}, {status: 1}]
        expect log == ['{"status":502,"more":{"list":[1,2.5,null,true]}}', '{"status":1}']
        expect split.bad == [{status: 502, more: {list: [1, 2.5, null, true]}}]
        expect split.else == [{status: 1}]
        expect bad has 1
    """)


def test_a_map_gives_the_fields_of_an_input_that_has_fields() -> None:
    """Members are columns of the input's types; one that it does not have, or of another type, is an error of the program."""
    program = "source log = typed()\nsink out = log -> null()\n"
    record = "{number: 7, word: 'x', when: '2026-01-01T00:00:00Z', more: {a: [1]}}"
    test = f"""test 'x' {{
      given log: [{record}, {{number: null}}]
      expect log == [{record}, {{number: null, word: null}}]
      expect log has 1 {{ number == 7 and word == 'x' and when == time('2026-01-01T00:00:00Z', 'iso8601') }}
    }}"""
    found = load(Source("a.pipe", program + test), catalog=with_typed())
    (case,) = found.checked.cases
    outcome = player(found, with_typed())(case)
    assert [verdict.why for verdict in outcome.verdicts] == ["", ""]
    wrong = load(
        Source("a.pipe", program + "test 'x' { given log: [{nummer: 1, word: 2}] expect log has 1 }"),
        catalog=with_typed(),
    )
    assert [diagnostic.message for diagnostic in wrong.diagnostics] == [
        "unknown field `nummer`",
        "`word` is a string, and this is an int",
    ]


def test_given_from_a_file(tmp_path) -> None:
    """The file's path is relative to the program; its lines are the records."""
    (tmp_path / "lines.txt").write_bytes(b"one\n\xff two\n")
    test = "test 'x' { given log from 'lines.txt' expect log == ['one', '\ufffd two'] }"
    assert failures(LINES + test, str(tmp_path / "a.pipe")) == []


def test_a_file_that_is_not_there_ends_the_test() -> None:
    """The test fails with the name of the file and what is wrong."""
    (outcome,) = played(LINES + "test 'x' { given log from 'nowhere.txt' expect log is empty }")
    assert outcome.error == "cannot read nowhere.txt: No such file or directory"
    assert not outcome.passed


def test_some_all_has_empty() -> None:
    """Each form of an expectation says how many events there are and how many fit."""
    assert why("""
        given log: ['1 a', '2 b', '3 b']
        expect parsed { key == 'b' }
        expect parsed { key == 'c' }
        expect parsed all { second > 0 }
        expect parsed all { key == 'b' }
        expect parsed has 3
        expect parsed has 2
        expect parsed has n { key == 'b' }
        expect parsed has 1 { key == 'b' }
        expect parsed is empty
        expect other is empty
        expect other { true }
        expect other all { true }
    """) == [
        "none of the 3 events satisfies key == 'c'",
        "1 event of 3 does not satisfy key == 'b'",
        "it has 3 events, not 2",
        "it has 2 events such that key == 'b', not 1",
        "it has 3 events",
        "there is no event at all",
        "there is no event at all",
    ]


def test_a_group_of_expectations_sees_what_came_since_the_one_before() -> None:
    """Neighbours see the same events; those of a node that were looked at once are not seen again."""
    assert not why("""
        given log: ['1 a']
        expect parsed has 1
        expect parsed has 1
        expect parsed.rejected is empty
        given log: ['x']
        expect parsed is empty
        given log: ['2 b']
        expect parsed == [{key: 'b'}]
        expect parsed.rejected has 1
        expect log has 3
    """)


def test_advance_lets_windows_end_to_the_microsecond() -> None:
    """Time stands still but for what a test advances, and then passes exactly so far."""
    assert not why("""
        given log: ['1767225601 a'] at 0:00:01
        advance 13.999s
        expect facts is empty
        advance 1ms
        expect facts == [{value: 1, revision: 1}]
        expect kept has 1
    """)


def test_a_day_takes_no_time() -> None:
    """A test of a month with windows that are held runs in well under a second of this process's time."""
    found = loaded(LINES + "test 'x' { given log: ['1 a', '1767225601 a'] advance 30d expect facts has 2 }")
    play = player(found)
    play(found.checked.cases[0])
    begun = time.process_time()
    assert play(found.checked.cases[0]).passed
    assert time.process_time() - begun < 1


def test_restart_keeps_what_was_committed() -> None:
    """A clean stop and a start: progress, open windows and what waits for a sink are in the state."""
    assert not why("""
        fail raw for 1h
        given log: ['1767225601 a'] at 0:00:01
        restart
        given log: ['1767225602 a']
        restart
        advance 1m
        restart
        expect facts == [{value: 2, revision: 1}]
        expect raw is empty
        advance 1h
        expect raw == ['1767225601 a', '1767225602 a']
    """)


def test_crash_loses_nothing_and_repeats_nothing() -> None:
    """However often the process is killed in the middle of a commit."""
    lines = " ".join(f"given log: ['{1767225601 + number} a'] crash" for number in range(6))
    assert not why(f"""
        {lines}
        advance 1m
        crash
        expect raw has 6
        expect facts == [{{value: 6, revision: 1}}]
        crash
        advance 1m
        expect facts is empty
        expect log has 6
    """)


def test_a_crash_takes_what_was_not_synced() -> None:
    """It comes before the first sync of a commit: nothing of the batch is durable, and it is read again."""

    def crashed(restart: str) -> int:
        found = loaded(f"{LINES}\ntest 'x' {{ given log: ['1 a'] {restart} given log: ['2 b'] expect log has 2 }}")
        (outcome,) = [player(found)(case) for case in found.checked.cases]
        assert outcome.passed
        return outcome.lost

    assert (crashed("restart"), crashed("crash")) == (0, 1)


def test_a_sink_that_fails_gets_everything_later() -> None:
    """While a sink fails nothing is delivered to it, and others are."""
    assert not why("""
        given log: ['1 a'] at 10:00:00
        expect raw has 1
        fail raw for 30s
        given log: ['2 b']
        advance 29.999s
        expect raw is empty
        expect log has 2
        advance 1ms
        expect raw == ['2 b']
    """)


def test_the_output_of_the_program_encodes_too() -> None:
    """A sink rejects what its output cannot write, though nothing is written."""
    assert not why("""
        given other: ['x']
        expect raw == ['x']
        expect raw.rejected is empty
    """)


def test_settings_reach_the_tests() -> None:
    """`--set` gives a constant of the program another value in its tests, too."""
    text = LINES + "test 'x' { given log: ['a'] expect log has n }"
    assert [outcome.passed for outcome in played(text)] == [False]
    assert [outcome.passed for outcome in played(text, settings={"n": "1"})] == [True]


def test_what_fails_is_told_to_the_character() -> None:
    """Where, what was expected and found, and the rows of every node with the reasons of those that were rejected."""
    test = """test "shown" {
  given log: ['1767225601 a', 'x'] at 0:00:01
  advance 1m
  expect facts == [{metric: 'hits', by: {key: 'b'}, value: 1}, {metric: 'hits'}]
  expect parsed { key == 'b' }
}
"""
    assert failures(LINES + test) == [
        """\
a.pipe:15:3: error P507: expectation of facts not met: it has other events than the 2 of the list
   15 |   expect facts == [{metric: 'hits', by: {key: 'b'}, value: 1}, {metric: 'hits'}]
      |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
- expected, + found:
  - 1. {metric: 'hits', by: {key: 'b'}, value: 1}
    2. {metric: 'hits'}
a.pipe:16:3: error P507: expectation of parsed not met: the only event does not satisfy key == 'b'
   16 |   expect parsed { key == 'b' }
      |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
found:
    {second: 1767225601, key: 'a'}
rows by node, at the end:
  log     2 in
  other   nothing
  parsed  2 in, 1 rejected, 1 out
          rejected 1 by grok: no_match (no match), such as 'x'
  facts   1 in, 1 windowed, 1 facts, 1 out
  split   2 in, 2 rejected
          rejected 1 by json: not_json (JSON, but not an object), such as '1767225601 a'
          rejected 1 by json: not_json (a value is missing, or the text ends too early), such as 'x'
  kept    1 in, 1 out, 1 delivered
  raw     2 in, 2 out, 2 delivered
  bad     0 delivered
  rest    0 delivered"""
    ]
