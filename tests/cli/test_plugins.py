"""`pipe plugins`: the docs that plugins carry."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from command import Pipe

from pipeline.cli import main
from pipeline.plan.catalog import KINDS, Catalog, Kind
from pipeline.plan.pages import find, page, pages, summary

CATALOG = Catalog.installed()
DOCS = Path(__file__).parents[2] / "docs" / "plugins"


@pytest.mark.parametrize(
    ("kind", "name"),
    [(kind, name) for kind in ("inputs", "filters", "outputs", "codecs") for name in CATALOG.names(kind)],
)
def test_a_page_has_every_option(kind: Kind, name: str) -> None:
    """The page of each plugin names all its options, with their docs, and its example."""
    plugin = find(CATALOG, kind, name)
    told = page(kind, name, plugin)
    for option, info in plugin.options_model.named().items():
        if option in plugin.options_model.defined():
            continue
        assert f"| `{option}`" in told or (option == "block" and "| `{ … }` |" in told)
        assert info.description, f"{name}: {option} has no docs"
        assert " ".join(info.description.split()).replace("|", "\\|") in told
    assert plugin.example.strip().splitlines()[-1].strip() in told


@pytest.mark.parametrize("kind", KINDS)
def test_every_plugin_has_a_summary(kind: Kind) -> None:
    """A sentence for the list."""
    for name in CATALOG.names(kind):
        assert re.fullmatch(r"\S.*[.:)]", summary(find(CATALOG, kind, name))), name


def test_the_page_of_the_window(pipe: Pipe) -> None:
    """Types and defaults are in the words of the language."""
    told = pipe("plugins", "window").stdout.decode()
    assert told.startswith("# filter `window`\n")
    assert "| `size` | duration | required |" in told
    assert "| `keep` | duration | `1h` |" in told
    assert "| `on` | field | |" in told
    assert "| `by` | list of fields | `[]` |" in told


def test_a_name_of_several_kinds_has_several_pages(capsys: pytest.CaptureFixture[str]) -> None:
    """`file` is an input and an output."""
    assert main(["plugins", "file"]) == 0
    told = capsys.readouterr().out
    assert "# input `file`" in told
    assert "# output `file`" in told


def test_the_list_has_them_all(pipe: Pipe) -> None:
    """Kind and name of every plugin."""
    listed = {tuple(line.split()[:2]) for line in pipe("plugins").stdout.decode().splitlines()[2:]}
    assert {(kind[:-1], name) for kind in KINDS for name in CATALOG.names(kind)} <= listed


def test_markdown_writes_all_pages(tmp_path: Path) -> None:
    """A file for each page, and an index."""
    assert main(["plugins", "--markdown", str(tmp_path)]) == 0
    written = {str(path.relative_to(tmp_path)): path.read_text() for path in tmp_path.rglob("*.md")}
    assert written == pages(CATALOG)
    assert {"README.md", "functions.md", "aggregates.md", "filters/window.md"} <= set(written)


def test_the_docs_are_those_of_the_plugins() -> None:
    """docs/plugins does not drift from the plugins; `make docs` writes it anew."""
    kept = {str(path.relative_to(DOCS)): path.read_text() for path in DOCS.rglob("*.md")}
    assert kept == pages(CATALOG)
