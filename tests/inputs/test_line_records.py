"""The line kernel against a row-wise reference."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from pipeline.columns.lines import decode, records

pieces = st.lists(
    st.sampled_from(
        [b"\n", b"\r", b"\r\n", b"\x00", b"\xff", b"a", "é".encode(), b"\xc3", b"x\x01", b"\x1f\x8b", b"long" * 20]
    )
).map(b"".join)


def reference(chunk: bytes, offset: int) -> tuple[list[bytes], list[int], int]:
    """Records one byte at a time."""
    raw, offsets, start = [], [], 0
    for at, byte in enumerate(chunk):
        if byte == 10:
            raw.append(chunk[start:at])
            offsets.append(offset + start)
            start = at + 1
    return raw, offsets, start


@given(chunk=st.one_of(pieces, st.binary()), offset=st.integers(0, 2**60))
def test_records_equal_the_reference(chunk, offset):
    """Any bytes are split at `\\n` and nowhere else, with exact offsets."""
    raw, offsets, consumed = records(chunk, offset)
    assert (raw.dtype, offsets.dtype) == (pl.Binary, pl.Int64)
    assert (raw.to_list(), offsets.to_list(), consumed) == reference(chunk, offset)


def test_bytes_that_look_like_a_compressed_file_are_lines():
    """A line that begins with zlib's magic bytes is text like any other."""
    raw, _, consumed = records(b"x\x01\nabc\n", 0)
    assert raw.to_list() == [b"x\x01", b"abc"]
    assert consumed == 7


@given(values=st.lists(st.one_of(st.none(), pieces, st.binary())))
def test_decode_equals_the_reference(values):
    """Only rows that are not UTF-8 are repaired, and each as Python would repair it."""
    text, invalid = decode(pl.Series(values, dtype=pl.Binary))
    assert text.dtype == pl.String
    assert text.to_list() == [None if value is None else value.decode("utf-8", "replace") for value in values]
    broken = []
    for value in values:
        try:
            (value or b"").decode()
            broken.append(False)
        except UnicodeDecodeError:
            broken.append(True)
    assert (invalid is None) == (not any(broken))
    if invalid is not None:
        assert invalid.to_list() == broken
