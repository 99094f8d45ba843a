"""sample: which events stay, that they are always the same, and what they weigh."""

import hashlib

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pipeline_plugins.filters.sample import Options, Sample

from pipeline import api

USER = api.Field(("user",), api.STRING)
N = api.Field(("n",), api.INT)


def mixed(*numbers):
    found = 0
    for number in numbers:
        found = ((found ^ (number % 2**64)) + 0x9E3779B97F4A7C15) % 2**64
        found = (found ^ (found >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        found = (found ^ (found >> 27)) * 0x94D049BB133111EB % 2**64
        found ^= found >> 31
    return found


def hashed(text):
    if text is None:
        return 0
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little", signed=True)


KEPT = [4, 5, 14, 18, 49, 54, 79, 87, 98]


def test_the_choice_is_the_same_for_ever(batch):
    """Of these events these stay, on every machine and in every version."""
    kept = Sample(Options(every=10)).apply(batch(*[b"x"] * 100)).frame["@offset"].to_list()
    assert kept == [at for at in range(100) if mixed(0, hashed("p"), at) % 10 == 0]
    assert kept == KEPT


def test_parts_of_a_batch_are_chosen_as_the_whole(batch):
    """Where a batch ends changes nothing."""
    whole, made = batch(*[b"x"] * 1000), Sample(Options(rate=0.3))
    parts = [made.apply(whole.with_frame(whole.frame[at : at + 7])).frame for at in range(0, 1000, 7)]
    assert pl.concat(parts).equals(made.apply(whole).frame)


def test_a_share_of_the_events_stays(batch):
    """In the mean; another seed keeps others; all of them are kept where the share is one."""
    events = batch(*[b"x"] * 20_000)
    tenth = Sample(Options(rate=0.1)).apply(events).frame
    other = Sample(Options(rate=0.1, seed=1)).apply(events).frame
    assert 1_800 < tenth.height < 2_200
    assert 130 < len(set(tenth["@offset"]) & set(other["@offset"])) < 280
    assert (
        Sample(Options(rate=1.0)).apply(events).frame.height
        == Sample(Options(every=1)).apply(events).frame.height
        == 20_000
    )


def test_weights_say_what_an_event_stands_for(batch, rows):
    """A whole number where one of so many is kept; a fraction else; a field of that name is replaced."""
    events = batch(*[b"x"] * 100, w=["old"] * 100)
    for options, weight, kind in (
        (Options(every=4, weight="w"), 4, api.INT),
        (Options(rate=0.3, weight="w"), 1 / 0.3, api.FLOAT),
    ):
        made = Sample(options)
        after = made.apply(events)
        assert set(after.frame["w"]) == {weight}
        assert made.schema(api.Columns({"w": api.STRING})).fields == {"w": kind}
        assert after.frame.schema["w"] == api.dtype(kind)
        assert made.apply(batch(w=[])).frame.schema["w"] == api.dtype(kind)


def test_all_events_of_a_key_stay_or_none(batch):
    """Whatever partition they come from; events without any key are chosen one by one."""
    users = [f"u{at % 50}" for at in range(1000)]
    after = Sample(Options(every=5, by=(USER,))).apply(batch(user=users)).frame
    kept = {user for user in users if mixed(0, hashed(user)) % 5 == 0}
    assert 0 < len(kept) < 50
    assert after["user"].to_list() == [user for user in users if user in kept]
    missing = Sample(Options(every=5, by=(USER,))).apply(batch(types={"user": api.STRING}, user=[None] * 1000)).frame
    assert 150 < missing.height < 250


@pytest.mark.parametrize(
    ("options", "message"),
    [({}, "sample needs `rate` or `every`"), ({"rate": 0.5, "every": 2}, "`rate` and `every` say the same thing")],
)
def test_one_of_rate_and_every_is_needed(options, message):
    """And not both."""
    with pytest.raises(api.OptionError, match=message):
        Sample(Options(**options))


def test_records_are_no_keys():
    """Their members are."""
    field = api.Field(("geo",), api.record({"c": api.STRING}))
    with pytest.raises(api.OptionError, match=r"geo is \{c: string\} and cannot be a key"):
        Sample(Options(every=2, by=(field,))).schema(api.Columns({"geo": field.type}))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    keys=st.lists(st.tuples(st.none() | st.text(max_size=3), st.none() | st.integers(-(2**63), 2**63 - 1)), max_size=8),
    seed=st.integers(-(2**63), 2**63 - 1),
    rate=st.floats(0.001, 0.999),
)
def test_the_same_as_row_by_row(batch, keys, seed, rate):
    """Whatever keys, seed and rate."""
    events = batch(types={"user": api.STRING, "n": api.INT}, user=[u for u, _ in keys], n=[n for _, n in keys])
    after = Sample(Options(rate=rate, seed=seed, by=(USER, N))).apply(events)

    def chosen(at, user, number):
        if user is None and number is None:
            return mixed(seed, hashed("p"), at)
        return mixed(seed, hashed(user), hashed(None if number is None else str(number)))

    expected = [at for at, (user, number) in enumerate(keys) if chosen(at, user, number) < round(rate * 2**64)]
    assert after.frame["@offset"].to_list() == expected
