"""Texts as parts of addresses: `Hello, World!` becomes `hello-world`."""

from __future__ import annotations

import polars as pl
from pipeline import api


def _slug(text: pl.Expr) -> pl.Expr:
    return text.str.to_lowercase().str.replace_all(r"[^\p{L}\p{N}]+", "-").str.strip_chars("-")


slug = api.Function(
    name="slug",
    doc="A text in small letters and digits with `-` for everything between them.",
    parameters=(api.Parameter("text", "The text.", ("string",)),),
    returns=api.STRING,
    build=_slug,
    examples=(api.Example("slug('Hello, World!')", "hello-world"), api.Example("slug('--')", "")),
    api=1,
)
