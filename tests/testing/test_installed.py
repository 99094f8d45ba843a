"""Plugins of others beside those of the house: loaded when a program names them, allowed or not, clear about what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from packages import Place

PYPROJECT = """
[project]
name = "{distribution}"
version = "2.1"
[project.entry-points."pipeline.filters"]
{points}
"""
PROGRAM = "source access = generate(count: 3)\ntransform t = access | NAME(\nsink out = t -> null()".replace(
    "(\n", "()\n"
)

CODE = """
from pipeline import api
class Options(api.Options):
    pass
class Same(api.Filter[Options]VERSION):
    "Changes nothing."
    name = "same"
    options_model = Options
    example = ""
    def schema(self, columns):
        return columns
    def apply(self, batch):
        return batch
"""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def install(place: Place, distribution: str, module: str, code: str, *names: str) -> None:
    package = place.folder / distribution
    package.mkdir()
    points = "\n".join(f'{name} = "{module}:{name.title()}"' for name in names)
    (package / "pyproject.toml").write_text(PYPROJECT.format(distribution=distribution, points=points))
    (package / f"{module}.py").write_text(code)
    place.install(package)


def run(place: Place, name: str, **variables: str):
    return place.run("pipeline", "run", "--once", "-e", PROGRAM.replace("NAME", name), **variables)


def good(*names: str, api: str = ", api=1") -> str:
    """The filter `same`, and others of these names."""
    further = (f'class {name.title()}(Same):\n    name = "{name}"\n' for name in names)
    return CODE.replace("VERSION", api) + "".join(further)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("this is no Python", "SyntaxError: invalid syntax"),
        ("raise SystemExit(0)", "the plugin `broken` is broken: SystemExit: 0"),
        ("import no_such_thing", "pip install no_such_thing"),
        ("raise RuntimeError('at home alone')", "RuntimeError: at home alone"),
        ("from pipeline.api import NothingOfTheKind", "ImportError: cannot import name 'NothingOfTheKind'"),
        ("import no_such_thing", "needs the Python package `no_such_thing`, which is not installed"),
        ("Other = 1", "has no attribute 'Broken'"),
    ],
)
def test_a_broken_plugin_disturbs_only_those_who_name_it(code, told, place):
    """Other programs run; the list of plugins says what is wrong; a program that names it has an error there."""
    install(place, "pipe-broken", "pipe_broken", code, "broken")
    install(place, "pipe-same", "pipe_same", good(), "same")
    fine = run(place, "same")
    assert (fine.returncode, fine.stderr) == (0, "")
    listed = place.run("pipeline", "plugins").stdout
    assert any("broken" in line and "cannot be used" in line for line in listed.splitlines())
    named = run(place, "broken")
    assert named.returncode == 65
    assert "P202" in named.stderr
    assert told in named.stderr


def test_another_version_of_the_contract_says_what_to_install(place):
    """A plugin of a later contract needs a later pipe; its distribution and version are named."""
    install(place, "pipe-later", "pipe_later", good("later", api=", api=2"), "later")
    done = run(place, "later")
    assert done.returncode == 65
    assert (
        "the plugin `later` of pipe-later 2.1 is written for version 2 of the plugin API, this is version 1"
        in done.stderr
    )
    assert "pip install --upgrade pipe-engine" in done.stderr


def test_an_earlier_version_of_the_contract_says_what_to_install(place):
    """A plugin of an earlier contract must be brought up to date."""
    install(place, "pipe-early", "pipe_early", good("early", api=", api=0"), "early")
    assert "pip install --upgrade pipe-early" in run(place, "early").stderr


def test_a_plugin_says_which_contract_it_was_written_for(place):
    """One of another distribution that does not say is refused: nobody knows of which contract it is."""
    install(place, "pipe-mute", "pipe_mute", good(api=""), "same")
    done = run(place, "same")
    assert done.returncode == 65
    assert "the plugin `same` of pipe-mute 2.1 does not say which contract it was written for" in done.stderr
    assert "class X(Filter[Options], api=1)" in done.stderr


def test_a_plugin_has_one_name(place):
    """That of the entry point is that of the class: its errors and its page are found under the name that programs use."""
    install(place, "pipe-other", "pipe_other", good() + "Other = Same", "other")
    done = run(place, "other")
    assert done.returncode == 65
    assert "the plugin `other` of pipe-other calls itself `same`" in done.stderr
    assert "pipeline.filters and to `name` of pipe_other:Other" in done.stderr


def test_two_plugins_of_one_name(place):
    """Both distributions are named, in programs that use the name; to allow one of them is a way out."""
    install(place, "pipe-one", "pipe_one", good("alone"), "same", "alone")
    install(place, "pipe-two", "pipe_two", good(), "same")
    done = run(place, "same")
    assert done.returncode == 65
    assert "`same` is defined by two distributions: pipe-one and pipe-two" in done.stderr
    assert "uninstall one of them, or allow only one: PIPE_PLUGINS=NAME,…" in done.stderr
    assert run(place, "alone").returncode == 0
    assert run(place, "same", PIPE_PLUGINS="pipe-two").returncode == 0


def test_a_name_of_the_house_is_taken(place):
    """Nobody takes the place of a plugin of the house unnoticed."""
    install(place, "pipe-mine", "pipe_mine", good("where"), "where")
    program = "source a = generate(count: 1)\ntransform t = a | where(true)\nsink out = t -> null()"
    done = place.run("pipeline", "run", "--once", "-e", program)
    assert "`where` is defined by two distributions: pipe-engine and pipe-mine" in done.stderr
    assert place.run("pipeline", "run", "--once", "-e", program, PIPE_PLUGINS="").returncode == 0


def test_only_allowed_plugins_can_be_named(place):
    """PIPE_PLUGINS lists distributions, however their names are written; empty, it allows the house's alone."""
    install(place, "pipe-same", "pipe_same", "raise SystemExit('imported')", "same")
    for allowed in ("", "pipe-other, pipe-more"):
        done = run(place, "same", PIPE_PLUGINS=allowed)
        assert done.returncode == 65
        assert "the plugin `same` is of the distribution pipe-same, which is not allowed here" in done.stderr
        assert "add pipe-same to PIPE_PLUGINS" in done.stderr
    assert run(place, "keep", PIPE_PLUGINS="").stderr.count("not allowed") == 0
    (place.folder / "pipe-same" / "pipe_same.py").write_text(good())
    assert run(place, "same", PIPE_PLUGINS="pipe-other Pipe_Same").returncode == 0
    assert run(place, "same").returncode == 0
