"""`pipe new plugin`: packages that work as they are made."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from packages import Place

from pipeline.cli import main
from pipeline.cli.new import KINDS, package

HOUSE = Path(__file__).parents[2]
RUFF = HOUSE / "pyproject.toml"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.chdir(tmp_path)
    return Place(tmp_path)


def test_there_is_a_template_for_each_kind():
    """Folders of templates are the kinds."""
    assert KINDS == ("aggregate", "codec", "filter", "fold", "function", "input", "output", "resolver")


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_package_works_as_it_is(kind, place):
    """Made, installed, its tests pass, its page and its example are there, and it is in the house's format."""
    assert main(["new", "plugin", kind, f"my_{kind}"]) == 0
    made = place.folder / f"pipe-my-{kind}"
    assert {str(path.relative_to(made)) for path in made.rglob("*") if path.is_file()} == {
        "pyproject.toml", "README.md", ".gitignore", ".github/workflows/test.yml", "example.pipe",
        f"pipe_my_{kind}.py", f"tests/test_my_{kind}.py",
    }  # fmt: skip
    assert not any(
        "@" + word + "@" in path.read_text()
        for path in made.rglob("*.*")
        if path.is_file()
        for word in ("name", "example")
    )

    place.install(made)
    tests = place.run("pytest", "-q", "-W", "error", "-p", "no:cacheprovider", cwd=made)
    assert tests.returncode == 0, tests.stdout
    shown = place.run("pipeline", "run", "example.pipe", "--once", cwd=made)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout or list((made / "out").iterdir())
    page = place.run("pipeline", "plugins", f"my_{kind}")
    assert f"`my_{kind}" in page.stdout.splitlines()[0]
    code = [str(path) for path in made.rglob("*.py")]
    for command in (["ruff", "format", "--check"], ["ruff", "check", "--ignore", "INP001,S101,S603"]):
        # For its author pipe is a library like others.
        library = ["--config", 'lint.isort.known-third-party = ["pipeline"]', "--config", f"src = ['{made}']"]
        linted = place.run(*command, "--config", str(RUFF), *library, *code)
        assert linted.returncode == 0, linted.stdout + linted.stderr


def test_the_new_code_is_typed(place):
    """`mypy --strict` has nothing to say about the plugins."""
    files = [
        (path, text) for kind in KINDS for path, text in package(kind, f"my_{kind}").items() if path.startswith("pipe_")
    ]
    for path, text in files:
        (place.folder / path).write_text(text)
    # mypy does not follow an editable install, which is how pipe is installed here.
    checked = place.run(
        "mypy",
        "--strict",
        *(path for path, _ in files),
        "--cache-dir",
        str(place.folder / "cache"),
        MYPYPATH=str(HOUSE),
    )
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize(
    ("name", "told", "help"),
    [
        (
            "Redact",
            "`Redact` is no name for a plugin: small letters, digits and _, a letter first",
            "Did you mean `redact`?",
        ),
        (
            "9lives",
            "`9lives` is no name for a plugin: small letters, digits and _, a letter first",
            "Such as `redact_urls`.",
        ),
        ("../x", "`../x` is no name for a plugin: small letters, digits and _, a letter first", "Did you mean `x`?"),
        ("not", "`not` is a word of the language, or of Python", "Choose another name."),
        ("class", "`class` is a word of the language, or of Python", "Choose another name."),
        ("grok", "there is a filter `grok` already", "`pipe plugins grok` shows it. Choose another name."),
    ],
)
def test_names_that_cannot_be(name, told, help, place, capsys):
    """What is wrong with a name, and what to do; nothing is made."""
    assert main(["new", "plugin", "filter", name]) == 64
    said = capsys.readouterr().err
    assert told in said
    assert help in said
    assert list(place.folder.iterdir()) == []


def test_a_folder_that_is_there_is_left_alone(place, capsys):
    """Nobody's work is written over; an empty folder may be filled."""
    mine = place.folder / "mine"
    mine.mkdir()
    assert main(["new", "plugin", "filter", "short", "--folder", "mine"]) == 0
    (mine / "pipe_short.py").write_text("# mine")
    assert main(["new", "plugin", "filter", "short", "--folder", "mine"]) == 64
    assert "mine is there already" in capsys.readouterr().err
    assert (mine / "pipe_short.py").read_text() == "# mine"
    shutil.rmtree(mine)
    mine.touch()
    assert main(["new", "plugin", "filter", "short", "--folder", "mine"]) == 64


def test_a_kind_that_is_none(capsys):
    """The kinds are listed."""
    assert main(["new", "plugin", "filtre", "short"]) == 64
    assert "'filter'" in capsys.readouterr().err
