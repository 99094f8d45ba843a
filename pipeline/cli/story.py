"""What became of a fact, told: the lines that it is made of, and whether they give its value."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import cast

from pipeline.cli.failures import say
from pipeline.columns.encode.printable import printable
from pipeline.proof.records import Found, Lost
from pipeline.proof.sought import Fact, values
from pipeline.store.trails import Trail


@dataclass
class Story:
    """What became of a fact: where its window's batches are, and which of their lines it is made of."""

    fact: Fact
    trail: Trail
    found: list[Found] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)
    lines: int = 0
    shown: list[dict[str, object]] = field(default_factory=list)
    given: Mapping[str, object] | None = None
    """The row that these lines alone give."""

    @property
    def agrees(self) -> bool:
        """Whether the lines give the fact's value, within the error that it has."""
        if self.given is None:
            return False
        error = self.fact.row.get("error")
        if isinstance(error, int):
            value = self.fact.row["value"]
            return isinstance(value, int) and value - error <= self.lines <= value
        have, want = values(self.given), values(self.fact.row)
        return have.keys() == want.keys() and all(_equal(have[name], want[name]) for name in want)

    def read(self) -> list[dict[str, object]]:
        """The ranges that were read, neighbours as one."""
        told: list[dict[str, object]] = []
        places = [(part.batch, part.place or "the source") for part in self.found]
        for batch, where in [*places, *((part.batch, f"not found: {part.reason}") for part in self.lost)]:
            row = {
                "source": batch["source"],
                "partition": batch["partition"],
                "path": batch["path"],
                "read from": where,
            }
            last = told[-1] if told else {}
            if last.items() >= row.items():
                told[-1] = {**last, "to": batch["last"], "records": cast("int", last["records"]) + batch["rows"]}
            else:
                told.append({**row, "from": batch["first"], "to": batch["last"], "records": batch["rows"]})
        return told

    def json(self) -> str:
        sent = self.fact.sent
        told = {
            "id": self.fact.id, "stage": sent["stage"], "window_start": _time(sent["start"]), "part": sent["part"],
            "revision": sent["revision"], "fact": _plain(self.fact.row), "kept": self.fact.kept, "ranges": self.read(),
            "forgotten": self.trail["forgotten"], "lines": self.lines, "shown": self.shown,
            "given": None if self.given is None else _plain(self.given), "agrees": self.agrees,
        }  # fmt: skip
        return json.dumps(told, ensure_ascii=False, default=str)

    def text(self) -> str:
        sent, row = self.fact.sent, self.fact.row
        name = f"{row['metric']} {row['by'] or ''}".strip() if "metric" in row else str(row["key"])
        head = [
            f"fact      {printable(name)} of {sent['stage']}",
            f"window    {_time(sent['start'])}, part {sent['part']}, revision {sent['revision']}",
        ]
        for part in self.read():
            which = f"{part['source']}, partition {part['partition']}, {part['from']:,}..{part['to']:,}"
            head.append(f"records   {part['records']:,} of {which}: {printable(str(part['read from']))}")
        shown = [f"{printable(str(line['place']))}: {printable(str(line['raw']))}" for line in self.shown]
        if self.lines > len(shown):
            shown.append(f"and {self.lines - len(shown):,} more (--limit)")
        give = "which gives" if self.lines == 1 else "which give"
        given = f"{give} it" if self.agrees else f"{give} {_told(self.given)}"
        return "\n".join([*head, "", *shown, "", f"value {_told(row)}: {_count(self.lines, 'line')} found, {given}"])

    def complain(self) -> None:
        if not self.fact.kept:
            say(
                "warning",
                "the window's state is not kept any more: the value was computed again, from the same records",
            )
        if self.lost:
            say("warning", f"the records of {_count(len(self.lost), 'batch', 'batches')} were not found")
        if self.trail["forgotten"] and not self.agrees:
            say("warning", "the oldest batches were forgotten; those of this window may be among them")
        if any(not part.whole for part in self.found):
            say(
                "warning",
                "the archive has not all records of a batch: those that an output did not get are not looked at",
            )
        if not self.agrees:
            say("error", "the lines that were found do not give the value of the fact")


def _count(number: int, word: str, words: str = "") -> str:
    return f"{number:,} {word if number == 1 else words or word + 's'}"


def _told(row: Mapping[str, object] | None) -> str:
    """The value of a row; its columns where it has several."""
    have = values(row or {})
    if len(have) == 1:
        (value,) = have.values()
        return f"{value:,}" if isinstance(value, int) else printable(str(value))
    return json.dumps(_plain(have), ensure_ascii=False, default=str) if have else "nothing"


def _plain(row: Mapping[str, object]) -> dict[str, object]:
    """Times as texts, `by` as an object."""
    plain: dict[str, object] = {}
    for name, value in row.items():
        if name == "by" and isinstance(value, str):
            plain[name] = json.loads(value)
        elif isinstance(value, datetime):
            plain[name] = value.isoformat()
        elif value is not None and name != "key":
            plain[name] = value
    return plain


def _equal(have: object, want: object) -> bool:
    if isinstance(have, float) and isinstance(want, float):
        return have == want or math.isclose(have, want, rel_tol=1e-9)
    return have == want


def _time(microseconds: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)).isoformat().replace("+00:00", "Z")
