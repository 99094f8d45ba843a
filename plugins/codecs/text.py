"""A template."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pipeline import api
from pipeline.api import formats, templates


class Options(api.Options):
    template: api.Template = api.option('The text of a line, such as `"{@timestamp:%H:%M} {status} {path}"`.')


class Text(api.Codec[Options]):
    """One line of text for each event, from a template: `format: "{status} {path}"` for short.

    A missing value is nothing. A line break in a value is a space, so that a line is an event."""

    name = "text"
    options_model = Options
    example = """
source access = file("/var/log/nginx/access.log*", codec: nginx)
sink out = access -> file("out/short.log", format: "{time_local:%H:%M:%S} {status} {path}")
"""
    extension = ".log"

    def uses(self) -> frozenset[str] | None:
        return frozenset(hole.field.path[0] for hole in self.options.template.holes)

    def encode(self, frame: pl.DataFrame, columns: api.Columns, metadata: Sequence[str]) -> bytes:
        return formats.texts(templates.plain(self.options.template, frame))
