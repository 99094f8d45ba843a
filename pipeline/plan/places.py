"""Local files that a program writes: no two sinks into one, none into what a source reads."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from pipeline.lang import ast
from pipeline.lang.diagnostics import Label
from pipeline.plan.findings import Findings
from pipeline.plan.graph import Stage

_MAGIC = re.compile(r"[*?\[]")


def check_places(
    stages: Mapping[str, Stage],
    statements: Mapping[str, ast.Statement],
    findings: Findings,
    real: Callable[[str], str],
) -> None:
    """Report sinks whose path is another sink's, or is matched by a source's globs. `real` gives the one path that several
    may come to.

    Only paths without fields can be compared here; the store refuses the others when it opens them."""
    written: dict[str, str] = {}
    for stage in stages.values():
        path = _path(stage, real)
        statement = statements.get(stage.name)
        if path is None or not isinstance(statement, ast.SinkStatement):
            continue
        span = statement.output.span
        if path in written:
            other = statements[written[path]]
            labels = (Label(other.output.span, "here first"),) if isinstance(other, ast.SinkStatement) else ()
            findings.error(
                "P112",
                f"`{stage.name}` and `{written[path]}` write the same file",
                span,
                labels=labels,
                help="write one sink with both upstreams: sink NAME = [a, b] -> file(…)",
            )
        written.setdefault(path, stage.name)
        for source in stages.values():
            if source.input is not None and any(_names(glob, path, real) for glob in source.input.reads()):
                findings.error(
                    "P113",
                    f"`{stage.name}` writes into what `{source.name}` reads: the log would feed itself",
                    span,
                    help="write elsewhere, or leave the file out with `exclude:`",
                )


def _names(glob: str, path: str, real: Callable[[str], str]) -> bool:
    """Whether a glob names a real path; links are followed in the folders before its first wildcard."""
    parts = PurePosixPath(glob).parts
    at = next((at for at, part in enumerate(parts) if _MAGIC.search(part)), len(parts))
    folder = PurePosixPath(real(str(PurePosixPath(*parts[:at])))).parts
    written = PurePosixPath(path).parts
    return written[: len(folder)] == folder and _match(parts[at:], written[len(folder) :])


def _match(globs: Sequence[str], parts: Sequence[str]) -> bool:
    if not globs or not parts:
        return not parts and all(glob == "**" for glob in globs)
    if globs[0] == "**":
        return _match(globs[1:], parts) or _match(globs, parts[1:])
    return fnmatchcase(parts[0], globs[0]) and _match(globs[1:], parts[1:])


def _path(stage: Stage, real: Callable[[str], str]) -> str | None:
    """The one file that a sink writes, where that is known."""
    if stage.output is None or not stage.output.layout.in_place:
        return None
    template = stage.output.layout.path
    if template is None or template.holes or template.prefix.endswith("/"):
        return None
    return real(template.prefix)
