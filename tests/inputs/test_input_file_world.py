"""`file` in the simulated world: it touches nothing but `ctx`, and a crash at any call loses and doubles nothing."""

from input_world import World as Context
from pipeline_plugins.inputs.file import File, Options

from pipeline.testing.loop import run
from pipeline.testing.world import Crash, World


class Life(Context):
    """A context over one life of the simulated world."""

    def __init__(self, env):
        super().__init__(once=True, files=env.files, clock=env.clock)
        self.run = env.run


def live(world, folder, progress, kill_at=None):
    """Read to the end or the crash; every batch is committed at once. Gives the records and the number of points."""
    records = []
    env = world.env(kill_at)

    async def read():
        plugin = File(Options(globs=str(folder / "*.log*")))
        await plugin.open(Life(env))
        async for batch in plugin.read(progress):
            for partition, span in batch.span.items():
                assert progress.get(partition) == span.start
                progress[partition] = span.end
            records.extend(batch.frame["@raw"])
        await plugin.close()

    try:
        run(read())
    except Crash:
        world.crash()
        return records, env.points
    return records, env.points


def test_a_crash_at_any_call_loses_and_doubles_nothing(tmp_path, monkeypatch):
    """Every call of the reader is a point to die at."""
    monkeypatch.setattr("pipeline_plugins.inputs.file.generation.CHUNK", 64)
    for name in ("a.log.1", "a.log", "b.log"):
        (tmp_path / name).write_bytes(b"".join(b"%s %d\n" % (name.encode(), n) for n in range(12)) + b"last")
    world = World(tmp_path)
    everything, points = live(world, tmp_path, {})
    assert len(everything) == 39
    world.crash()
    for kill_at in range(1, points + 1):
        progress = {}
        before, _ = live(world, tmp_path, progress, kill_at)
        after, _ = live(world, tmp_path, progress)
        world.crash()
        assert sorted(before + after) == sorted(everything), kill_at
