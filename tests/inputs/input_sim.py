"""`file` in lives of the simulated world."""

from input_world import World as Context
from pipeline_plugins.inputs.file import File, Options

from pipeline.testing.life import Crash
from pipeline.testing.loop import run


class Life(Context):
    """A context over one life of the simulated world."""

    def __init__(self, env, *, once):
        super().__init__(once=once, files=env.files, clock=env.clock)
        self.run = env.run


def live(world, folder, progress, kill_at=None, *, once=True, until=None):
    """Read to the end, to the records `until`, or to the crash; every batch is committed at once. Gives the records and the
    number of points."""
    records = []
    env = world.env(kill_at)

    async def read():
        plugin = File(Options(globs=str(folder / "*.log*")))
        await plugin.open(Life(env, once=once))
        async for batch in plugin.read(progress):
            for partition, span in batch.span.items():
                assert progress.get(partition) == span.start
                progress[partition] = span.end
            records.extend(batch.frame["@raw"])
            if records == until:
                break
        await plugin.close()

    try:
        run(read())
    except Crash:
        world.crash()
        return records, env.points
    return records, env.points
