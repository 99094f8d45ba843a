"""Grok on a column of text."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from pipeline.columns.grok import stages
from pipeline.columns.grok.expand import Capture, FieldType, expand
from pipeline.columns.grok.failure import GrokError
from pipeline.columns.grok.names import MATCHED, REASON
from pipeline.columns.grok.rows import Rows
from pipeline.columns.grok.rust import Untranslatable
from pipeline.columns.grok.stages import Step

Engine = Literal["polars", "python"]

_DTYPES: dict[FieldType, pl.DataType] = {
    "string": pl.String(),
    "int": pl.Int64(),
    "float": pl.Float64(),
    "bool": pl.Boolean(),
}
_TRUE, _FALSE = ["true", "yes", "on", "1"], ["false", "no", "off", "0"]


@dataclass(frozen=True, slots=True)
class _Pattern:
    steps: tuple[Step, ...]
    rows: Rows | None


class Grok:
    """Grok patterns, tried in order; the first that matches a row gives its fields.

    `captures` are the fields of all patterns with their types. `engine` is "polars" when every pattern runs on Polars'
    regex engine, in linear time; else "python", which takes ten to twenty times as long, and `reason` says why.
    Immutable and picklable. Raises `GrokError` when a pattern is wrong; `engine` forces one (for tests).
    """

    def __init__(
        self,
        patterns: str | Sequence[str],
        definitions: Mapping[str, str] | None = None,
        *,
        engine: Engine | None = None,
        timeout: float = 0.1,
    ) -> None:
        self.patterns = (patterns,) if isinstance(patterns, str) else tuple(patterns)
        if not self.patterns:
            raise GrokError("there is no pattern", 0, "give at least one")
        types: dict[str, FieldType] = {}
        compiled: list[_Pattern] = []
        reasons: list[str] = []
        for pattern in self.patterns:
            expanded = expand(pattern, definitions)
            for capture in expanded.captures:
                known = types.setdefault(capture.field, capture.type)
                if known != capture.type:
                    message = f"the field `{capture.field}` is {known} in one pattern and {capture.type} in another"
                    raise GrokError(message, 0, "give it the same type in all patterns")
            steps: tuple[Step, ...] = ()
            if engine != "python":
                try:
                    steps = stages.steps(pattern, expanded, definitions or {})
                except Untranslatable as why:
                    if engine == "polars":
                        raise GrokError(f"the pattern cannot run on Polars: {why}") from why
                    reasons.append(str(why))
            compiled.append(_Pattern(steps, None if steps else Rows(expanded, timeout)))
        self.captures = tuple(Capture(f, t) for f, t in types.items())
        self.engine: Engine = "polars" if all(c.steps for c in compiled) else "python"
        self.reason = "; ".join(dict.fromkeys(reasons)) or None
        self._compiled = tuple(compiled)

    def match(self, text: pl.Series) -> pl.DataFrame:
        """A frame of the height of `text` (String): a column for each field, `@matched` and `@reason`.

        A field is null where it did not take part, captured the empty text, or does not convert to its type: `int` is
        Int64, `float` Float64, `bool` Boolean (true/yes/on/1, false/no/off/0 in any case). A field captured in several
        places is the first of them that is not null. `@reason` (String) is null where matched, else `missing` (the text
        is null), `timeout` or `no match`.
        """
        frame = self._strings(text)
        typed = []
        for capture in self.captures:
            if capture.type == "bool":
                lowered = pl.col(capture.field).str.to_lowercase()
                truth = pl.when(lowered.is_in(_TRUE)).then(True).when(lowered.is_in(_FALSE)).then(False)
                typed.append(truth.alias(capture.field))
            elif capture.type != "string":
                typed.append(pl.col(capture.field).cast(_DTYPES[capture.type], strict=False))
        return frame.with_columns(typed) if typed else frame

    def _strings(self, text: pl.Series) -> pl.DataFrame:
        """`match` before the conversions: each attempt sees the rows that are still unmatched."""
        names = [c.field for c in self.captures]
        frame: pl.DataFrame | None = None
        waiting = text.is_not_null().arg_true()
        for attempt in self._attempts():
            if not waiting.len():
                break
            everything = waiting.len() == text.len()
            found = attempt(text if everything else text.gather(waiting))
            if everything:
                frame = _complete(found, names)
            else:
                frame = _merged(_unmatched(names, text.len()) if frame is None else frame, waiting, found)
            waiting = waiting.filter(~found[MATCHED])
        if frame is None:
            frame = _unmatched(names, text.len())
        if frame[MATCHED].all():
            return frame
        missing = pl.when(text.is_null()).then(pl.lit("missing")).otherwise(pl.lit("no match"))
        return frame.with_columns(pl.when(~pl.col(MATCHED)).then(pl.coalesce(REASON, missing)).alias(REASON))

    def _attempts(self) -> Iterator[Callable[[pl.Series], pl.DataFrame]]:
        for pattern in self._compiled:
            if pattern.rows is not None:
                yield pattern.rows.match
            else:
                yield from (step.match for step in pattern.steps)


def _unmatched(names: Sequence[str], height: int) -> pl.DataFrame:
    schema = dict.fromkeys(names, pl.String()) | {MATCHED: pl.Boolean(), REASON: pl.String()}
    return pl.DataFrame(schema=schema).clear(height).with_columns(pl.lit(False).alias(MATCHED))


def _complete(found: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    absent = [pl.lit(None, pl.String).alias(n) for n in [*names, REASON] if n not in found.columns]
    return found.with_columns(absent).select(*names, MATCHED, REASON)


def _merged(frame: pl.DataFrame, rows: pl.Series, found: pl.DataFrame) -> pl.DataFrame:
    """`frame` with the columns of `found` written into `rows`, which none of them had matched before."""
    return frame.with_columns(frame[c.name].clone().scatter(rows, c) for c in found.get_columns())
