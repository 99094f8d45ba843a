"""Files of a program that are watched."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from command import Pipe

from pipeline.cli.watch import Watch
from pipeline.testing.loop import run
from pipeline.testing.world import World

Start = Callable[..., "subprocess.Popen[bytes]"]


def test_a_file_that_a_reload_includes_is_watched(pipe: Pipe, started: Start) -> None:
    """`--watch` follows the program as it is now, and not as it was at the start."""

    def told(text: bytes) -> None:
        assert process.stderr is not None
        while text not in (line := process.stderr.readline()):
            assert line, f"ended before it said {text!r}"

    (pipe.folder / "parts").mkdir()
    pipe.write("parts/sink.pipe", "sink s = a -> null()\n")
    pipe.write("main.pipe", "source a = generate(rate: 10)\nsink s = a -> null()\n")
    process = started("run", "main.pipe", "--watch")
    while not (pipe.folder / ".pipe/main/control.sock").exists():
        assert process.poll() is None
    pipe.write("main.pipe", 'include "parts/sink.pipe"\nsource a = generate(rate: 10)\n')
    told(b"is reloaded")
    pipe.write("parts/sink.pipe", "sink s = a -> nothing()\n")
    told(b"the one that was started goes on")
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0


def test_each_change_of_a_watched_file_is_told_once(tmp_path: Path) -> None:
    """By the second look that sees it; other files are nobody's business, and a file that is gone has changed."""
    env = World(tmp_path).env()
    a, b = tmp_path / "a.pipe", tmp_path / "b.pipe"
    a.write_text("1")
    b.write_text("1")
    told: list[float] = []

    async def minute() -> None:
        watch = Watch(env, lambda: told.append(env.clock.monotonic()))
        await watch.over([a])
        await env.clock.sleep(9.75)
        a.write_text("two")
        await env.clock.sleep(10)
        b.write_text("two")
        await env.clock.sleep(10)
        await watch.over([a, b])
        await env.clock.sleep(10)
        b.write_text("three")
        await env.clock.sleep(10)
        a.unlink()
        await env.clock.sleep(10)
        await watch.close()

    run(minute())
    assert told == [10.5, 40.5, 50.5]


def test_a_file_is_told_of_when_it_is_written(tmp_path: Path) -> None:
    """Not while it grows: half a program is none. A change just before the files are others is not lost."""
    env = World(tmp_path).env()
    a, b = tmp_path / "a.pipe", tmp_path / "b.pipe"
    a.write_text("")
    b.write_text("")
    told: list[float] = []

    async def written() -> None:
        watch = Watch(env, lambda: told.append(env.clock.monotonic()))
        await watch.over([a])
        await env.clock.sleep(0.25)
        for size in range(1, 11):
            a.write_text("x" * size)
            await env.clock.sleep(0.5)
        assert told == []
        await watch.over([a, b])
        await env.clock.sleep(5)
        await watch.close()

    run(written())
    assert told == [6.0]
