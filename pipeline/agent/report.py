"""What runs on a state did."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipeline.store import Changes


@dataclass
class Report:
    """What the state has seen since it began, and what was done by runs. `counts`: (stage, outcome) → rows of the state;
    `sent`: windows sent by these runs."""

    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    sent: dict[str, int] = field(default_factory=dict)
    commits: int = 0

    def committed(self, changes: Changes) -> None:
        """Count a commit."""
        self.commits += 1
        for sent in changes.sent:
            self.sent[sent.stage] = self.sent.get(sent.stage, 0) + 1

    def add(self, later: Report) -> None:
        """Count what a later run on the same state did."""
        for stage, windows in later.sent.items():
            self.sent[stage] = self.sent.get(stage, 0) + windows
        self.commits += later.commits
        self.counts = later.counts
