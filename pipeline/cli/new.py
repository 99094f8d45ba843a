"""`pipe new plugin`: a package for a plugin of one's own, which passes its tests at once.

The packages are made of `templates/`: `package/` is what all have, the other folders are the kinds. A new kind is a new folder.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import click

from pipeline import __version__
from pipeline.cli.programs import installed
from pipeline.errors import ConfigurationError, UsageError
from pipeline.lang import Source, ast, parse_expression
from pipeline.plan.pages import SINGULAR

TEMPLATES = files("pipeline.cli").joinpath("templates")

PACKAGE = "package"

KINDS = tuple(sorted(folder.name for folder in TEMPLATES.iterdir() if folder.is_dir() and folder.name != PACKAGE))

LAYOUT: Mapping[str, str] = {
    "package/pyproject.toml": "pyproject.toml",
    "package/README.md": "README.md",
    "package/gitignore": ".gitignore",
    "package/test.yml": ".github/workflows/test.yml",
    "package/example.pipe": "example.pipe",
    "@kind@/plugin.py": "@module@.py",
    "@kind@/test.py": "tests/test_@name@.py",
}
"""Template → where it goes."""

GROUPS: Mapping[str, str] = {"fold": "filters"}
"""Kind → the group of entry points where plugins of it are, where that is not the one of its name."""

PLACES: Mapping[str, str] = {"fold": "filter", "resolver": "filter"}
"""Kind → the one whose names it shares, where programs use it in the place of another."""

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


@click.group("new")
def command() -> None:
    """Make a package for something of your own."""


@command.command("plugin")
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("name")
@click.option("--folder", metavar="DIR", help="Where to make it [default: ./pipe-NAME].")
def plugin(kind: str, name: str, folder: str | None) -> None:
    """Make a package for a plugin: code, an example, docs, tests, CI. It works as it is; then make it yours.

    KIND is what it adds to programs, NAME what programs call it."""
    _check(kind, name)
    place = Path(folder or _words(name)["distribution"])
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise UsageError(f"{place} is there already", "Name another folder with --folder DIR, or move it away.")
    try:
        for path, text in package(kind, name).items():
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"cannot write {error.filename}: {error.strerror}", "Check the path and its permissions."
        ) from error
    click.echo(f"{place} has the {kind} `{name}`. Next:\n\n    cd {place}\n    pip install -e '.[test]'\n    pytest")
    click.echo("    pipe run example.pipe --once")


def package(kind: str, name: str) -> dict[str, str]:
    """The files of a package: path → text."""
    words = {"kind": kind, "group": GROUPS.get(kind, f"{kind}s"), **_words(name)}
    words["object"] = name if kind == "function" else words["class"]
    program = _filled(_template(f"{kind}/example.pipe"), words)
    metric = TEMPLATES.joinpath(kind, "metric.pipe.in")
    made = {}
    for template, path in LAYOUT.items():
        # Of an aggregate the example in the code is a metric, and the program stands beside it.
        shown = _filled(metric.read_text("utf-8"), words) if metric.is_file() and template.endswith(".py") else program
        made[_filled(path, words)] = _filled(_template(_filled(template, words)), {**words, "example": shown})
    return made


def _words(name: str) -> dict[str, str]:
    return {
        "name": name,
        "class": "".join(part.capitalize() for part in name.split("_")),
        "module": f"pipe_{name}",
        "distribution": f"pipe-{name.replace('_', '-')}",
        "version": __version__,
    }


def _template(path: str) -> str:
    return TEMPLATES.joinpath(*f"{path}.in".split("/")).read_text("utf-8")


def _filled(text: str, words: Mapping[str, str]) -> str:
    for word, value in words.items():
        text = text.replace(f"@{word}@", value)
    return text


def _check(kind: str, name: str) -> None:
    """Raises UsageError for what cannot be the name of a new plugin."""
    if not NAME.fullmatch(name):
        better = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
        hint = f"Did you mean `{better}`?" if NAME.fullmatch(better) else "Such as `redact_urls`."
        raise UsageError(f"`{name}` is no name for a plugin: small letters, digits and _, a letter first", hint)
    call = parse_expression(Source("name", f"{name}(1)")).tree
    if not isinstance(call, ast.Call) or call.name.text != name or keyword.iskeyword(name):
        raise UsageError(f"`{name}` is a word of the language, or of Python", "Choose another name.")
    catalog = installed()
    place = PLACES.get(kind, kind)
    if any(name in catalog.names(each) for each, singular in SINGULAR.items() if singular == place):
        raise UsageError(
            f"there is {_article(place)} `{name}` already", f"`pipe plugins {name}` shows it. Choose another name."
        )


def _article(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"
