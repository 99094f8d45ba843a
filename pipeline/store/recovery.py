"""Opening a state directory: one process, one program, a new epoch. Safe to repeat after a crash at any point."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pipeline.env import FULL, Database, Env, Stat, Value
from pipeline.errors import StateError
from pipeline.store.attempts import Knew
from pipeline.store.schema import NAMES, TABLES, VERSION
from pipeline.store.values import number, text

DATABASE = "state.db"


@dataclass(frozen=True)
class Opening:
    """What a store needs to exist: the lock, the database, and who we are in this life."""

    unlock: Callable[[], None]
    database: Database
    instance: str
    epoch: int
    nonce: bytes
    file: Stat | None
    """The database's."""
    unclean: int
    """Stops in a row, up to the last one, that were not clean."""


def prepare(env: Env, folder: Path, program: str, before: Knew | None) -> Opening:
    """Lock the directory, open or make the database, check whose it is, and start a new epoch. Raises StateError; OSError where
    space is missing."""
    try:
        env.files.folder(folder, private=True)
        unlock = env.files.lock(folder / "lock")
    except OSError as error:
        if error.errno in FULL:
            raise
        raise StateError(
            f"the state directory {folder} cannot be used: {error.strerror or error}",
            "Give a directory that this user may write to, with --state.",
        ) from error
    if unlock is None:
        raise StateError(
            f"the state in {folder} is in use by another pipe",
            "Stop it, or give this one a directory of its own with --state.",
        )
    try:
        database = env.database(folder / DATABASE)
    except BaseException:
        unlock()
        raise
    try:
        return _claim(env, database, folder, program, unlock, before)
    except BaseException:
        database.close()
        unlock()
        raise


def _claim(
    env: Env, database: Database, folder: Path, program: str, unlock: Callable[[], None], before: Knew | None
) -> Opening:
    nonce = env.random(16)
    found = {text(row[0]) for row in database.rows("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if "meta" in found:
        _check_version(folder, database.rows("SELECT value FROM meta WHERE name = 'version'"))
    if found and not found >= NAMES:
        raise _damaged(folder, "it has not the tables of a state")
    if not found:
        instance = env.random(8).hex()
        with database.transaction():
            for statement in TABLES.split(";\n"):
                if statement.strip():
                    database.rows(statement)
            first: list[tuple[str, Value]] = [
                ("version", VERSION),
                ("program", program),
                ("instance", instance),
                ("epoch", 0),
                ("sequence", 0),
                ("nonce", b""),
            ]
            database.many("INSERT INTO meta VALUES (?, ?)", first)
    meta: dict[Value, Value] = {row[0]: row[1] for row in database.rows("SELECT name, value FROM meta")}
    if not meta.keys() >= {"version", "program", "instance", "epoch", "sequence", "nonce"}:
        raise _damaged(folder, "it does not say what it belongs to")
    if meta["program"] != program:
        raise StateError(
            f"the state in {folder} belongs to another program: {text(meta['program'])}",
            f"Run {text(meta['program'])}, or give {program} a directory of its own with --state.",
        )
    epoch = number(meta["epoch"]) + 1
    unclean = number(meta.get("unclean", 0)) if before is None else before.unclean
    with database.transaction():
        database.many("UPDATE meta SET value = ? WHERE name = ?", [(epoch, "epoch"), (nonce, "nonce")])
    file = env.files.stat(folder / DATABASE)
    return Opening(unlock, database, text(meta["instance"]), epoch, nonce, file, unclean)


def _check_version(folder: Path, found: list[tuple[Value, ...]]) -> None:
    """Before anything else: another version may have other tables."""
    if found and found[0][0] != VERSION:
        raise StateError(
            f"the state in {folder} was written by another version of pipe (format {found[0][0]!r}, this one reads {VERSION})",
            "Run that version, or start anew with another --state.",
        )


def _damaged(folder: Path, why: str) -> StateError:
    return StateError(
        f"{folder / DATABASE} is not a readable state database: {why}",
        "Move the state directory away to start anew, or restore it from a copy.",
    )
