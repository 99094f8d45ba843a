"""Names of files and segments: functions of what was committed, so that a retry finds the same name."""

from __future__ import annotations

from pathlib import PurePosixPath


def extension(kind: str, compression: str) -> str:
    """`.ndjson.zst` and the like: the format's extension and the compression's."""
    return kind + {"none": "", "gzip": ".gz", "zstd": ".zst"}[compression]


def local(path: str, *, sink: str, instance: str, number: int, extension: str, rolled: bool) -> str:
    """Where a local segment lives: a generated name in a folder (`…/`), `stem-000001.ext` when rolled, else the path."""
    if path.endswith("/"):
        return f"{path}{sink}-{instance[:8]}-{number:06d}{extension}"
    if not rolled:
        return path
    name = PurePosixPath(path).name
    stem, dot, rest = name.partition(".") if not name.startswith(".") else (name, "", "")
    return f"{path[: len(path) - len(name)]}{stem}-{number:06d}{dot}{rest}"


def delivered(path: str, *, sink: str, instance: str, number: int, sha256: str, extension: str) -> str:
    """The name under which a sealed segment is sent: its rendered prefix, instance, sink, number, hash."""
    return f"{path}{instance[:8]}-{sink}-{number:06d}-{sha256[:12]}{extension}"
