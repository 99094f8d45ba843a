"""The state of an agent that is not running, read without taking its lock and without changing it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import apsw

from pipeline.api import Position
from pipeline.errors import NoInputError, StateError


class Snapshot:
    """An open state directory, for reading (`pipeline.agent.control.Readable`). Use as a context manager.

    Raises NoInputError where there is no state, StateError where it cannot be read."""

    def __init__(self, folder: Path) -> None:
        path = folder / "state.db"
        if not path.is_file():
            raise NoInputError(
                f"there is no state in {folder}", "Name the program, or its state directory with --state DIR."
            )
        self._folder = folder
        try:
            self._connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        except apsw.Error as error:
            raise StateError(f"the state in {folder} cannot be read: {error}", "Check its permissions.") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.close()

    @property
    def progress(self) -> Mapping[str, Mapping[str, Position]]:
        found: dict[str, dict[str, Position]] = {}
        for source, partition, position in self._rows("SELECT source, partition, position FROM progress"):
            found.setdefault(str(source), {})[str(partition)] = json.loads(str(position))
        return found

    def ledger(self) -> dict[tuple[str, str], int]:
        rows = self._rows("SELECT stage, outcome, rows FROM ledger")
        return {(str(stage), str(outcome)): _number(count) for stage, outcome, count in rows}

    def waiting(self) -> dict[str, int]:
        rows = self._rows(
            "SELECT sink, sum(CASE WHEN size > 0 THEN size ELSE plain END) FROM segment WHERE state = 'sealed' GROUP BY sink"
        )
        return {str(sink): _number(size) for sink, size in rows}

    def dead(self, limit: int = 100) -> list[tuple[int, str, int, int, bytes]]:
        rows = self._rows("SELECT id, stage, rows, time, frame FROM dead ORDER BY id DESC LIMIT ?", limit)
        return [
            (_number(id), str(stage), _number(count), _number(time), frame if isinstance(frame, bytes) else b"")
            for id, stage, count, time, frame in rows
        ]

    def _rows(self, sql: str, *values: int) -> list[tuple[object, ...]]:
        try:
            return list(self._connection.execute(sql, values))
        except apsw.BusyError as error:
            raise StateError(
                f"the state in {self._folder} is in use by a pipe that does not answer",
                "It may be starting or stopping: try again.",
            ) from error
        except apsw.Error as error:
            raise StateError(
                f"the state in {self._folder} cannot be read: {error}", "Is it the state of another version?"
            ) from error


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
