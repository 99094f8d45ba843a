"""Names of rotated files: which log a file belongs to, and which of its files is older.

access.log   access.log.1   access.log.2.gz   access.log-20261123.zst   access-2026-11-23.log   access-000001.log
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Packing = Literal["gzip", "zstd"]

_PACKED: dict[str, Packing] = {".gz": "gzip", ".zst": "zstd"}
_NUMBERED = re.compile(r"(?P<stem>.+)\.(?P<number>\d{1,5})")
_DATED = re.compile(
    r"(?P<stem>.+?)[-_.](?P<date>(?:\d{4}-?\d{2}-?\d{2}|\d{6})(?:[-_.T]?\d+)*)(?P<extension>\.[A-Za-z]\w*)?"
)


@dataclass(frozen=True, slots=True)
class Name:
    """What a path says of itself. `log` is the path that the file had, or would have had, before its rotation.

    `order` sorts the rotated files of one log oldest first: `.3` before `.1`, an earlier date before a later one."""

    log: Path
    kind: Literal["live", "numbered", "dated"]
    order: tuple[int, ...]
    packing: Packing | None

    @property
    def rotated(self) -> bool:
        """Whether the log is not written under this name any more."""
        return self.kind != "live" or self.packing is not None


def parse(path: Path) -> Name:
    packing = _PACKED.get(path.suffix)
    plain = path.with_suffix("") if packing else path
    if match := _NUMBERED.fullmatch(plain.name):
        return Name(plain.with_name(match["stem"]), "numbered", (-int(match["number"]),), packing)
    if match := _DATED.fullmatch(plain.name):
        order = tuple(int(part) for part in re.findall(r"\d+", match["date"]))
        return Name(plain.with_name(match["stem"] + (match["extension"] or "")), "dated", order, packing)
    return Name(plain, "live", (), packing)
