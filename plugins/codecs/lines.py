"""Plain lines."""

from __future__ import annotations

import polars as pl

from pipeline import api


class Options(api.Options):
    pass


class Lines(api.Codec[Options]):
    """Lines of text: the field `message` is the record. With `charset` it is text of another encoding; `@raw` has the bytes as
    they came."""

    name = "lines"
    options_model = Options
    example = """
source access = file("/var/log/nginx/access.log*", codec: lines, charset: 'latin-1')
sink out = access -> console()
"""

    def schema(self) -> api.Columns:
        return api.Columns({"message": api.STRING})

    def decode(self, texts: pl.Series, received: pl.Series) -> api.Decoded:
        return api.Decoded(pl.DataFrame([texts.alias("message")]))
