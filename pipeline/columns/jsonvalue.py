"""Values of JSON to what columns hold. A value that is not of the type asked for is null; nothing is guessed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pipeline.columns.jsonscan import Number, Spot, clean, items, members, one_line, spliced
from pipeline.columns.types import JSON, REST, Kind, Type


@dataclass(frozen=True, slots=True)
class Wanted:
    """How to convert the members that somebody names: from their values, or from their place in the text."""

    by_value: tuple[tuple[str, Callable[[object], object]], ...]
    by_place: tuple[tuple[str, Callable[[str, Spot], object]], ...]

    @classmethod
    def of(cls, fields: Mapping[str, Type]) -> Wanted:
        return cls(
            tuple((name, SCALARS[kind.kind]) for name, kind in fields.items() if kind.kind in SCALARS),
            tuple((name, _placed(kind)) for name, kind in fields.items() if kind.kind not in SCALARS),
        )

    def one(self, text: str, spot: Spot) -> object:
        """Convert a single member, when only one is wanted."""
        (value,) = self.take(text, {name: spot for name, _ in (*self.by_value, *self.by_place)}).values()
        return value

    def take(self, text: str, found: dict[str, Spot]) -> dict[str, object]:
        """Convert and remove from `found` what is wanted."""
        taken: dict[str, object] = {}
        for name, convert in self.by_value:
            spot = found.pop(name, None)
            if spot is not None:
                taken[name] = convert(spot[0])
        for name, place in self.by_place:
            spot = found.pop(name, None)
            if spot is not None:
                taken[name] = place(text, spot)
        return taken


def _placed(kind: Type) -> Callable[[str, Spot], object]:
    """The conversion of a record, a list or JSON text."""
    if kind.kind == "json":
        return _json
    if kind.kind == "list":
        item = kind.item or JSON
        if item.kind in SCALARS:
            convert = SCALARS[item.kind]
            return lambda _, spot: [convert(value) for value in spot.value] if isinstance(spot.value, list) else None
        place = _placed(item)
        return lambda text, spot: (
            [place(text, inner) for inner in items(text, spot.begin)] if isinstance(spot.value, list) else None
        )
    wanted, names = Wanted.of(dict(kind.fields)), [name for name, _ in kind.fields]

    def inside(text: str, spot: Spot) -> object:
        if not isinstance(spot.value, dict):
            return None
        found, _ = members(text, spot.begin)
        taken = dict.fromkeys(names) | wanted.take(text, found)
        return taken | {REST: spliced(text, found)} if kind.open else taken

    return inside


def _json(text: str, spot: Spot) -> str | None:
    return None if spot.value is None else one_line(text[spot.begin : spot.end])


def _int(value: object) -> int | None:
    if not isinstance(value, Number):
        return None
    if len(value) <= 20 and value.lstrip("-").isdigit():
        number = int(value)
        return number if -(2**63) <= number < 2**63 else None
    real = float(value)
    return int(real) if abs(real) <= 2**53 and real.is_integer() else None


def _float(value: object) -> float | None:
    if not isinstance(value, Number):
        return None
    real = float(value)
    return real if math.isfinite(real) else None


def _bool(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _string(value: object) -> str | None:
    return clean(value) if isinstance(value, str) and not isinstance(value, Number) else None


def _bytes(value: object) -> bytes | None:
    text = _string(value)
    return None if text is None else text.encode()


def _time(value: object) -> datetime | None:
    return moment(_string(value) or "")


def moment(text: str) -> datetime | None:
    """ISO 8601; a time without zone is UTC."""
    try:
        time = datetime.fromisoformat(text)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _duration(value: object) -> timedelta | None:
    """A number of seconds."""
    real = _float(value)
    try:
        length = None if real is None else timedelta(seconds=real)
    except OverflowError:
        return None
    return length if length is not None and -_MOST <= length <= _MOST else None


_MOST = timedelta(microseconds=2**63 - 1)


SCALARS: Mapping[Kind, Callable[[object], object]] = {
    "int": _int,
    "float": _float,
    "bool": _bool,
    "string": _string,
    "bytes": _bytes,
    "time": _time,
    "duration": _duration,
    "null": lambda _: None,
}
"""Conversions that need the value only, as the scanner gives it."""
