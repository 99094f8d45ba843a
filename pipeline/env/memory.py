"""Settings of Polars, of the two allocators and of Python's collector, made before Polars is imported and threads start.

Polars gets one thread: reading, the flow, and commits run beside each other already, and handing a small frame from thread
to thread costs more than it brings. `POLARS_MAX_THREADS` in the environment says otherwise.

By default glibc keeps a heap for every thread and Polars' jemalloc several arenas for every core: after a few batches
each holds tens of megabytes that the others could use. One of each costs nothing measurable with two worker threads and
takes a third off the peak (`bench/seed_job.py` prints it).

Batches come and go by the megabyte. By default glibc gives such blocks back to the system and fetches new ones for the next
batch, and the first touch of each page costs more than all that is then written to it. So blocks of up to 16 MiB stay in
the heap, and up to 32 MiB of it that nobody uses stay with the process: a quarter less CPU in the system on a backlog.

Importing makes some 100,000 objects that are never free again. By default Python's collector walks them again and again
meanwhile, and once more at the end of the process: a quarter of the CPU of a short run.
"""

from __future__ import annotations

import ctypes
import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager

_MALLOPT = (
    ("MALLOC_ARENA_MAX", -8, 1),
    ("MALLOC_MMAP_THRESHOLD_", -3, 16 << 20),
    ("MALLOC_TRIM_THRESHOLD_", -1, 32 << 20),
)
"""Name in the environment, `mallopt`'s parameter from glibc's malloc.h, value."""

_JEMALLOC = "_RJEM_MALLOC_CONF"


def settle() -> None:
    """Use one thread, one arena of each allocator, and blocks again. Settings that the environment has are left alone."""
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    os.environ.setdefault(_JEMALLOC, "narenas:1,dirty_decay_ms:200,muzzy_decay_ms:0")
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    for name, parameter, value in _MALLOPT:
        if mallopt is not None and name not in os.environ:
            mallopt(parameter, value)


@contextmanager
def lasting() -> Iterator[None]:
    """What is made in this block stays as long as the process: the collector neither runs meanwhile nor looks at it later."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
