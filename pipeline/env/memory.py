"""Settings of Polars and of the two allocators in the process, made before Polars is imported and before threads start.

Polars gets one thread: reading, the flow, and commits run beside each other already, and handing a small frame from thread
to thread costs more than it brings. `POLARS_MAX_THREADS` in the environment says otherwise.

By default glibc keeps a heap for every thread and Polars' jemalloc several arenas for every core: after a few batches
each holds tens of megabytes that the others could use. One of each costs nothing measurable with two worker threads and
takes a third off the peak (`bench/seed_job.py` prints it).
"""

from __future__ import annotations

import ctypes
import os

_M_ARENA_MAX = -8
"""`mallopt`'s parameter, from glibc's malloc.h."""

_JEMALLOC = "_RJEM_MALLOC_CONF"


def settle() -> None:
    """Use one thread and one arena of each allocator. Settings that the environment already has are left alone."""
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    os.environ.setdefault(_JEMALLOC, "narenas:1,dirty_decay_ms:200,muzzy_decay_ms:0")
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None and "MALLOC_ARENA_MAX" not in os.environ:
        mallopt(_M_ARENA_MAX, 1)
