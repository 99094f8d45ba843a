"""Records as they came, from views of any kind."""

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.columns.encode.raw import _twin, raw
from pipeline.columns.lines import records

RECORDS = st.lists(
    st.one_of(st.binary(max_size=40), st.sampled_from([b"", b"short", b"x" * 12, b"y" * 13, b"\xff" * 30]))
)


def plain(values):
    return b"".join((value or b"") + b"\n" for value in values)


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_every_record_and_a_newline(data):
    """Records of chunks, in any order, with some left out, repeated, null or from elsewhere: each, then a newline."""
    lines = [line.replace(b"\n", b"|") for line in data.draw(RECORDS)]
    chunk = b"".join(line + b"\n" for line in lines)
    split = records(chunk, 0)[0]
    other = records(data.draw(st.sampled_from([chunk, chunk.replace(b"y", b"z")])), 0)[0]
    joined = pl.concat(
        [split, other, pl.Series("@raw", [None, b"elsewhere, and long"], dtype=pl.Binary)], rechunk=False
    )
    order = data.draw(
        st.one_of(
            st.just(list(range(len(joined)))),
            st.lists(st.integers(0, len(joined) - 1), max_size=30),
            st.permutations(range(len(joined))),
        )
    )
    for picked in (joined, joined.gather(order), joined.slice(1), joined.filter(joined.bin.size() > 12)):
        assert raw(picked.to_frame()) == plain(picked.to_list()) == _twin(picked)


def test_neighbours_without_a_newline_between():
    """Views that are one byte apart, but not by a newline, are still separate records."""
    whole = pl.Series([b"aaaaaaaaaaaaaaaaaaaa|bbbbbbbbbbbbbbbbbbbb"])
    halves = pl.DataFrame({"@raw": pl.concat([whole.bin.slice(0, 20), whole.bin.slice(21, 20)])})
    assert raw(halves) == b"a" * 20 + b"\n" + b"b" * 20 + b"\n"


def test_an_archive_of_a_chunk_is_the_chunk():
    """What was split comes together again, and the last newline is left out where the source had none."""
    chunk = b"".join(b"line %d with some text\n" % number for number in range(1000))
    frame = records(chunk, 0)[0].to_frame()
    assert raw(frame) == chunk
    assert raw(frame, terminated=False) == chunk[:-1]
    assert raw(frame.clear()) == b""
