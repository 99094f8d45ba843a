"""The contract suite finds what is wrong with a plugin, and says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from planted_breaks import PLANTED, SOUND, Good, Post

from pipeline.testing import contract

GUIDE = Path(__file__).parents[2] / "docs" / "writing-plugins.md"


def check(plugin):
    contract.check(plugin, reset=Post.arrived.clear, effect=lambda: dict(Post.arrived))


@pytest.mark.parametrize("plugin", SOUND, ids=lambda plugin: plugin.__name__)
def test_sound_plugins_pass(plugin):
    """Without a planted break there is nothing to find."""
    check(plugin)


@pytest.mark.parametrize("what", PLANTED)
def test_a_planted_break_is_found(what):
    """The rule is named, with what was seen, what it demands and what to do."""
    plugin, rule = PLANTED[what]
    with pytest.raises(contract.ContractError) as caught:
        check(plugin)
    told = str(caught.value)
    assert rule in caught.value.rules
    part = next(part for part in told.split("\n\n") if part.startswith(f"{rule}: "))
    demand, advice = part.splitlines()[-2:]
    assert demand.startswith("    the rule: ")
    assert advice.startswith("    what to do: ")


def test_each_break_is_found_for_its_own_reason():
    """Only the rules that it breaks are named, where a break has one side only."""
    for what in (
        "changes metadata",
        "keeps a view of its chunk",
        "raises when it is closed twice",
        "has an option without a doc",
    ):
        plugin, rule = PLANTED[what]
        with pytest.raises(contract.ContractError) as caught:
            check(plugin)
        assert caught.value.rules == (rule,), what


def test_a_rule_that_is_left_out_is_not_asked():
    """`skip` names a rule and a reason; one that does not exist is an error."""
    plugin, rule = PLANTED["changes metadata"]
    contract.check(plugin, skip={rule: "a test"})
    with pytest.raises(TypeError, match="no rule is called rwos"):
        contract.check(Good, skip={"rwos": "a typing mistake"})


def test_a_program_that_does_not_name_the_plugin_shows_nothing():
    """What is checked is checked in a program."""
    with pytest.raises(contract.ContractError, match="the program does not name `length_of`"):
        contract.check(Good, "source a = generate(count: 1)\nsink b = a -> null()")


def test_all_rules_and_breaks_are_in_the_guide():
    """docs/writing-plugins.md has a row for each rule of each kind, and one for each planted break."""
    text = GUIDE.read_text(encoding="utf-8")
    for rules in contract.SUITES.values():
        for rule in rules():
            assert f"| `{rule.name}` |" in text
            assert rule.demand in text
    for what, (_, rule) in PLANTED.items():
        assert f"| {what} | `{rule}` |" in text
