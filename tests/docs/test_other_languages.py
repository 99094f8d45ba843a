"""What docs/from-other-languages.md names on our side exists."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from pages import ROOT

from pipeline.columns.types import METADATA
from pipeline.lang import Source, parse_expression
from pipeline.plan.catalog import KINDS, Catalog

PAGE = (ROOT / "docs" / "from-other-languages.md").read_text(encoding="utf-8")
TABLES = re.findall(r"<!-- (\w+) -->\n\| there \| here \|\n\|---\|---\|\n(.*?)<!-- end -->", PAGE, re.DOTALL)
PORT = "NAME.rejected"


def rows(table: str) -> Iterator[tuple[str, list[str]]]:
    """The left cell of each row, and what stands in back-ticks in the right one."""
    for line in table.splitlines():
        there, here = re.split(r"(?<!\\)\|", line.strip("|"), maxsplit=1)
        yield there.strip(), [span.replace("\\|", "|") for span in re.findall(r"`([^`]+)`", here)]


@pytest.mark.parametrize(("name", "table"), TABLES, ids=[name for name, _ in TABLES])
def test_what_is_named_exists(name: str, table: str, catalog: Catalog) -> None:
    """Our side is expressions whose functions exist, names of filters and aggregates, metadata, or the port of rejected rows."""
    functions = set(catalog.names("functions"))
    plugins = {plugin for kind in KINDS for plugin in catalog.names(kind)} - functions
    for there, spans in rows(table):
        assert spans, there
        for span in spans:
            assert parse_expression(Source(name, span)).diagnostics == (), span
            called = set(re.findall(r"(\w+)!?\(", re.sub(r"'[^']*'|/[^/]+/", "", span)))
            assert called <= functions, span
            assert not re.fullmatch(r"\w+", span) or span in plugins, span
            assert span == PORT or set(re.findall(r"@\w+", span)) <= METADATA.keys(), span


def test_there_are_three_tables() -> None:
    """One for each language, none of them empty."""
    assert [name for name, table in TABLES if table.strip()] == ["vrl", "bloblang", "logstash"]


def test_what_is_not_here_is_not_here(catalog: Catalog) -> None:
    """No function is in the left column of what is left out, but for names that mean something else here."""
    left_out = PAGE.partition("## What is not here")[2]
    named = {span for line in left_out.splitlines() for span in re.findall(r"`(\w+)`", line.split(" | ")[0])}
    assert named & set(catalog.names("functions")) == {"log", "string"}
