"""The programs of the project hold what their tests say: those in configs/, those on the pages, and the tables of windows and sessions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from programs import ROOT, failures, loaded, played

FENCED = re.compile(r"^```pipe\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROGRAMS = [path for path in sorted((ROOT / "configs").rglob("*.pipe")) if path.parent.name != "tests"]
WINDOWS = ROOT / "tests/language/windows.pipe"
BESIDE = [
    WINDOWS,
    ROOT / "tests/language/sessions.pipe",
    ROOT / "tests/language/joins.pipe",
    *sorted((ROOT / "configs").rglob("tests/*.pipe")),
]
EXAMPLES = sorted((ROOT / "docs/examples").glob("*.md"))
PAGES = [ROOT / "README.md", ROOT / "docs/language.md", ROOT / "docs/from-other-languages.md"]
PLUGINS = [*sorted((ROOT / "docs/plugins").glob("*/*.md"))]
SHOWN = [(page, number) for page in PAGES for number in range(1, len(FENCED.findall(page.read_text())) + 1)]
TESTED = [
    (page, number)
    for page in EXAMPLES
    for number, text in enumerate(FENCED.findall(page.read_text(encoding="utf-8")), 1)
    if "\ntest " in text
]


def program(page: Path, number: int) -> str:
    return FENCED.findall(page.read_text(encoding="utf-8"))[number - 1]


@pytest.mark.parametrize("path", BESIDE, ids=lambda path: path.stem)
def test_a_program_passes_its_tests(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test in the file holds, and there are some."""
    monkeypatch.chdir(ROOT)  # tables that a program names are found from here
    text = path.read_text(encoding="utf-8")
    assert text.count("\ntest ") > 0
    assert failures(text, str(path)) == []


def test_every_row_of_the_table_of_windows_is_a_test_that_passes() -> None:
    """docs/language.md says of windows what a test of the same name shows."""
    table = (
        (ROOT / "docs/language.md").read_text(encoding="utf-8").split("<!-- windows -->")[1].split("<!-- end -->")[0]
    )
    rows = [": ".join(cells) for cells in re.findall(r"^\| (.*) \| (.*) \|$", table, re.MULTILINE)]
    text = WINDOWS.read_text(encoding="utf-8")
    assert rows == [outcome.case.name for outcome in played(text, str(WINDOWS)) if outcome.passed]
    assert {name.split(":")[0] for name in rows} >= CASES


CASES = {
    *("late", "idle", "out of order", "equal stamps", "gaps", "1970", "2099", "daylight saving time", "local times"),
    *("sliding", "kept", "revisions", "extra parts"),
}


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.name)
def test_every_program_of_configs_has_tests(path: Path) -> None:
    """Beside each program there is a file that includes it and tests it."""
    assert f'include "../{path.name}"' in (path.parent / "tests" / path.name).read_text(encoding="utf-8")


@pytest.mark.parametrize(("page", "number"), [*SHOWN, *TESTED], ids=lambda part: getattr(part, "stem", str(part)))
def test_a_program_on_a_page_passes_its_tests(page: Path, number: int) -> None:
    """The program as it is shown does what the tests for it say."""
    text = program(page, number)
    if "\ntest " not in f"\n{text}":
        text += (ROOT / f"tests/language/pages/{page.stem}-{number}.pipe").read_text(encoding="utf-8")
    assert failures(text) == []


@pytest.mark.parametrize("page", PLUGINS, ids=lambda page: page.stem)
def test_the_example_of_a_plugin_can_be_tested(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the source of the example is given goes through it, or is rejected by its codec."""
    (tmp_path / "statuses.csv").write_text("status,meaning,retry\n200,OK,no\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    text = program(page, 1)
    graph = loaded(text).graph
    assert graph is not None
    (source,) = (stage.name for stage in graph.sources)
    (outcome,) = played(f"{text}\ntest 'read' {{ given {source}: ['x'] expect {source} is empty }}")
    assert (outcome.error, outcome.counts[source, "in"]) == ("", 1)
