"""cluster: which texts are one kind, wherever batches end."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline_plugins.filters.cluster import Cluster, Options

from pipeline import api
from pipeline.columns.batch import stamp
from pipeline.testing.folds import Folded

FIELD = api.Field(("message",), api.STRING)


def texts(*given: str | None) -> api.Batch:
    made = api.lines([b""] * len(given), pl.Series(range(len(given)), dtype=pl.Int64), partition="p", start=0, end=9)
    return stamp(made, source="s", host="h", now=0).with_columns(pl.Series("message", given, dtype=pl.String))


def folded(count: int = 500) -> Folded:
    return Folded(Cluster(Options(field=FIELD, count=count)))


def told(frame: pl.DataFrame) -> list[tuple[str, str] | None]:
    return [None if row is None else (row["id"], row["template"]) for row in frame["cluster"].to_list()]


def test_texts_that_are_alike_are_one_cluster() -> None:
    """Its template has what they have in common, and becomes wider; its id stays."""
    found = told(
        folded().step(
            texts("user ann logged in", "disk 7 is full", "user bob logged in", "user eve logged out", "disk 8 is full")
        )
    )
    assert [template for _, template in found] == [
        "user ann logged in",
        "disk <num> is full",
        "user <*> logged in",
        "user <*> logged <*>",
        "disk <num> is full",
    ]
    user, disk = found[0][0], found[1][0]
    assert [id for id, _ in found] == [user, disk, user, user, disk]


def test_a_text_that_comes_again_has_the_template_of_then() -> None:
    """Also within a batch."""
    found = told(folded().step(texts("user ann", "user bob", "user ann")))
    assert [template for _, template in found] == ["user ann", "user <*>", "user <*>"]


def test_the_id_is_the_same_in_other_files() -> None:
    """Where the first text of the kind has the same template, whatever else there is."""
    one, other = folded().step(texts("a b", "disk 7 is full")), folded().step(texts("disk 12 is full"))
    assert told(one)[1] == told(other)[0] == ("89b878565f91927e", "disk <num> is full")


def test_clusters_have_a_bound() -> None:
    """Half of them are found; what is of none is put together by its number of words, and then is null."""
    found = told(folded(4).step(texts("a", "b", "c", "d", "e f", "g h i", "a")))
    assert [row and row[1] for row in found] == ["a", "b", "<*>", "<*>", "<*> <*>", None, "a"]


def test_a_text_that_is_missing_has_none() -> None:
    """An empty one has one."""
    assert [row and row[1] for row in told(folded().step(texts(None, "")))] == [None, ""]


def test_a_batch_without_news_leaves_the_state_as_it_is() -> None:
    """So that nothing is written."""
    fold = folded().fold
    state, _ = fold.step(fold.empty(), texts("a b c", "a b d"), 0)
    assert fold.step(state, texts("a b e", None), 0)[0] is state


def test_only_texts_are_clustered() -> None:
    fold = Cluster(Options(field=api.Field(("n",), api.INT)))
    with pytest.raises(api.OptionError, match="this is of type int"):
        fold.schema(api.Columns({"n": api.INT}))


@pytest.mark.parametrize(("data", "version"), [(b"[]", 2), (b"[[1]]", 1), (b"\xff", 1), (b"1", 1)])
def test_a_state_of_another_form_is_refused(data: bytes, version: int) -> None:
    with pytest.raises(ValueError, match="what cluster remembers"):
        folded().fold.load(data, version)


@settings(deadline=None)
@given(
    given=st.lists(st.lists(st.sampled_from("abcd1"), max_size=4).map(" ".join) | st.none(), min_size=1, max_size=30),
    cuts=st.sets(st.integers(1, 29)),
    count=st.integers(2, 12),
)
def test_the_answer_does_not_depend_on_where_batches_end(given: list[str | None], cuts: set[int], count: int) -> None:
    """Each row by row, or all at once; with the state stored between."""
    whole = told(folded(count).step(texts(*given)))
    assert told(folded(count).steps(texts(*given), [cut for cut in cuts if cut < len(given)])) == whole
    assert told(folded(count).steps(texts(*given), range(1, len(given)))) == whole
