"""Lines such as `[db] connection lost`, read and written."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
from pipeline import api


class Options(api.Options):
    pass


class Tagged(api.Codec[Options], api=1):
    """Lines that begin with a tag: `[tag] message`. A line without one is rejected as `no_tag`.

    Written: the fields `tag` and `message`; what is null is empty, and line breaks are blanks."""

    name = "tagged"
    options_model = Options
    example = """
source access = generate(count: 100)
transform lines = access
  | grok('%{NGINX_COMBINED}')
  | set { line = "[{method}] {path}" }
  | decode(tagged, field: line)
sink out = lines | keep(tag, message) -> file("out/tagged.log", format: tagged)
"""
    extension = ".log"
    fixed = True

    def schema(self) -> api.Columns:
        return api.Columns({"tag": api.STRING, "message": api.STRING})

    def decode(self, texts: pl.Series, received: pl.Series) -> api.Decoded:
        parts = texts.str.extract_groups(r"(?s)^\[(?<tag>[^\]]+)\] (?<message>.*)$").struct.unnest()
        reason = parts.select(pl.when(pl.col("tag").is_null()).then(pl.lit("no_tag"))).to_series()
        return api.Decoded(parts, reason=reason)

    def accept(self, columns: api.Columns, metadata: Sequence[str]) -> None:
        for name, kind in self.schema().fields.items():
            if columns.fields.get(name) != kind:
                raise api.OptionError(f"there is no text `{name}`", "format", "make one: set { tag = 'web' }")

    def uses(self) -> frozenset[str]:
        return frozenset(self.schema().fields)

    def encode(self, frame: pl.DataFrame, columns: api.Columns, metadata: Sequence[str]) -> bytes:
        text = (pl.col(name).fill_null("").str.replace_all(r"[\r\n]", " ") for name in ("tag", "message"))
        lines = frame.select(pl.format("[{}] {}\n", *text)).to_series()
        return "".join(lines).encode()
