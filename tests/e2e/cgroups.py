"""A control group with half a core and a gigabyte, as a container has it, where this machine lets us make one (cgroup v1 or v2)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
MEMORY = 1 << 30


@contextmanager
def sidecar() -> Iterator[Sequence[str] | None]:
    """What goes before a command so that it runs in the group; None where no group can be made."""
    name = f"pipe-test-{os.getpid()}"
    if (ROOT / "cgroup.controllers").exists():
        limits = {ROOT / name: {"cpu.max": "50000 100000", "memory.max": str(MEMORY)}}
    else:
        limits = {
            ROOT / "cpu" / name: {"cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "50000"},
            ROOT / "memory" / name: {"memory.limit_in_bytes": str(MEMORY)},
        }
    made: list[Path] = []
    try:
        joins = "; ".join(f"echo $$ > {group}/cgroup.procs" for group in limits)
        yield ("/bin/sh", "-e", "-c", f'{joins}; exec "$@"', "sh") if _make(limits, made) else None
    finally:
        for group in made:
            with suppress(OSError):
                group.rmdir()


def _make(limits: Mapping[Path, Mapping[str, str]], made: list[Path]) -> bool:
    """Make the groups, and note them in `made`. False where that is not allowed."""
    try:
        for group, settings in limits.items():
            group.mkdir()
            made.append(group)
            for setting, value in settings.items():
                # A file that the kernel does not have here cannot be made, so this fails where it is no control group.
                descriptor = os.open(group / setting, os.O_WRONLY)
                try:
                    os.write(descriptor, value.encode())
                finally:
                    os.close(descriptor)
    except OSError:
        return False
    return True
