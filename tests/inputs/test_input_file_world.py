"""`file` in the simulated world: it touches nothing but `ctx`, and a crash at any call loses and doubles nothing."""

from input_sim import live

from pipeline.testing.world import World


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
