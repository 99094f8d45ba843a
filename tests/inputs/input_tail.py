"""A follower driven by hand."""

from pipeline_plugins.inputs.file.follower import Follower
from pipeline_plugins.inputs.file.rules import Rules


def append(path, data):
    with path.open("ab") as file:
        file.write(data)


class Tail:
    """A follower driven by hand, that commits whatever it gives."""

    def __init__(self, ctx, *globs, progress=None, **rules):
        self.ctx = ctx
        self.globs = [str(glob) for glob in globs]
        self.rules = rules
        self.progress = dict(progress or {})
        self.records = []
        self.batches = []
        self._start()

    def _start(self):
        self.follower = Follower(Rules(globs=self.globs, **self.rules), self.ctx, self.progress)

    def restart(self):
        self.follower.close()
        self._start()

    def step(self):
        """One step; what it gave was committed."""
        batch = self.follower.step()
        if batch is not None:
            for partition, span in batch.span.items():
                assert span.start == self.progress.get(partition)
                assert span.end != span.start
                self.progress[partition] = span.end
            for offset, value in zip(batch.frame["@offset"], batch.frame["@raw"], strict=True):
                self.records.append(value)
                assert offset >= 0
            self.batches.append(batch)
        return batch

    def wait(self, seconds=1.5):
        """Let the time pass; gives the records that came."""
        before = len(self.records)
        end = self.ctx.clock.elapsed + seconds
        while self.ctx.clock.elapsed < end:
            while self.step() is not None or self.follower.busy:
                pass
            self.ctx.clock.elapsed += 0.2
        return self.records[before:]
