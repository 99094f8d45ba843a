"""Lengths of time and of data as texts: `1m30s`, `64MiB`."""

from __future__ import annotations

import re

_UNITS = {
    "ns": 0.001,
    "us": 1,
    "µs": 1,
    "μs": 1,
    "ms": 1_000,
    "s": 1_000_000,
    "m": 60_000_000,
    "h": 3_600_000_000,
    "d": 86_400_000_000,
}
"""Microseconds a unit; both code points that are written for micro."""

_PART = r"(\d+(?:\.\d+)?)(ns|us|µs|μs|ms|s|m|h|d)"
_DURATION = re.compile(rf"([+-]?)((?:{_PART})+)", re.ASCII)
_PARTS = re.compile(_PART, re.ASCII)
_SECONDS = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)", re.ASCII)

_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?(?:([kKMGTP])(iB|B)?|B)?", re.ASCII)
_POWERS = {letter: power for power, letters in enumerate(("kK", "M", "G", "T", "P"), 1) for letter in letters}

LARGEST = 2**63 - 1


def microseconds(text: str) -> int | None:
    """`1m30s`, `250ms`, `1.5h`, `-2s`, or a plain number of seconds, to microseconds (rounded). None for anything else."""
    whole = _DURATION.fullmatch(text)
    if whole:
        total = sum(float(number) * _UNITS[unit] for number, unit in _PARTS.findall(whole[2]))
        sign = -1 if whole[1] == "-" else 1
    elif _SECONDS.fullmatch(text):
        total, sign = float(text) * 1_000_000, 1
    else:
        return None
    return sign * round(total) if total < LARGEST and total > -LARGEST else None


def duration_text(value: int) -> str:
    """Microseconds as days, hours, minutes and seconds: `1d2h`, `1m30s`, `0.25s`, `-5s`. `microseconds` reads it back."""
    sign = "-" if value < 0 else ""
    seconds, micros = divmod(abs(value), 1_000_000)
    parts = []
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        count, seconds = divmod(seconds, length)
        if count:
            parts.append(f"{count}{unit}")
    if seconds or micros or not parts:
        fraction = f".{micros:06d}".rstrip("0") if micros else ""
        parts.append(f"{seconds}{fraction}s")
    return sign + "".join(parts)


def size_bytes(text: str) -> int | None:
    """`64MiB`, `10 MB`, `1.5K`, `512` to bytes (rounded). `kB`, `MB`, … are powers of 1000; `KiB`, `MiB`, … and the bare letters `K`,
    `M`, … (as `ls -h` and `du -h` write them) are powers of 1024. None for anything else."""
    found = _SIZE.fullmatch(text)
    if not found:
        return None
    number, letter, suffix = found.groups()
    factor = (1000 if suffix == "B" else 1024) ** _POWERS[letter] if letter else 1
    if "." not in number:
        value = int(number) * factor if len(number) < 20 else LARGEST + 1
    else:
        value = round(float(number) * factor) if len(number) < 40 else LARGEST + 1
    return value if value <= LARGEST else None
