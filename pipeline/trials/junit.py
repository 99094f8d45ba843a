"""Results as JUnit XML, which build servers read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import quoteattr


@dataclass(frozen=True)
class Result:
    """A test that was run: `problem` and `details` are empty where it passed. `seconds` of real time."""

    file: str
    line: int
    name: str
    seconds: float
    problem: str = ""
    details: str = ""


def junit(results: Sequence[Result]) -> str:
    """One `testsuite` a file, in order."""
    files = list(dict.fromkeys(result.file for result in results))
    failed = sum(bool(result.problem) for result in results)
    seconds = sum(result.seconds for result in results)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    lines.append(f'<testsuites tests="{len(results)}" failures="{failed}" time="{seconds:.3f}">')
    for file in files:
        own = [result for result in results if result.file == file]
        wrong = sum(bool(result.problem) for result in own)
        time = sum(result.seconds for result in own)
        lines.append(f'  <testsuite name={_attribute(file)} tests="{len(own)}" failures="{wrong}" time="{time:.3f}">')
        for result in own:
            lines += _case(result)
        lines.append("  </testsuite>")
    return "\n".join([*lines, "</testsuites>", ""])


def _case(result: Result) -> list[str]:
    head = (
        f"    <testcase classname={_attribute(result.file)} name={_attribute(result.name)} file={_attribute(result.file)} "
        f'line="{result.line}" time="{result.seconds:.3f}"'
    )
    if not result.problem:
        return [f"{head}/>"]
    details = _legal(result.details).replace("]]>", "]]]]><![CDATA[>")
    return [
        f"{head}>",
        f"      <failure message={_attribute(result.problem)}><![CDATA[{details}]]></failure>",
        "    </testcase>",
    ]


def _attribute(text: str) -> str:
    return quoteattr(_legal(text), {"\n": "&#10;"})


def _legal(text: str) -> str:
    """Without the characters that XML cannot have."""
    return "".join(
        c if c in "\t\n\r" or " " <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c >= "\U00010000" else "\ufffd"
        for c in text
    )
