"""The written pages, and the blocks of code in them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
FENCED = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"(?:^ {4}.*\n)+", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A block of code: `kind` is what follows the back-ticks, `line` where it starts."""

    page: Path
    line: int
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(*kinds: str) -> list[Block]:
    """All fenced blocks of these kinds, on all pages."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        found += [
            Block(page, text.count("\n", 0, match.start()) + 1, match[1], match[2])
            for match in FENCED.finditer(text)
            if match[1] in kinds
        ]
    return found


def commands() -> Iterator[tuple[str, list[str]]]:
    """Every `pipe …` of README.md, the pages directly in docs/ and the examples: (text, words after `pipe`)."""
    for page in PAGES:
        if page.parent.name not in (ROOT.name, "docs", "examples"):
            continue
        text = FENCED.sub("", page.read_text(encoding="utf-8"))
        lines = [line.strip() for match in INDENTED.finditer(text) for line in match[0].splitlines()]
        inline = re.findall(r"`(pipe [a-z-][^`…]*?)…?`", INDENTED.sub("", text))
        for command in (*lines, *inline):
            if command.startswith("pipe "):
                yield command, shlex.split(command.partition(" < ")[0], comments=True)[1:]
