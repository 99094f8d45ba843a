"""What the tests of plugins, and of the engine, are made of.

    batches.py, contexts.py   batches out of dicts and lines; a `ctx` whose clock, log and metrics can be asserted on
    contract/                 one suite that every plugin must pass: `contract.check(MyPlugin)`
    world.py, disk.py, vfs.py, kernel.py, machine.py, …   a world that can be crashed at every call
    loop.py                   an event loop on virtual time

Plugin authors use what this module exports; the rest is the engine's.
"""

from pipeline.testing.batches import batch, columns_of, events, rejected
from pipeline.testing.contexts import FakeClock, FakeContext, FakeLog, FakeMetrics

__all__ = ["FakeClock", "FakeContext", "FakeLog", "FakeMetrics", "batch", "columns_of", "events", "rejected"]
