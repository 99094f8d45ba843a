"""What a run was made on, without the names of hosts, people and folders."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from report import Table


def machine() -> Table:
    """The machine and the versions."""
    table = Table("Measured on", ("", ""))
    table.add("date", f"{datetime.now(UTC):%Y-%m-%d}")
    table.add(
        "cores", f"{len(os.sched_getaffinity(0))} × {_field('/proc/cpuinfo', 'model name') or platform.machine()}"
    )
    memory = _field("/proc/meminfo", "MemTotal").split()
    table.add("memory", f"{int(memory[0]) / 2**20:.0f} GiB" if memory else "unknown")
    table.add("system", f"{platform.system()} {platform.release().split('-')[0]}")
    table.add("Python", platform.python_version())
    table.add("Polars", f"{version('polars')}, one thread, as in pipe")
    table.add("zstd", _said("zstd", "--version").partition("v")[2].split(",")[0] or "missing")
    kernels = _said(sys.executable, "-c", "from pipeline.columns.native import engine; print(engine())")
    table.add("pipe", f"{version('pipe-engine')}, kernels: {kernels}")
    return table


def native() -> bool:
    """Whether the native module is there and not switched off."""
    code = "from pipeline.columns.native import kernels; print(kernels is not None)"
    return _said(sys.executable, "-c", code) == "True"


def _field(path: str, name: str) -> str:
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        if line.startswith(name):
            return line.partition(":")[2].strip()
    return ""


def _said(*command: str) -> str:
    if shutil.which(command[0]) is None:
        return ""
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout.strip()
