"""What is looked at in a running node, and when."""

import polars as pl

from pipeline.columns.grok import Sampler
from pipeline.columns.grok.sampled import EVERY, LOOKED


class Time:
    """A clock that stands still until it is set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_batch_a_second_is_looked_at() -> None:
    """Of each batch the first lines that do not match, and none before the time has come; the rest costs nothing."""
    time = Time()
    sampler = Sampler(["^%{INT:n}"], None, time)
    sampler.add(pl.Series(["1", "a b", None, "a c"]), pl.Series([True, False, False, False]))
    sampler.add(pl.Series(["x"]), pl.Series([False]))
    assert [row["lines"] for row in sampler.misses()] == [2]
    time.now = EVERY
    sampler.add(pl.Series(["x"] * (LOOKED + 5)), pl.Series([False] * (LOOKED + 5)))
    assert [(row["kind"], row["lines"], row["share"]) for row in sampler.misses()] == [
        ("x", LOOKED, 0.9901),
        ("a <*>", 2, 0.0099),
    ]


def test_a_kind_says_where_the_pattern_stops() -> None:
    """The element that stopped, the text there, and an example, cut; a batch of bytes is read as lines are."""
    sampler = Sampler(["^%{WORD:w} %{INT:n}$"], None, Time())
    sampler.add(pl.Series([b"took \xff" + b"x" * 300 + b"\r"]), pl.Series([False]))
    assert sampler.misses() == [
        {
            "kind": "took <bytes>",
            "lines": 1,
            "share": 1.0,
            "wanted": "%{INT:n}",
            "saw": "\ufffd" + "x" * 59,
            "example": "took \ufffd" + "x" * 194,
        }
    ]


def test_a_batch_without_misses_is_not_a_look() -> None:
    """The next one is looked at although no time has passed; with nothing seen there is nothing to tell."""
    sampler = Sampler(["^%{INT:n}"], None, Time())
    sampler.add(pl.Series(["1"]), pl.Series([True]))
    assert sampler.misses() == []
    sampler.add(pl.Series(["x"]), pl.Series([False]))
    assert len(sampler.misses()) == 1


def test_several_patterns_are_told_apart() -> None:
    """Of the sampled lines that match, how many each pattern takes, the first that matches; a single pattern is not told."""
    sampler = Sampler(["^a", "b$"], None, Time())
    sampler.add(pl.Series(["ab", "b", "c", "a"]), pl.Series([True, True, False, True]))
    assert sampler.patterns() == [
        {"pattern": "^a", "lines": 2, "share": 0.6667},
        {"pattern": "b$", "lines": 1, "share": 0.3333},
    ]
    assert [row["kind"] for row in sampler.misses()] == ["c"]
    alone = Sampler(["^a"], None, Time())
    alone.add(pl.Series(["ab"]), pl.Series([True]))
    assert alone.patterns() == []
