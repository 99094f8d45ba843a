"""What is delivered, by whom, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from pathlib import Path

from pipeline.columns.batch import Position
from pipeline.env import Files
from pipeline.env.reading import parts


@dataclass(frozen=True)
class Segment:
    """A sealed, immutable piece of a sink's output. `name` is a function of what was committed: the same segment always
    has the same name and bytes. `ranges`: (partition, from, to) that it came from."""

    sink: str
    number: int
    _: KW_ONLY
    name: str
    rows: int
    size: int
    sha256: str
    ranges: tuple[tuple[str, Position, Position], ...]
    path: str = ""
    """The rendered path of the layout."""
    file: Path | None = None
    """Where the bytes are, or None when they are in `data`."""
    data: bytes | None = None
    form: str = ""
    """That of the layout which its rows were encoded for."""

    def parts(self, files: Files) -> Iterator[bytes]:
        """All bytes, in parts. Blocks. Raises InternalError when the file ends early, and OSError."""
        if self.data is not None:
            yield self.data
        elif self.file is not None:
            yield from parts(files, self.file, self.size)

    def read(self, files: Files) -> bytes:
        """All `parts` at once."""
        return b"".join(self.parts(files))


@dataclass(frozen=True)
class Refusal:
    """An event of a segment that its destination will never take as it is, and that others need not wait for. `row`: which one, from
    0, in the order of `Output.encode`. `reason` is a name such as `bad_mapping`, `detail` the destination's own words."""

    row: int
    reason: str
    detail: str = ""


@dataclass(frozen=True)
class Result:
    """What became of a delivery. `accepted` False asks for the whole segment again after `after` seconds (a Retry-After, say),
    or later. `reason` is shown. `refused`: events of an accepted segment that become dead letters of the sink; the same
    ones whenever this segment is delivered."""

    accepted: bool = True
    _: KW_ONLY
    after: float = 1.0
    reason: str = ""
    refused: tuple[Refusal, ...] = ()


@dataclass(frozen=True)
class Writer:
    """Who delivers: a state (`instance`) in one of its lives. Every start has a higher `epoch` and a `nonce` of its own."""

    instance: str
    epoch: int
    nonce: str
