"""docs/first-plugin.md, followed to the letter."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

from packages import Place

PAGE = Path(__file__).parents[2] / "docs" / "first-plugin.md"
STEPS = re.compile(r"^```(\w+)\n(.*?)^```$|^ {4}(\S[^\n]*)$", re.MULTILINE | re.DOTALL)


def steps():
    """What the page asks for, in order: ("run", command), ("save", file, text), ("see", JSON)."""
    text = PAGE.read_text(encoding="utf-8")
    at = 0
    for match in STEPS.finditer(text):
        kind, block, command = match[1], match[2], match[3]
        if command:
            yield "run", command
        elif kind == "json":
            yield "see", block
        else:
            names = re.findall(r"`([\w/]+\.(?:py|pipe))`", text[at : match.start()])
            yield "save", names[-1], block
        at = match.end()


def test_a_stranger_gets_there(tmp_path):
    """Every command of the page ends well, and shows what the page says."""
    place, folder, seen, done = Place(tmp_path), tmp_path, "", []
    for kind, *what in steps():
        match kind:
            case "save":
                (folder / what[0]).write_text(what[1], encoding="utf-8")
            case "see":
                shown = json.loads(seen.splitlines()[0])
                assert shown.keys() == json.loads(what[0]).keys()
                assert shown["length"] == len(shown["path"])
            case "run":
                words = shlex.split(what[0])
                done.append(what[0])
                if words[0] == "cd":
                    folder /= words[1]
                elif words[0] == "pip":
                    assert words == ["pip", "install", "-e", ".[test]"]
                    place.install(folder)
                else:
                    module = {"pipe": "pipeline", "pytest": "pytest"}[words[0]]
                    ended = place.run(module, *words[1:], cwd=folder)
                    assert ended.returncode == 0, (what[0], ended.stdout, ended.stderr)
                    seen = ended.stdout
    assert len(done) == 10
    rows = [json.loads(line) for line in (folder / "short.ndjson").read_text(encoding="utf-8").splitlines()]
    assert len(rows) > 900
    assert {len(row["user_agent"]) for row in rows} == {13}
    assert seen.startswith("# filter `shorten`\n\nCuts a text that is too long")


def test_the_mistake_that_it_suggests(tmp_path):
    """`most: 0` is shown with its place."""
    place = Place(tmp_path)
    assert place.run("pipeline", "new", "plugin", "filter", "shorten").returncode == 0
    folder = tmp_path / "pipe-shorten"
    place.install(folder)
    for kind, *what in steps():
        if kind == "save":
            (folder / what[0]).write_text(what[1].replace("most: 12", "most: 0"), encoding="utf-8")
    checked = place.run("pipeline", "check", "mine.pipe", cwd=folder)
    assert checked.returncode == 65
    assert "mine.pipe:4:" in checked.stderr
