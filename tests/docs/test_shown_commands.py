"""Commands that the pages show are commands."""

from __future__ import annotations

import re
from collections.abc import Sequence

import click
import pytest
from pages import ROOT, commands

from pipeline.cli import COMMANDS
from pipeline.cli.group import CommandsByName
from pipeline.columns.grok import Grok
from pipeline.lang import Source
from pipeline.plan.catalog import Catalog
from pipeline.plan.load import load, load_query

SHOWN = [(text, words) for text, words in commands() if words[0] != "COMMAND"]


def parsed(words: Sequence[str]) -> click.Context:
    """The innermost command's context, with its arguments read and nothing run."""
    command: click.Command = CommandsByName(COMMANDS)
    context, rest = command.make_context("pipe", list(words), resilient_parsing=False), list(words)
    while isinstance(command, click.Group):
        name, found, rest = command.resolve_command(context, rest)
        assert found is not None, name
        command = found
        context = command.make_context(name or "", list(rest), parent=context)
    return context


@pytest.mark.parametrize(("text", "words"), SHOWN, ids=[text for text, _ in SHOWN])
def test_commands_can_be_called(text: str, words: list[str]) -> None:
    """The command exists and takes these options and arguments; only the file may be left out in running text."""
    try:
        parsed(words)
    except click.exceptions.Exit as finished:
        code = finished.exit_code
    except click.MissingParameter as error:
        code = 0 if isinstance(error.param, click.Argument) else 1
    else:
        code = 0
    assert code == 0, text


def test_programs_in_commands_have_no_errors(catalog: Catalog) -> None:
    """Queries, programs of -e and grok patterns on the command line pass the checker."""
    seen = set()
    for text, words in SHOWN:
        if "…" in text or len(words) < 2:
            continue
        if words[0] == "query":
            seen.add("query")
            assert load_query(Source(text, words[1]), catalog=catalog).graph is not None, text
        elif words[:2] == ["run", "-e"] and len(words) > 2:
            seen.add("run")
            assert load(Source(text, words[2]), catalog=catalog).graph is not None, text
        elif words[0] == "grok":
            seen.add("grok")
            assert Grok(words[1]).captures, text
    assert seen == {"query", "run", "grok"}


def test_every_command_is_described() -> None:
    """docs/commands.md shows every command."""
    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"\n    pipe {name}" not in text] == []


def test_make_targets_exist() -> None:
    """What the README makes can be made."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    asked = set(re.findall(r"(?:^ {4}|`)make ([a-z]+)", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert asked
    assert asked <= targets
