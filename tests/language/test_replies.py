"""Resolvers in tests of programs: the test answers, nobody is asked."""

from __future__ import annotations

from pipeline import api
from pipeline.lang.spans import Source
from pipeline.plan.catalog import Catalog
from pipeline.plan.load import Loaded, load
from pipeline.trials.program import player


class Options(api.ResolverOptions):
    field: api.Field = api.option("What to ask for.")


class Owner(api.Resolver[Options]):
    """Asks a server that is not there."""

    name = "owner"
    options_model = Options
    example = ""

    def keys(self, frame):
        return self.options.field.values(frame)

    def adds(self):
        return {"owner": api.STRING, "racks": api.INT}

    async def open(self, ctx):
        raise AssertionError("a test opened a resolver")

    async def fetch(self, keys):
        raise AssertionError("a test asked somebody")


CATALOG = Catalog.installed().also("filters", "owner", Owner)

PROGRAM = """
source log = file("a.log")
transform named = log | grok('^%{WORD:host}$') | owner(host, missing: reject)
transform counted = named | window(1m) { n = count() } | owner(metric)
sink out = counted -> file("x.ndjson")
"""


def checked(test: str) -> Loaded:
    return load(Source("p.pipe", PROGRAM + test), catalog=CATALOG)


def passes(test: str) -> None:
    found = checked(test)
    assert found.diagnostics == ()
    (case,) = found.checked.cases
    outcome = player(found, CATALOG)(case)
    assert (outcome.error, [verdict.why for verdict in outcome.verdicts if not verdict.held]) == ("", [])


def test_a_test_gives_the_answers() -> None:
    """From then on; what it does not answer has none, and a later answer counts for later rows."""
    passes("""
test "owners" {
  given named: [{key: 'web1', owner: 'red', racks: 3}]
  given log: ['web1', 'web2']
  expect named == [{host: 'web1', owner: 'red', racks: 3}]
  expect named.rejected == ['web2']
  given named: [{key: 'web2', owner: 'blue'}]
  given log: ['web2', 'web1']
  expect named == [{host: 'web2', owner: 'blue', racks: null}, {host: 'web1', owner: 'red'}]
}
""")


def test_facts_are_answered_too() -> None:
    """Behind a window, after a crash too."""
    passes("""
test "facts" {
  given counted: [{key: 'n', owner: 'us'}]
  given named: [{key: 'web1', owner: 'red'}]
  given log: ['web1']
  crash
  advance 2m
  expect counted == [{metric: 'n', value: 1, owner: 'us'}]
}
""")


def test_an_answer_without_a_key_is_an_error() -> None:
    (found,) = checked("test 'x' { given named: [{owner: 'red'}] expect named is empty }").diagnostics
    assert (found.code, found.message) == ("P505", "an answer is a map with the key that it is for")
    assert found.help == "write {key: …, owner: …, racks: …}"


def test_an_answer_has_the_fields_of_the_resolver() -> None:
    """A name that it does not add is misspelt, and a value has its type."""
    found = checked("test 'x' { given named: [{key: 'a', owner: 1, rack: 2}] expect named is empty }").diagnostics
    assert [each.code for each in found] == ["P302", "P301"]


def test_only_a_stage_with_a_resolver_is_answered() -> None:
    """Others are no sources."""
    program = PROGRAM.replace("| owner(host, missing: reject)", "").replace("| owner(metric)", "")
    found = load(Source("p.pipe", program + "test 'x' { given named: ['a'] expect named is empty }"), catalog=CATALOG)
    assert [each.message for each in found.diagnostics] == ["`named` is not a source"]
