"""Which kernels run: the crate in `native/`, or their twins in Python.

`kernels` is the native module, or None: then it was not built (no Rust toolchain at installation), does not fit this
version, or `PIPE_NATIVE=off` asked for the twins. Both give the same answers; the crate is many times as fast.
"""

from __future__ import annotations

import importlib
import os
from typing import Protocol, cast

SWITCH = "PIPE_NATIVE"
VERSION = "0.1.0"
"""Of the crate. One that was built for another version of these files is not used."""


class Frame(Protocol):
    """Columns of the crate; `pl.DataFrame(frame)` takes them without a copy."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object: ...


class Kernels(Protocol):
    """What the crate offers. Frames go in as anything with `__arrow_c_stream__`. No function holds the GIL while it works."""

    VERSION: str

    def records(self, chunk: bytes, offset: int) -> tuple[Frame, int]:
        """`pipeline.columns.lines.records`: a frame of `@raw` and `@offset`, and the bytes consumed."""
        ...


def _found() -> tuple[Kernels | None, str]:
    if os.environ.get(SWITCH, "").lower() in ("0", "off", "no", "false"):
        return None, f"{SWITCH}={os.environ[SWITCH]}"
    try:
        found = cast("Kernels", importlib.import_module("pipeline.columns._native"))
    except ModuleNotFoundError:
        return None, "it is not built: install with a Rust toolchain (cargo)"
    except ImportError as error:
        return None, f"it does not load: {error}"
    if found.VERSION != VERSION:
        return None, f"it was built for {found.VERSION}, not {VERSION}: install again"
    return found, ""


kernels, why_not = _found()


def engine() -> str:
    """What `pipe --version` says: `native 0.1.0`, or `python` and why."""
    return f"native {VERSION}" if kernels is not None else f"python ({why_not})"
