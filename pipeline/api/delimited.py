"""Cells between delimiters, for codecs with a fixed number of columns."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import polars as pl

from pipeline.api.codecs import Decoded
from pipeline.api.members import TYPES, TypeName, typed
from pipeline.api.options import OptionError
from pipeline.columns.grok import MATCHED, Grok
from pipeline.columns.types import STRING, Columns


class Cells:
    """Records of named cells. A cell may be in quotes, where a quote is doubled; one that is empty, or `missing`, is null.

    Raises OptionError, of the options `columns`, `types` or `delimiter`, when these are no good."""

    def __init__(
        self,
        columns: Sequence[str],
        types: Mapping[str, TypeName],
        delimiter: str,
        *,
        option: str = "columns",
        missing: str = "",
    ) -> None:
        names = [name for name in columns if name != "_"]
        if at := next((name for name in names if name.startswith("@")), None):
            raise OptionError(
                f"{at!r} begins with `@`, as metadata does", "columns", f"name it {at.lstrip('@') or 'at'!r}"
            )
        if not columns or len(set(names)) < len(names) or not all(names):
            raise OptionError("name each column once, with `_` for those to leave out", option)
        if unknown := sorted(set(types) - set(names)):
            raise OptionError(f"there is no column {unknown[0]!r}", "types")
        if len(delimiter) != 1 or delimiter in '"\r\n':
            raise OptionError("the delimiter is one character, and neither a quote nor a line break", "delimiter")
        self.columns = Columns({name: TYPES[types[name]] if name in types else STRING for name in names})
        self._count = len(columns)
        self._delimiter = delimiter
        self._missing = missing
        self._places = {f"c{place}": name for place, name in enumerate(columns) if name != "_"}
        sign = re.escape(delimiter)
        cells = [rf'(?<c{place}>"(?:[^"]|"")*"|[^"{sign}][^{sign}]*|)' for place in range(len(columns))]
        self._grok = Grok(f"^{sign.join(cells)}$")

    def read(self, texts: pl.Series) -> Decoded:
        """The cells of each text, typed. Another number of cells, or a quote that is not closed, is `wrong_columns`."""
        found = self._grok.match(texts)
        wanted = found.select(pl.col(place).alias(name) for place, name in self._places.items())
        columns = wanted.with_columns(
            typed(self._value(pl.col(name), quoted=bool(wanted[name].str.starts_with('"').any())), kind).alias(name)
            for name, kind in self.columns.fields.items()
        )
        if found[MATCHED].all():
            return Decoded(columns)
        wrong = ~found[MATCHED]
        count = texts.str.replace_all(r'"(?:[^"]|"")*"', "").str.count_matches(self._delimiter, literal=True) + 1
        told = pl.select(
            pl.when(wrong).then(pl.lit("wrong_columns")).alias("reason"),
            pl.when(wrong & (count != self._count))
            .then(pl.format("{} columns instead of {}", count, self._count))
            .when(wrong)
            .then(pl.lit("a quote is not closed, or something follows it"))
            .alias("detail"),
        )
        return Decoded(columns, reason=told["reason"], detail=told["detail"])

    def _value(self, cell: pl.Expr, *, quoted: bool) -> pl.Expr:
        plain = cell if not self._missing else pl.when(cell != self._missing).then(cell)
        if not quoted:
            return plain
        inner = cell.str.slice(1, cell.str.len_chars() - 2).str.replace_all('""', '"', literal=True)
        return pl.when(cell.str.starts_with('"')).then(inner).otherwise(plain)
