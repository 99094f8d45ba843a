"""Input `generate`: exact lines, resumable, paced by the clock."""

import asyncio

import pytest
from pipeline_plugins.inputs.generate import Generate, Options

from pipeline.columns.traffic import Traffic


def read(ctx, batches=10_000, progress=None, **options):
    """The first batches."""

    async def collect():
        plugin = Generate(Options(**options))
        await plugin.open(ctx)
        found = []
        async for batch in plugin.read(progress or {}):
            found.append((ctx.clock.elapsed, batch))
            if len(found) == batches:
                break
        return found

    return asyncio.run(collect())


def raw(found):
    return [value for _, batch in found for value in batch.frame["@raw"]]


def end_of(found):
    ((partition, span),) = found[-1][1].span.items()
    return {partition: span.end}


@pytest.mark.parametrize("format", ["combined", "json"])
def test_the_lines_are_those_of_the_traffic(world, format):
    """Numbered from 0, the last one is now."""
    ctx = world()
    found = read(ctx, count=40_000, seed=7, format=format, garbage=0.1)
    expected = Traffic(7, ctx.clock.now() - 4_000_000, 10_000, format, garbage=0.1).lines(0, 40_000)
    assert b"".join(line + b"\n" for line in raw(found)) == expected
    assert [n for _, batch in found for n in batch.frame["@offset"]] == list(range(40_000))


def test_a_restart_goes_on_with_the_next_line(world):
    """Also when the clock went on: the time of line 0 is in the position."""
    everything = read(world(), count=40_000)
    later = world()
    later.clock.elapsed = 1000.0
    rest = read(later, count=40_000, progress=end_of(everything[:1]))
    assert raw(everything[:1]) + raw(rest) == raw(everything)
    assert rest[0][1].span.keys() == everything[0][1].span.keys()


def test_a_rate_is_kept_by_the_clock(world):
    """After n seconds n × rate lines have come."""
    found = read(world(), rate=1000, count=5000)
    total = 0
    for elapsed, batch in found:
        total += batch.frame.height
        assert total == pytest.approx(elapsed * 1000, abs=1)
    assert total == 5000
    assert found[-1][0] == pytest.approx(5.0, abs=0.01)


def test_only_a_count_makes_it_finite():
    """`--once` refuses endless inputs."""
    assert Generate(Options(count=5)).finite
    assert not Generate(Options(rate=10)).finite


def test_a_count_of_zero_is_an_empty_input(world):
    """No batch at all."""
    assert read(world(), count=0) == []
