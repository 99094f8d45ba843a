"""The fallback engine: one pattern, row by row, with a time limit for each row."""

import polars as pl
import regex  # type: ignore[import-untyped]  # it has no stubs

from pipeline.columns.grok.expand import Expanded
from pipeline.columns.grok.failure import GrokError
from pipeline.columns.grok.names import MATCHED, REASON
from pipeline.columns.grok.render import Rendered


class Rows:
    """Runs any pattern, on the `regex` module. Time is bounded by `timeout` seconds a row, not by the pattern."""

    def __init__(self, expanded: Expanded, timeout: float) -> None:
        rendered = Rendered(expanded.tree, rust=False)
        try:
            self._regex = regex.compile(rendered.source, regex.ASCII)
        except (regex.error, RecursionError, OverflowError) as error:
            raise GrokError(f"the pattern cannot be compiled: {error}", 0, "simplify the pattern") from error
        self._timeout = timeout
        self._fields = [expanded.captures[index].field for index in rendered.fields]
        self._names = [c.field for c in expanded.captures]

    def match(self, text: pl.Series) -> pl.DataFrame:
        """The fields as String, null where empty; `@matched`; `@reason` is `timeout` where a row took too long.

        A field captured in several places is the first of them with a text.
        """
        rows: list[dict[str, str | bool]] = []
        for line in text.to_list():
            try:
                found = self._regex.search(line, timeout=self._timeout)
            except TimeoutError:
                rows.append({MATCHED: False, REASON: "timeout"})
                continue
            row: dict[str, str | bool] = {MATCHED: found is not None}
            for field, value in zip(self._fields, found.groups() if found else (), strict=False):
                if value:
                    row.setdefault(field, value)
            rows.append(row)
        schema = dict.fromkeys(self._names, pl.String()) | {MATCHED: pl.Boolean(), REASON: pl.String()}
        return pl.DataFrame(rows, schema=schema)
