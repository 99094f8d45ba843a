"""What a topic remembers of a sink: the segments that were committed last, and by which life of the state.

It is the offset that a consumer group would have in partition 0, with this in its metadata. The group is the sink's own and has no
consumers. Such an offset can be committed in the transaction that has the segment's events, and needs no topic of its own."""

from __future__ import annotations

import json
from dataclasses import dataclass

from pipeline import api

MOST = 64
"""Segments that are remembered. The one that may come again is the last; the metadata of an offset has 4 KiB."""


@dataclass(frozen=True)
class Mark:
    """`writer` None: nobody has delivered yet."""

    writer: api.Writer | None = None
    segments: tuple[str, ...] = ()

    def has(self, segment: api.Segment) -> bool:
        return _named(segment) in self.segments

    def after(self, segment: api.Segment, writer: api.Writer) -> Mark:
        """That of a topic which has this segment too."""
        return Mark(writer, (*self.segments, _named(segment))[-MOST:])

    def text(self) -> str:
        writer = self.writer or api.Writer("", 0, "")
        told = {"instance": writer.instance, "epoch": writer.epoch, "nonce": writer.nonce, "segments": self.segments}
        return json.dumps(told, separators=(",", ":"))

    @classmethod
    def of(cls, text: str | None) -> Mark:
        """Raises ConfigurationError for what somebody else wrote there."""
        if not text:
            return cls()
        try:
            told = json.loads(text)
            writer = api.Writer(str(told["instance"]), int(told["epoch"]), str(told["nonce"]))
            return cls(writer, tuple(str(name) for name in told["segments"]))
        except (ValueError, KeyError, TypeError) as error:
            raise api.ConfigurationError(
                f"the group of this sink has an offset that is not ours: {text[:100]!r}",
                "Somebody else commits for a group that begins with `pipe-`. Delete it, or rename the sink.",
            ) from error


def _named(segment: api.Segment) -> str:
    return f"{segment.number}-{segment.sha256[:12]}"
