"""w3c: records by the header before them, wherever batches end."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline_plugins.filters.w3c import LONGEST, Options, W3c

from pipeline import api
from pipeline.columns.batch import stamp
from pipeline.testing.folds import Folded

FIELDS = ["c-ip", "sc-status", "cs(Host)"]


def lines(*texts: str) -> api.Batch:
    """Lines, the n-th at offset n."""
    offsets = pl.Series(range(len(texts)), dtype=pl.Int64)
    made = api.lines([text.encode() for text in texts], offsets, partition="p", start=0, end=len(texts))
    return stamp(made, source="s", host="h", now=0)


def folded() -> Folded:
    return Folded(W3c(Options(fields=FIELDS, types={"sc_status": "int"})))


def told(frame: pl.DataFrame) -> list[tuple[object, ...]]:
    return frame.select("@offset", "c_ip", "sc_status", "cs_host").rows()


def refused(fold: Folded) -> list[tuple[int, str]]:
    return [(row["@offset"], row["@error"]["reason"]) for frame in fold.rejected for row in frame.to_dicts()]


def test_records_have_the_fields_of_the_header_before_them() -> None:
    """In its order; without those that the program does not name, with null for those that the header does not."""
    fold = folded()
    found = fold.step(
        lines(
            "10.0.0.1 200 a",
            "#Version: 1.0",
            "#Fields: sc-status c-ip",
            "404 10.0.0.2",
            "404 10.0.0.2 b",
            "#Fields: cs(Host) date c-ip sc-status\r",
            "- 2026-01-31 10.0.0.3 x",
            "c 2026-01-31 10.0.0.4 500\r",
        )
    )
    assert told(found) == [
        (0, "10.0.0.1", 200, "a"),
        (3, "10.0.0.2", 404, None),
        (6, "10.0.0.3", None, None),
        (7, "10.0.0.4", 500, "c"),
    ]
    assert refused(fold) == [(4, "wrong_columns")]
    assert {name for name in found.columns if not name.startswith("@")} == {"c_ip", "sc_status", "cs_host"}


def test_a_start_in_the_middle_of_a_file_knows_its_header() -> None:
    """Folded stores and loads the state between any two steps."""
    fold = folded()
    fold.step(lines("#Fields: sc-status cs(Host) c-ip"))
    assert told(fold.step(lines("200 a 10.0.0.1"))) == [(0, "10.0.0.1", 200, "a")]


@pytest.mark.parametrize("names", ["a a", "", " ".join(f"f{n}" for n in range(1001)), "f" * (LONGEST + 1), "c-ip c_ip"])
def test_records_behind_a_header_that_is_no_good_are_rejected(names: str) -> None:
    """Up to the next one."""
    fold = folded()
    assert told(fold.step(lines(f"#Fields: {names}", "a b", "#Fields: c-ip", "d"))) == [(3, "d", None, None)]
    assert refused(fold) == [(0, "bad_fields"), (1, "bad_fields")]


def test_time_is_that_of_date_and_time() -> None:
    """Where both the program and the header name them."""
    fold = Folded(W3c(Options(fields=["date", "time"])))
    found = fold.step(lines("#Fields: time s-ip date", "12:00:00 - 2026-01-31", "#Fields: time", "12:00:00"))
    assert [None if time is None else time.isoformat() for time in found["date_time"]] == [
        "2026-01-31T12:00:00+00:00",
        None,
    ]


def test_values_of_cloudfront_are_between_tabs() -> None:
    """Under a header of its own, too."""
    fold = Folded(W3c(Options(fields="cloudfront")))
    found = fold.step(lines("#Fields: sc-status cs(User-Agent)", "200\ta b"))
    assert found.select("sc_status", "cs_user_agent").rows() == [("200", "a b")]


def test_a_state_of_another_form_is_refused() -> None:
    """Another version, other bytes, no text."""
    for data, version in ((b"", 2), (b"x", 1), (b"#Fields:\xff", 1)):
        with pytest.raises(ValueError, match=r"not what w3c remembers|can't decode"):
            folded().fold.load(data, version)


@settings(deadline=None)
@given(
    texts=st.lists(
        st.sampled_from(
            ["#Fields: c-ip", "#Fields: cs(Host) c-ip", "#Fields: a a", "#Date: x", "x", "x y", "x y z", ""]
        ),
        min_size=1,
        max_size=20,
    ),
    cuts=st.sets(st.integers(1, 19)),
)
def test_the_answer_does_not_depend_on_where_batches_end(texts: list[str], cuts: set[int]) -> None:
    """Rows and rejected rows are those of the lines one by one."""
    inside = [cut for cut in cuts if cut < len(texts)]
    whole, other, single = folded(), folded(), folded()
    found = [told(whole.step(lines(*texts))), told(other.steps(lines(*texts), inside))]
    found.append(told(single.steps(lines(*texts), range(1, len(texts)))))
    assert found[0] == found[1] == found[2]
    assert sorted(refused(whole)) == sorted(refused(other)) == sorted(refused(single))
