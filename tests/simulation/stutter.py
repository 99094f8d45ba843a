"""The house's file input, with a defect to order: it gives a batch once more."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import ClassVar

from pipeline_plugins.inputs.file import File
from remote import Remote

from pipeline import api


class Stutter(File):
    """While `remote.stutter` is set, the next batch with rows comes twice, two commits apart."""

    remote: ClassVar[Remote]

    async def read(self, progress: Mapping[str, api.Position]) -> AsyncIterator[api.Batch]:
        async for batch in super().read(progress):
            yield batch
            if self.remote.stutter and batch.frame.height:
                self.remote.stutter = False
                await self._ctx.clock.sleep(2.0)
                yield batch
