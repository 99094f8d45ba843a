"""Results of a benchmark as tables: printed, as JSON from process to process, and as Markdown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field


@dataclass
class Table:
    """Rows of texts under their headings. The first column names the row."""

    title: str
    columns: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    note: str = ""

    def add(self, *cells: str) -> None:
        """One more row, of as many cells as there are columns."""
        if len(cells) != len(self.columns):
            raise ValueError(f"{len(cells)} cells for {len(self.columns)} columns")
        self.rows.append(cells)

    def markdown(self) -> str:
        """The table with its title and its note."""
        head = [f"| {' | '.join(self.columns)} |", "|---" + "|---:" * (len(self.columns) - 1) + "|"]
        body = [f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |" for row in self.rows]
        return "\n\n".join(part for part in (f"**{self.title}**", "\n".join(head + body), self.note) if part)


@dataclass
class Section:
    """What one benchmark found. `about` says what is measured and what it is compared with."""

    title: str
    about: str
    tables: list[Table] = field(default_factory=list)

    def markdown(self) -> str:
        """The section of a page."""
        return "\n\n".join([f"## {self.title}", self.about, *(table.markdown() for table in self.tables)])

    def dumps(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def loads(cls, text: str) -> Section:
        """What `dumps` wrote."""
        found = json.loads(text)
        return cls(found["title"], found["about"], [Table(**table) for table in found["tables"]])
