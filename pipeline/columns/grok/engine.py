"""Grok on a column of text."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

import polars as pl

from pipeline.columns.grok import scanner, stages
from pipeline.columns.grok.expand import Capture, Expanded, FieldType, expand
from pipeline.columns.grok.failure import GrokError
from pipeline.columns.grok.names import MATCHED, REASON
from pipeline.columns.grok.rewrite import Untranslatable
from pipeline.columns.grok.scanner import Scan, Scanner
from pipeline.columns.lines import decode
from pipeline.columns.native import kernels

Engine = Literal["native", "polars", "python"]

_DTYPES: dict[FieldType, pl.DataType] = {
    "string": pl.String(),
    "int": pl.Int64(),
    "float": pl.Float64(),
    "bool": pl.Boolean(),
}
_TRUE, _FALSE = ["true", "yes", "on", "1"], ["false", "no", "off", "0"]

_Attempt = Callable[[pl.Series], pl.DataFrame]
_ENGINES: tuple[Engine, ...] = ("native", "polars", "python")


class Grok:
    """Grok patterns, tried in order; the first that matches a row gives its fields.

    `captures` are the fields of all patterns with their types. `engine` is the slowest that a pattern needs: "native" is the
    scanner of the crate; "polars" is Polars' regex engine, both in linear time; "python" takes fifty times as long, and
    `reason` says why. Immutable, picklable and shared by threads. Raises `GrokError` when a pattern is wrong; `engine`
    forces one (for tests).
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
        expanded = [expand(pattern, definitions) for pattern in self.patterns]
        self.captures = _captures(expanded)
        engines: Sequence[Engine] = (engine,) if engine else _ENGINES if kernels else _ENGINES[1:]
        plans = [
            _plan(pattern, tree, definitions or {}, engines, timeout)
            for pattern, tree in zip(self.patterns, expanded, strict=True)
        ]
        self.engine: Engine = max((plan.engine for plan in plans), key=_ENGINES.index)
        self.reason = "; ".join(dict.fromkeys(p.reason for p in plans if p.engine == "python" and p.reason)) or None
        self._scanner = _scanner(plans, self.captures) if self.engine == "native" else None
        self._attempts = () if self._scanner else tuple(_attempts(plans, self.captures))
        self._made_with = (dict(definitions or {}), engine, timeout)

    def __reduce__(self) -> tuple[object, ...]:
        """What it was made of: automata are not pickled, and another process may have other engines."""
        return _remade, (self.patterns, *self._made_with)

    def match(self, text: pl.Series, *, strip_return: bool = False) -> pl.DataFrame:
        """A frame of the height of `text`: a column for each field, `@matched` and `@reason`.

        `text` is String or Binary; what is not UTF-8 is read as U+FFFD. With `strip_return` a `\\r` at the end of a row is
        not part of its text. A field is null where it did not take part, captured the empty text, or does not convert to
        its type: `int` is Int64, `float` Float64, `bool` Boolean (true/yes/on/1, false/no/off/0 in any case). A field
        captured in several places is the first of them that is not empty. `@reason` (String) is null where matched,
        else `missing` (the text is null), `timeout` or `no match`.
        """
        if self._scanner is not None:
            return self._scanner.match(text, strip_return=strip_return)
        if text.dtype == pl.Binary:
            text = decode(text)[0]
        if strip_return and bool(text.str.ends_with("\r").any()):
            text = text.str.strip_suffix("\r")
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

    def counters(self) -> dict[str, int]:
        """What the native scanner has cost so far (`pipeline.columns.native.GrokScanner`); empty on other engines."""
        return {} if self._scanner is None else self._scanner.counters()

    def _strings(self, text: pl.Series) -> pl.DataFrame:
        """`match` before the conversions: each attempt sees the rows that are still unmatched."""
        names = [c.field for c in self.captures]
        frame: pl.DataFrame | None = None
        waiting = text.is_not_null().arg_true()
        for attempt in self._attempts:
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


def _remade(patterns: Sequence[str], definitions: Mapping[str, str], engine: Engine | None, timeout: float) -> Grok:
    return Grok(patterns, definitions, engine=engine, timeout=timeout)


def _captures(expanded: Sequence[Expanded]) -> tuple[Capture, ...]:
    types: dict[str, FieldType] = {}
    for pattern in expanded:
        for capture in pattern.captures:
            known = types.setdefault(capture.field, capture.type)
            if known != capture.type:
                message = f"the field `{capture.field}` is {known} in one pattern and {capture.type} in another"
                raise GrokError(message, 0, "give it the same type in all patterns")
    return tuple(Capture(f, t) for f, t in types.items())


@dataclass(frozen=True, slots=True)
class _Plan:
    """How one pattern runs: on the scanner as `scans`, else as `attempts` on String, each on the rows still unmatched."""

    engine: Engine
    scans: tuple[Scan, ...] = ()
    attempts: tuple[_Attempt, ...] = ()
    reason: str | None = None


def _plan(
    pattern: str, expanded: Expanded, definitions: Mapping[str, str], engines: Sequence[Engine], timeout: float
) -> _Plan:
    """The first of `engines` that runs the pattern; `reason` is why the one before does not."""
    reason = None
    for engine in engines:
        try:
            if engine == "native":
                scans = scanner.scans(pattern, expanded, definitions)
                Scanner(scans, expanded.captures)
                return _Plan(engine, scans)
            if engine == "polars":
                steps = stages.steps(pattern, expanded, definitions)
                return _Plan(engine, attempts=tuple(step.match for step in steps))
        except Untranslatable as why:
            reason = str(why)
    if "python" in engines:
        from pipeline.columns.grok.rows import Rows  # brings `regex` along, which few programs need

        return _Plan("python", attempts=(Rows(expanded, timeout).match,), reason=reason)
    raise GrokError(f"the pattern cannot run on the {engines[-1]} engine: {reason}")


def _attempts(plans: Sequence[_Plan], captures: Sequence[Capture]) -> Iterator[_Attempt]:
    """What is tried in order, when not all patterns run natively: those side by side that do are one scanner."""
    for engine, group in groupby(plans, key=lambda plan: plan.engine):
        if engine == "native":
            yield _scanner([*group], [Capture(c.field, "string") for c in captures]).match
        else:
            yield from (attempt for plan in group for attempt in plan.attempts)


def _scanner(plans: Sequence[_Plan], captures: Sequence[Capture]) -> Scanner:
    return Scanner([scan for plan in plans for scan in plan.scans], captures)


def _unmatched(names: Sequence[str], height: int) -> pl.DataFrame:
    schema = dict.fromkeys(names, pl.String()) | {MATCHED: pl.Boolean(), REASON: pl.String()}
    return pl.DataFrame(schema=schema).clear(height).with_columns(pl.lit(False).alias(MATCHED))


def _complete(found: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    absent = [pl.lit(None, pl.String).alias(n) for n in [*names, REASON] if n not in found.columns]
    return found.with_columns(absent).select(*names, MATCHED, REASON)


def _merged(frame: pl.DataFrame, rows: pl.Series, found: pl.DataFrame) -> pl.DataFrame:
    """`frame` with the columns of `found` written into `rows`, which none of them had matched before."""
    return frame.with_columns(frame[c.name].clone().scatter(rows, c) for c in found.get_columns())
