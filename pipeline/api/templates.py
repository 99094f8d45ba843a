"""Templates over frames: for outputs whose paths depend on the event."""

from __future__ import annotations

import polars as pl

from pipeline.api.expressions import Template
from pipeline.columns import templates
from pipeline.columns.templates import safe

__all__ = ["plain", "render", "safe", "split"]


def render(template: Template, frame: pl.DataFrame) -> pl.Series:
    """The text of each row (String, never null): see `pipeline.columns.templates`."""
    return templates.render(template.parts, frame)


def split(template: Template, frame: pl.DataFrame) -> list[tuple[str, pl.DataFrame]]:
    """The rows of each rendered text, in their order; texts in the order of their first row."""
    return templates.split(template.parts, frame)


def plain(template: Template, frame: pl.DataFrame) -> pl.Series:
    """The text of each row as a person would write it: values as they are, nothing for a missing one."""
    return templates.plain(template.parts, frame)
