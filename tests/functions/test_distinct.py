"""Functions over distinct values: same answers as row by row, fewer calls, bounded memory."""

import pickle
import threading

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.columns import distinct
from pipeline.columns.distinct import map_distinct, mapped, over_distinct


def shout(value):
    return None if value == "quiet" else value.upper()


class Counting:
    def __init__(self):
        self.seen = []

    def __call__(self, value):
        self.seen.append(value)
        return len(value)


@given(st.lists(st.one_of(st.none(), st.sampled_from(["a", "b", "quiet", "é"]), st.text(max_size=3)), max_size=50))
@settings(max_examples=100, deadline=None)
def test_same_as_row_by_row(values):
    """Order, nulls and repetition are those of the column; null is never passed to the function."""
    frame = pl.DataFrame({"x": pl.Series(values, dtype=pl.String)})
    expected = [None if value is None else shout(value) for value in values]
    assert frame.select(map_distinct(pl.col("x"), shout, pl.String())).to_series().to_list() == expected
    whole = over_distinct(pl.col("x"), lambda series: series.str.len_chars(), pl.UInt32())
    assert frame.select(whole).to_series().to_list() == [None if value is None else len(value) for value in values]


def test_one_call_a_value():
    """A value is computed once, within a batch and across batches."""
    count = Counting()
    answers = mapped(count, pl.Int64())
    assert answers(pl.Series(["a", "bb", "a", None, "a"])).to_list() == [1, 2, 1, None, 1]
    assert answers(pl.Series(["bb", "ccc"])).to_list() == [2, 3]
    assert sorted(count.seen) == ["a", "bb", "ccc"]


def test_memory_is_bounded(monkeypatch):
    """Not more answers are kept than allowed, and none for long texts; the answers stay right."""
    monkeypatch.setattr(distinct, "ENTRIES", 10)
    count = Counting()
    answers = mapped(count, pl.Int64())
    for start in range(0, 100, 7):
        values = [str(number) for number in range(start, start + 7)]
        assert answers(pl.Series(values)).to_list() == [len(value) for value in values]
        assert answers.remembered <= 10


def test_memory_is_bounded_in_bytes(monkeypatch):
    """Beyond so many bytes of texts the memory is emptied; the answers stay right."""
    monkeypatch.setattr(distinct, "BYTES", 100)
    count = Counting()
    answers = mapped(count, pl.Int64())
    assert answers(pl.Series(["a" * 60, "b" * 40])).to_list() == [60, 40]
    assert answers.remembered == 2
    assert answers(pl.Series(["c", "a" * 60])).to_list() == [1, 60]
    assert answers.remembered == 0
    assert answers(pl.Series(["c"])).to_list() == [1]
    assert [text[0] for text in count.seen] == ["a", "b", "c", "c"]


def test_numbers_have_answers_too():
    """Integers are values like others, and a column of nulls needs no answer."""
    answers = mapped(lambda value: value * 2, pl.Int64())
    assert answers(pl.Series([None, None], dtype=pl.Null)).to_list() == [None, None]
    assert answers(pl.Series([3, None, 3, 4])).to_list() == [6, None, 6, 8]
    assert answers.remembered == 2


def test_pickles_without_memory():
    """A mapping travels to other processes without what it remembers."""
    answers = mapped(shout, pl.String())
    answers(pl.Series(["a"]))
    copy = pickle.loads(pickle.dumps(answers))
    assert copy.remembered == 0
    assert copy(pl.Series(["a", "quiet"])).to_list() == ["A", None]


def test_threads_share_a_mapping(monkeypatch):
    """Threads that use one mapping at once all get right answers, also while its memory is emptied."""
    monkeypatch.setattr(distinct, "ENTRIES", 5)
    answers = mapped(shout, pl.String())
    wrong = []

    def work(seed):
        for number in range(200):
            values = [f"{(seed * number + step) % 13}x" for step in range(8)]
            if answers(pl.Series(values)).to_list() != [value.upper() for value in values]:
                wrong.append(values)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_literals_are_one_value():
    """Over a literal the result is one value for every row."""
    frame = pl.DataFrame({"x": [1, 2, 3]})
    assert frame.select("x", y=map_distinct(pl.lit("a"), shout, pl.String()))["y"].to_list() == ["A"] * 3
