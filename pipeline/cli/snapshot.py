"""The state of an agent that is not running, read without taking its lock and without changing it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import apsw

from pipeline.env import Value
from pipeline.errors import NoInputError, StateError
from pipeline.store import Contents


@contextmanager
def snapshot(folder: Path) -> Iterator[Contents]:
    """The contents of a state directory. Raises NoInputError where there is no state, StateError where it cannot be read."""
    path = folder / "state.db"
    if not path.is_file():
        raise NoInputError(
            f"there is no state in {folder}", "Name the program, or its state directory with --state DIR."
        )
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    except apsw.Error as error:
        raise StateError(f"the state in {folder} cannot be read: {error}", "Check its permissions.") from error

    def rows(sql: str, values: Sequence[Value] = (), /) -> list[tuple[Value, ...]]:
        try:
            return list(connection.execute(sql, tuple(values)))
        except apsw.BusyError as error:
            raise StateError(
                f"the state in {folder} is in use by a pipe that does not answer",
                "It may be starting or stopping: try again.",
            ) from error
        except apsw.Error as error:
            raise StateError(
                f"the state in {folder} cannot be read: {error}", "Is it the state of another version?"
            ) from error

    try:
        yield Contents(rows)
    finally:
        connection.close()
