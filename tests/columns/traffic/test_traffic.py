import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.columns.traffic import Traffic
from pipeline.errors import ConfigurationError

START = 1_767_225_599_000_000  # 2025-12-31T23:59:59Z
SECOND = 1_000_000


def test_the_same_arguments_give_the_same_bytes(combined):
    """Two generators made alike agree; another seed gives another log of other visitors."""
    assert Traffic(7, START, 10_000).lines(0, 5_000) == combined.lines(0, 5_000)
    assert Traffic(8, START, 10_000).lines(0, 5_000) != combined.lines(0, 5_000)


def test_the_log_of_a_seed_never_changes(combined, as_json):
    """Fixed digests: a change of the generator that changes its logs is a decision, not an accident."""
    assert hashlib.sha256(combined.lines(0, 50_000)).hexdigest()[:16] == "b8eaf3d3df905eb8"
    assert hashlib.sha256(as_json.lines(0, 50_000)).hexdigest()[:16] == "7893a1ef3267dc75"


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**12), st.lists(st.integers(0, 9_000), min_size=1, max_size=6))
def test_lines_can_be_made_from_any_line_on(combined, first, counts):
    """Pieces that follow each other are the whole, byte for byte, wherever they are cut."""
    pieces, at = [], first
    for count in counts:
        pieces.append(combined.lines(at, count))
        at += count
    assert b"".join(pieces) == combined.lines(first, sum(counts))


def test_each_single_line_is_the_line_of_the_whole(as_json):
    """Line by line, across the boundary of a block, gives what one call gives."""
    whole = as_json.lines(16_300, 200)
    assert b"".join(as_json.lines(16_300 + n, 1) for n in range(200)) == whole
    assert whole.count(b"\n") == 200


def test_no_lines_are_no_bytes(combined):
    """A count of 0 is allowed anywhere."""
    assert combined.lines(123, 0) == b""


def test_at_moves_the_stamps_and_nothing_else(combined):
    """With `at`, the first line has that time, the others follow at the rate, and all the rest is as without."""
    plain, moved = combined.lines(40_000, 20_000), combined.lines(40_000, 20_000, at=START + 100 * SECOND)
    assert moved.startswith(plain[: plain.index(b"[") + 1] + b"01/Jan/2026:00:01:39 +0000]")
    assert b"01/Jan/2026:00:01:40 +0000]" in moved
    assert b"01/Jan/2026:00:01:41 +0000]" not in moved
    plain_minute, moved_minute = b"/2026:00:00:0", b"/2026:00:01:"
    restored = moved.replace(moved_minute + b"39", plain_minute + b"3").replace(
        moved_minute + b"40", plain_minute + b"4"
    )
    assert restored == plain


def test_the_time_of_a_line_is_its_number_by_the_rate(combined):
    """Line n is written n / rate seconds after the start, also at rates below one and with fractions."""
    assert combined.time_of(0) == START
    assert combined.time_of(25_000) == START + 2_500_000
    assert Traffic(1, 0, 0.25).time_of(3) == 12 * SECOND
    assert Traffic(1, 0, 3).time_of(1) == 333_333


@settings(max_examples=60)
@given(time=st.integers(START - 10**9, START + 10**12))
def test_a_rotation_cuts_before_the_first_line_of_the_hour(combined, time):
    """first_line_at() is the least line whose time is not before the given one."""
    line = combined.first_line_at(time)
    assert combined.time_of(line) >= time
    assert line == 0 or combined.time_of(line - 1) < time


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rate": 0}, "rate is 0, it must be above 0"),
        ({"rate": float("nan")}, "rate is nan, it must be above 0"),
        ({"rate": float("inf")}, "rate is inf, it must be above 0"),
        ({"format": "xml"}, "there is no format 'xml'"),
        ({"garbage": 1.5}, "garbage is 1.5, it must be in 0..1"),
        ({"late": -0.1}, "late is -0.1, it must be in 0..1"),
        ({"late_by": 0}, "late_by is 0, it must be above 0"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, message):
    """Each wrong argument is named with its value, as an error of the configuration."""
    with pytest.raises(ConfigurationError) as caught:
        Traffic(1, 0, **{"rate": 1_000, **arguments})
    assert caught.value.message == message


def test_negative_lines_are_refused(combined):
    """There is nothing before line 0."""
    with pytest.raises(ConfigurationError):
        combined.lines(-1, 10)
    with pytest.raises(ConfigurationError):
        combined.lines(0, -1)
