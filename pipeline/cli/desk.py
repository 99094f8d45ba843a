"""The dead letters of an agent that is not running, to be changed: its lock is held meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pipeline.env.real import RealEnv
from pipeline.errors import StateError
from pipeline.store import Letters
from pipeline.store.schema import VERSION


@contextmanager
def desk(folder: Path) -> Iterator[Letters]:
    """The letters of the state in `folder`, in one transaction. Raises StateError where it is in use or cannot be read."""
    env = RealEnv()
    with ExitStack() as closing:
        closing.callback(env.close)
        unlock = env.files.lock(folder / "lock")
        if unlock is None:
            raise StateError(
                f"the state in {folder} is in use by a pipe that does not answer",
                "It may be starting or stopping: try again.",
            )
        closing.callback(unlock)
        database = env.database(folder / "state.db")
        closing.callback(database.close)
        if database.rows("SELECT value FROM meta WHERE name = 'version'") != [(VERSION,)]:
            raise StateError(f"the state in {folder} was written by another version of pipe", "Use that version.")
        letters = Letters(database)
        letters.load()
        with database.transaction():
            yield letters
