"""Local files that a program writes: no two sinks into one, none into what a source reads."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from posixpath import normpath

from pipeline.lang import ast
from pipeline.lang.diagnostics import Label
from pipeline.plan.findings import Findings
from pipeline.plan.graph import Stage


def check_places(stages: Mapping[str, Stage], statements: Mapping[str, ast.Statement], findings: Findings) -> None:
    """Report sinks whose path is another sink's, or is matched by a source's globs.

    Only paths without fields can be compared here; the store refuses the others when it opens them."""
    written: dict[str, str] = {}
    for stage in stages.values():
        path = _path(stage)
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
            if source.input is not None and any(fnmatchcase(path, normpath(glob)) for glob in source.input.reads()):
                findings.error(
                    "P113",
                    f"`{stage.name}` writes into what `{source.name}` reads: the log would feed itself",
                    span,
                    help="write elsewhere, or leave the file out with `exclude:`",
                )


def _path(stage: Stage) -> str | None:
    """The one file that a sink writes, where that is known."""
    if stage.output is None or not stage.output.layout.in_place:
        return None
    template = stage.output.layout.path
    if template is None or template.holes or template.prefix.endswith("/"):
        return None
    return normpath(template.prefix)
