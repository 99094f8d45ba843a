"""Dictionaries that grow: the crate's and its twin number alike."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.columns.keys import Twin, keys
from pipeline.columns.native import kernels

TEXTS = st.one_of(
    st.none(), st.sampled_from(["", "a", "b", "abcdefghijkl", "abcdefghijklm", "abcdefghijkln"]), st.text()
)
BATCHES = st.lists(st.lists(TEXTS, max_size=12), min_size=1, max_size=5)


def column(values, dtype, cut):
    """The values in two chunks, as slices of a longer column."""
    given_ = [value.encode() if value is not None and dtype == pl.Binary else value for value in values]
    whole = pl.Series("x", [None, *given_, None], dtype=dtype).slice(1, len(given_))
    return pl.concat([whole.head(cut), whole.slice(cut)], rechunk=False)


class Plain:
    """A dictionary in plain Python."""

    def __init__(self):
        self.numbers = {}

    def codes(self, values, known):
        numbers = {value: number for value, number in self.numbers.items() if number <= known}
        codes, rows = [], []
        for row, value in enumerate(values):
            if value is not None and value not in numbers:
                numbers[value] = len(numbers) + 1
                rows.append(row)
            codes.append(0 if value is None else numbers[value])
        return codes, rows

    def learn(self, values):
        for value in values:
            self.numbers[value] = len(self.numbers) + 1


@pytest.mark.parametrize("dtype", [pl.String, pl.Binary])
@given(data=st.data(), batches=BATCHES)
@settings(max_examples=200, deadline=None)
def test_numbers_are_those_of_a_plain_dictionary(dtype, data, batches):
    """Known values keep their number, new ones count on in order, null is 0; also for one who knows less than is known."""
    plain, both = Plain(), [keys(dtype()), Twin()]
    for batch in batches:
        known = len(plain.numbers)
        less = data.draw(st.integers(0, known))
        values = column(batch, dtype, data.draw(st.integers(0, len(batch))))
        for each in both:
            for seen in (less, known):
                codes, rows = each.codes(values, seen)
                assert codes.dtype == pl.UInt32
                assert (codes.to_list(), [] if rows is None else rows.to_list()) == plain.codes(values.to_list(), seen)
        expected = plain.codes(values.to_list(), known)[1]
        fresh = values.gather(expected)
        plain.learn(fresh.to_list())
        for each in both:
            assert each.learn(fresh, known + 1) is False
            assert each.learn(fresh, known) is True
            assert each.entries == len(plain.numbers)
            assert each.bytes == sum(len(key if dtype == pl.Binary else key.encode()) for key in plain.numbers)


@pytest.mark.native
def test_other_columns_are_refused():
    """The crate numbers one column of texts; anything else is a mistake of the caller."""
    texts = pl.Series("x", ["a"])
    for frame in (pl.DataFrame({"x": [1]}), pl.DataFrame([texts, texts.alias("y")])):
        with pytest.raises(TypeError):
            kernels.Keys().codes(frame, 0)
