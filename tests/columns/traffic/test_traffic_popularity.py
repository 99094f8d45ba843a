from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from pipeline.columns.traffic.mix import Draws
from pipeline.columns.traffic.popularity import Popularity, quantiles


def test_ranks_follow_zipf():
    """With flat=1 rank k is drawn in proportion to 1 / (k + 1)."""
    popularity, draws = Popularity(4), Draws(1)
    drawn = Counter(popularity.rank(draws) for _ in range(25_000))
    for rank, expected in enumerate((12_000, 6_000, 4_000, 3_000)):
        assert abs(drawn[rank] - expected) < 300


def test_a_table_of_quantiles_gives_each_rank_its_share():
    """1 + 1/2 + 1/3 + 1/4 = 25/12: of 25 slots the ranks have 12, 6, 4 and 3."""
    assert quantiles(4, 1, 25) == [0] * 12 + [1] * 6 + [2] * 4 + [3] * 3


@given(st.integers(1, 300), st.integers(1, 60), st.integers(1, 2_000))
def test_a_table_of_quantiles_is_full_and_sorted(count, flat, slots):
    """Whatever the sizes, every slot has a rank and ranks never fall."""
    table = quantiles(count, flat, slots)
    assert len(table) == slots
    assert table == sorted(table)
    assert set(table) <= set(range(count))
