"""Times of a test: `10:00:00` on the day that it has come to, or a text with a date."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

BEGIN = 1_767_225_600_000_000
"""2026-01-01T00:00:00Z (µs): when a test begins that does not say."""

LATEST = 9_183_110_400_000_000
"""The last time (µs) that a test may come to, the beginning of 2261."""

_DAY = 86_400_000_000
_CLOCK = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d)(?:\.(\d{1,6})\d*)?)?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read(text: str, now: int) -> int | None:
    """The time (µs) that a text says; of a clock time, on the day of `now`. None for what is no time."""
    if clock := _CLOCK.fullmatch(text):
        hour, minute, second = int(clock[1]), int(clock[2]), int(clock[3] or 0)
        if hour > 23 or minute > 59 or second > 59:
            return None
        passed = ((hour * 60 + minute) * 60 + second) * 1_000_000 + int((clock[4] or "").ljust(6, "0"))
        return now // _DAY * _DAY + passed
    try:
        time = datetime.fromisoformat(text)
        stamp = (time if time.tzinfo else time.replace(tzinfo=UTC)) - _EPOCH
    except (ValueError, OverflowError):
        return None
    found = stamp // timedelta(microseconds=1)
    return found if 0 <= found <= LATEST else None


def shown(time: int) -> str:
    """A time (µs) as RFC 3339."""
    return (_EPOCH + timedelta(microseconds=time)).isoformat().replace("+00:00", "Z")
