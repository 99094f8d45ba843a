from itertools import pairwise

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from pipeline.columns.traffic.lanes import Lanes, lanes_for
from pipeline.columns.traffic.mix import MASK, key_of, mix

STEPS = [0, 1, 2, 0, 0, 1, 2, 3, 4, 0, 1, 0, 1, 2, 0, 0]
POOLS = [0, 0, 0, 8, 0, 0, 0, 0, 0, 8, 8, 0, 0, 0, 16, 8]
SLOTS = 8


def lanes(seed, count):
    return Lanes(seed, count, pl.Series(STEPS, dtype=pl.UInt64), pl.Series(POOLS, dtype=pl.UInt64), SLOTS)


def at(made, numbers):
    place, slot = made.places(pl.Series(numbers, dtype=pl.UInt64))
    return list(zip(place.to_list(), slot.to_list(), strict=True))


def row_wise(seed, count, number):
    """The same rule as the kernel's, in plain integers."""
    round_ = number // count
    turn = number * 0x5BD1E995 & MASK
    lane = (turn ^ ((round_ * 0x9E3779B9 & MASK) >> 16)) % count
    lane_key = mix(lane ^ key_of(seed, 1))
    walked = round_ + (lane_key >> 40)
    place = walked % len(STEPS)
    return place, POOLS[place] + mix(lane_key ^ (walked - STEPS[place])) % SLOTS


@given(st.integers(), st.sampled_from([64, 1024]), st.lists(st.integers(0, 2**60), min_size=1))
def test_places_equal_a_row_wise_reference(seed, count, numbers):
    """Place and slot of every line number equal the rule written in plain integers."""
    assert at(lanes(seed, count), numbers) == [row_wise(seed, count, number) for number in numbers]


def test_a_round_gives_every_lane_one_line():
    """Within a round the lanes are permuted; each moves one place along the tape from round to round."""
    made = lanes(5, 64)
    first = sorted(place for place, _ in at(made, range(64)))
    second = sorted((place - 1) % len(STEPS) for place, _ in at(made, range(64, 128)))
    assert first == second


def test_a_visit_keeps_its_client():
    """Following one lane round by round, the client's slot changes only where a visit begins."""
    count, chosen = 64, 17
    numbers = range(200 * count)
    lane_of = [(n * 0x5BD1E995 ^ (n // count * 0x9E3779B9 >> 16)) % count for n in numbers]
    entries = at(lanes(9, count), numbers)
    walk = [entry for entry, lane in zip(entries, lane_of, strict=True) if lane == chosen]
    assert len(walk) == 200
    for (place, slot), (next_place, next_slot) in pairwise(walk):
        assert next_place == (place + 1) % len(STEPS)
        assert STEPS[next_place] == 0 or next_slot == slot
    assert len({slot for _, slot in walk}) > 4


def test_the_number_of_lanes_follows_the_rate():
    """A power of two at least as large as the rate, within its bounds."""
    assert [lanes_for(rate) for rate in (0.01, 64, 65, 10_000, 1e9)] == [64, 64, 128, 16_384, 2**20]
