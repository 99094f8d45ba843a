import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from pipeline.columns.traffic.mix import MASK, Draws, mix, mix_column

U64 = st.integers(0, MASK)


def test_mix_gives_the_published_numbers_of_splitmix64():
    """Draws are SplitMix64: the first outputs for state 1234567 are those of the reference implementation."""
    draws = Draws(1234567)
    assert [draws.bits() for _ in range(3)] == [6457827717110365317, 3203168211198807973, 9817491932198370423]


@given(st.lists(U64))
def test_a_column_is_mixed_as_its_numbers_are(values):
    """The column kernel equals the scalar function row by row, also above 2**63."""
    assert mix_column(pl.Series(values, dtype=pl.UInt64)).to_list() == [mix(value) for value in values]


@given(U64, st.integers(-50, 50), st.integers(0, 50))
def test_draws_stay_within_their_bounds(key, low, width):
    """between() includes both ends and nothing else; below() excludes its bound; chance() knows never and always."""
    draws = Draws(key)
    assert low <= draws.between(low, low + width) <= low + width
    assert 0 <= draws.below(width + 1) <= width
    assert not draws.chance(0.0)
    assert draws.chance(1.0)


def test_sizes_scatter_evenly_around_their_median():
    """around() is as often below the median as above it, with the spread of a log-normal of sigma 0.56."""
    draws = Draws(3)
    sizes = sorted(draws.around(10_000) for _ in range(20_000))
    assert 9_800 < sizes[10_000] < 10_200
    # 16 % and 84 % of a log-normal lie at median * exp(∓sigma): 5712 and 17507.
    assert 5_400 < sizes[3_200] < 6_000
    assert 16_700 < sizes[16_800] < 18_300
