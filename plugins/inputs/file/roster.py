"""All generations that one input knows, and the order in which they are read."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from pipeline import api
from pipeline.api.world import Stat

from .generation import Generation
from .identity import Key, Place
from .naming import path_of
from .rotation import parse
from .rules import MEMORY


class Roster:
    """`known`: every generation, also those that are done. `active`: those that may still give bytes, by log, oldest first."""

    def __init__(self, progress: Mapping[str, api.Position]) -> None:
        self.known = {partition: _resumed(partition, position) for partition, position in progress.items()}
        self.forgotten: set[str] = set()
        """Partitions that are done, gone and no longer known."""
        self.active: dict[Path, list[Generation]] = {}
        self._bound: dict[Key, Generation] = {}
        self._youngest: dict[Path, Generation] = {}
        self._near: dict[tuple[Path, str], list[Generation]] = {}
        self._strays: dict[str, list[Generation]] = {}
        self._missing: dict[Key, list[Generation]] = {}

    def __iter__(self) -> Iterator[Generation]:
        """Active generations."""
        return (generation for log in list(self.active.values()) for generation in list(log))

    def bound(self) -> list[Generation]:
        """Generations whose file exists."""
        return list(self._bound.values())

    def of(self, key: Key) -> Generation | None:
        return self._bound.get(key)

    def add(self, generation: Generation) -> None:
        self.known[generation.partition] = generation
        self._index(generation)

    def index(self, now: float) -> None:
        """Bring `kin` and `missing` up to date; they stay so while generations are only added."""
        for generation in list(self.known.values()):
            since = generation.orphaned_at
            if generation.done and generation.key is None and since is not None and now - since > MEMORY:
                del self.known[generation.partition]
                self.forgotten.add(generation.partition)
        self._near, self._strays, self._missing = {}, {}, {}
        for generation in self.known.values():
            self._index(generation)

    def _index(self, generation: Generation) -> None:
        for name in {generation.log.name, generation.name.log.name}:
            self._near.setdefault((generation.path.parent, name), []).append(generation)
            if generation.key is None:
                self._strays.setdefault(name, []).append(generation)
        if generation.key is None and generation.lay is not None:
            self._missing.setdefault(generation.lay, []).append(generation)

    def kin(self, path: Path) -> list[Generation]:
        """Generations that a file of this name may belong to: those of the same log, and those whose file is gone and that
        were called so in another folder."""
        name = parse(path).log.name
        strays = (stray for stray in self._strays.get(name, ()) if stray.path.parent != path.parent)
        return [*self._near.get((path.parent, name), ()), *strays]

    def missing(self, key: Key) -> list[Generation]:
        """Generations whose file is not known to exist, and lay there when it last did."""
        return [generation for generation in self._missing.get(key, ()) if generation.key is None]

    def was_at(self, key: Key) -> bool:
        """Whether a generation lay there when it was last known to, and did not when the scan began."""
        return key in self._missing

    def bind(self, generation: Generation, path: Path, key: Key, stat: Stat) -> None:
        """The generation's bytes are in this file."""
        generation.called(path)
        generation.key = generation.lay = key
        generation.orphaned_at = None
        generation.size, generation.modified = stat.size, stat.modified
        self._bound[key] = generation

    def lose(self, generation: Generation, now: float) -> None:
        """The generation has no file any more."""
        if generation.key is not None:
            self._bound.pop(generation.key, None)
        generation.key = None
        generation.orphaned_at = now

    def activate(self, generation: Generation, paths: Collection[Path]) -> None:
        """Read it after the generations of its log that are there already. `paths`: what exists now."""
        if not any(generation is other for other in self.active.get(generation.log, ())):
            generation.log = self._log(generation, paths)
            self.active.setdefault(generation.log, []).append(generation)
            self._youngest[generation.log] = generation

    def retire(self, generation: Generation) -> None:
        """Nothing more is read from it for now."""
        log = self.active.get(generation.log, [])
        if generation in log:
            log.remove(generation)
        if not log:
            self.active.pop(generation.log, None)

    def forget(self, generation: Generation) -> None:
        """It never gave anything and never will."""
        self.retire(generation)
        self.known.pop(generation.partition, None)

    def rotated(self, generation: Generation) -> bool:
        """Whether its writer has gone on to another file, as far as names tell."""
        if generation.renamed or generation.packed or generation.orphaned_at is not None:
            return True
        match generation.name.kind:
            case "numbered":
                return generation.log != generation.path
            case "dated":
                return self._youngest.get(generation.log) is not generation
            case _:
                return False

    def _log(self, generation: Generation, paths: Collection[Path]) -> Path:
        """`worker.1` and `worker.2` are rotations of `worker` only if there is a `worker`."""
        if generation.renamed:
            return generation.log
        name = parse(generation.path)
        if name.kind == "numbered" and name.log not in paths and name.log not in self._youngest:
            return generation.path
        return name.log


def _resumed(partition: str, position: api.Position) -> Generation:
    try:
        place = Place.parse(position)
    except ValueError as error:
        raise api.StateError(
            f"the state has something else where the position of the partition {partition} belongs: {error}",
            "Move the state directory away to start anew.",
        ) from error
    generation = Generation(partition, path_of(place.path), None, place)
    generation.log = generation.name.log
    return generation
