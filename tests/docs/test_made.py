"""Pages, and parts of pages, that are made from the code, and lists that must be whole."""

from __future__ import annotations

import re

import pytest
from pages import ROOT
from tables import LANGUAGE, filled

from pipeline.columns.types import METADATA
from pipeline.errors import PipeError
from pipeline.lang.codes import CODES
from pipeline.plan.catalog import KINDS, Catalog
from pipeline.plan.pages import find, pages

PLUGINS = ROOT / "docs" / "plugins"


def test_plugin_pages_are_up_to_date(catalog: Catalog) -> None:
    """docs/plugins is what `make docs` writes, and nothing else."""
    there = {str(path.relative_to(PLUGINS)): path.read_text(encoding="utf-8") for path in PLUGINS.rglob("*.md")}
    made = pages(catalog)
    stale = [name for name in {*there, *made} if there.get(name) != made.get(name)]
    assert not stale, "run `make docs`"


def test_tables_of_the_language_are_up_to_date(catalog: Catalog) -> None:
    """Functions, diagnostics and guarantees in docs/language.md are those of the code, cases of windows those of their tests."""
    text = LANGUAGE.read_text(encoding="utf-8")
    assert filled(text, catalog) == text, "run `python tests/docs/tables.py`"


@pytest.mark.parametrize("kind", ["inputs", "filters", "outputs", "codecs"])
def test_every_option_is_on_its_page(catalog: Catalog, kind: str) -> None:
    """A plugin's page names each of its options."""
    for name in catalog.names(kind):  # type: ignore[arg-type]
        page = (PLUGINS / kind / f"{name}.md").read_text(encoding="utf-8")
        model = find(catalog, kind, name).options_model  # type: ignore[arg-type, union-attr]
        for option in model.named():
            if option not in model.defined():
                assert ("| `{ … }` |" if option == "block" else f"| `{option}`") in page, (name, option)


def test_every_name_is_in_the_index(catalog: Catalog) -> None:
    """The index names every plugin of every kind."""
    index = (PLUGINS / "README.md").read_text(encoding="utf-8")
    for kind in KINDS:
        for name in catalog.names(kind):
            assert f"- `{name}`:" in index or f"- [`{name}`]({kind}/{name}.md):" in index, (kind, name)


def test_every_function_and_code_is_in_the_reference(catalog: Catalog) -> None:
    """docs/language.md has a row for each function and for each diagnostic code."""
    text = LANGUAGE.read_text(encoding="utf-8")
    assert [name for name in catalog.names("functions") if f"\n| `{name}(" not in text] == []
    assert [code for code in CODES if f"\n| {code} | **" not in text] == []


def test_every_metadata_column_is_in_the_reference() -> None:
    """The table of metadata has each column with its type."""
    found = dict(re.findall(r"\n\| `(@\w+)` \| (\w+) \|", LANGUAGE.read_text(encoding="utf-8")))
    assert found == {name: kind.kind for name, kind in METADATA.items()}


def test_every_exit_code_is_in_the_reference() -> None:
    """The table of exit codes has those of all errors."""

    def all_of(kind: type[PipeError]) -> set[int]:
        return {kind.exit_code}.union(*(all_of(below) for below in kind.__subclasses__()))

    table = LANGUAGE.read_text(encoding="utf-8").partition("<!-- exits -->")[2]
    assert all_of(PipeError) | {0, 1, 130} == {int(code) for code in re.findall(r"\n\| (\d+) \|", table)}
