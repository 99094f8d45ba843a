"""unsplit: which parts are one line, byte for byte, wherever batches end and whenever the clock ticks."""

from __future__ import annotations

import json

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pipeline_plugins.codecs import cri, docker
from pipeline_plugins.filters.unsplit import Options, Unsplit

from pipeline import api
from pipeline.columns.batch import stamp
from pipeline.testing.folds import Folded

SECOND = 1_000_000
CRI = cri.Cri(cri.Options())


def rows(*raws: bytes, codec: api.Codec = CRI, into: str | None = None, charset: str = "utf-8") -> api.Batch:
    """Records, decoded, the n-th at offset n."""
    offsets = pl.Series(range(len(raws)), dtype=pl.Int64)
    made = api.lines(list(raws), offsets, partition="p", start=0, end=len(raws))
    decoding = api.Decoding(api.DecodingOptions(codec=codec, into=into, charset=charset))
    return decoding.apply(stamp(made, source="s", host="h", now=0))


def record(stream: str, flag: str, text: bytes) -> bytes:
    return f"2026-01-31T12:00:00Z {stream} {flag} ".encode() + text


def out(text: bytes, flag: str = "F") -> bytes:
    return record("stdout", flag, text)


def err(text: bytes, flag: str = "F") -> bytes:
    return record("stderr", flag, text)


def told(frame: pl.DataFrame | None) -> list[tuple[int, str, bool]]:
    return [] if frame is None else frame.select("@offset", "message", "partial").rows()


def joined(*raws: bytes, cuts: tuple[int, ...] = (), **options: int) -> list[tuple[int, str, bool]]:
    folded = Folded(Unsplit(Options(**options)))  # type: ignore[arg-type]
    return told(folded.steps(rows(*raws), cuts)) + told(folded.finish())


def test_parts_are_one_event_with_all_their_bytes() -> None:
    """The fields are those of the first part; the whole line is not `partial`."""
    raws = [out(b"a"), out(b"b", "P"), out(b"c", "P"), out(b"d"), out(b"e")]
    folded = Folded(Unsplit(Options()))
    found = folded.step(rows(*raws))
    assert told(found) == [(0, "a", False), (1, "bcd", False), (4, "e", False)]
    assert found["@raw"].to_list() == [raws[0], b"\n".join(raws[1:4]), raws[4]]


def test_streams_are_joined_each_by_itself_in_the_order_of_first_parts() -> None:
    raws = [out(b"1", "P"), err(b"x"), err(b"y", "P"), out(b"2"), out(b"3"), err(b"z")]
    assert joined(*raws) == [(0, "12", False), (1, "x", False), (2, "yz", False), (4, "3", False)]


def test_a_line_that_does_not_end_is_let_go_after_the_timeout() -> None:
    """Counted from its last part, not from what others write behind it; then what waited for it leaves, and the rest of it is an
    event."""
    folded = Folded(Unsplit(Options(timeout=5 * SECOND)))
    assert folded.step(rows(out(b"a", "P")), now=SECOND).height == 0
    assert folded.step(rows(err(b"x"), err(b"y", "P")), now=4 * SECOND).height == 0
    assert folded.fold.held(folded.state) == 3
    assert folded.tick(6 * SECOND - 1) is None
    assert told(folded.tick(6 * SECOND)) == [(0, "a", True), (0, "x", False)]
    assert folded.fold.due(folded.state) == 9 * SECOND
    assert told(folded.tick(9 * SECOND)) == [(1, "y", True)]
    assert told(folded.step(rows(out(b"b")), now=10 * SECOND)) == [(0, "b", False)]


def test_what_is_held_has_a_bound() -> None:
    """The oldest line that has not ended goes, and those that waited for it; a single record is never cut."""
    size = len(out(b"1"))
    raws = [out(b"1", "P"), err(b"x"), out(b"2", "P"), out(b"3")]
    assert joined(*raws, max_bytes=4 * (size + 1)) == [(0, "123", False), (1, "x", False)]
    assert joined(*raws, max_bytes=3 * (size + 1)) == [(0, "12", True), (1, "x", False), (3, "3", False)]
    assert joined(*raws, max_bytes=1) == [(0, "1", True), (1, "x", False), (2, "2", True), (3, "3", False)]


def test_a_character_that_was_split_is_whole_again() -> None:
    """Containerd splits at bytes. One that is no character stays what it is."""
    word = "aé€𐍈z".encode()
    for at in range(len(word)):
        assert joined(out(word[:at], "P"), out(word[at:])) == [(0, "aé€𐍈z", False)]
    assert joined(out(b"\xff \xe2", "P"), out(b"\x82", "P"), out(b"\xac")) == [(0, "\ufffd €", False)]


def test_records_that_do_not_end_with_their_text_are_joined_as_texts() -> None:
    records = [json.dumps({"log": text, "stream": "stdout"}).encode() for text in ("\ufffda", "b c\r", "d\r\n")]
    folded = Folded(Unsplit(Options()))
    assert told(folded.step(rows(*records, codec=docker.Docker(docker.Options())))) == [(0, "\ufffdab c\rd", False)]


def test_parts_are_found_under_a_name() -> None:
    """`partial` and `stream` are beside the text."""
    fold = Unsplit(Options(field=api.Field(("c", "message"), api.STRING)))
    found = Folded(fold).step(rows(out(b"a", "P"), out(b"b"), into="c"))
    assert [(row["message"], row["partial"], row["stream"]) for row in found["c"]] == [("ab", False, "stdout")]


def test_rows_that_are_no_parts_end_nothing() -> None:
    """With null for a flag: they keep their place."""
    batch = rows(out(b"a", "P"), out(b"?"), out(b"b"))
    flags = pl.Series("partial", [True, None, False])
    assert told(Folded(Unsplit(Options())).step(batch.with_columns(flags))) == [(0, "ab", False), (1, "?", None)]


def test_without_marks_it_is_refused() -> None:
    with pytest.raises(api.OptionError, match="there is no partial of type bool"):
        Unsplit(Options()).schema(api.Columns({"message": api.STRING, "stream": api.STRING}))


def test_a_state_of_another_form_is_refused() -> None:
    fold = Unsplit(Options())
    for data, version in ((b"", 1), (b"\1" * 20, 1), (bytes(16), 1), (bytes(8), 2), (b"\1" + bytes(15) + b"x", 1)):
        with pytest.raises(ValueError, match=r"not what unsplit holds|no rows"):
            fold.load(data, version)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    raws=st.lists(
        st.builds(
            record,
            st.sampled_from(["stdout", "stderr"]),
            st.sampled_from("PPF"),
            st.sampled_from([b"", b"a", b"\xc3", b"\xa9", b" b\xff"]),
        ),
        min_size=1,
        max_size=30,
    ),
    cuts=st.lists(st.integers(1, 29), max_size=8),
    room=st.integers(1, 10),
)
def test_every_part_is_joined_as_one_by_one(raws: list[bytes], cuts: list[int], room: int) -> None:
    """Against a loop over records, with batches cut anywhere; and what it gives is every record once."""
    room *= len(out(b""))
    held: list[tuple[str, list[int], bool]] = []
    found: list[tuple[int, ...]] = []

    def let_go(*, oldest: bool) -> None:
        nonlocal held
        gone = oldest
        while held and (gone or not held[0][2]):
            found.append(tuple(held[0][1]))
            held, gone = held[1:], False

    for row, raw in enumerate(raws):
        stream, flag = raw.decode("latin-1").split(" ")[1:3]
        while held and sum(len(raws[at]) + 1 for _, places, _ in held for at in places) + len(raw) + 1 > room:
            let_go(oldest=True)
        at = next((at for at, line in enumerate(held) if line[0] == stream and line[2]), len(held))
        places = held[at][1] if at < len(held) else []
        held[at : at + 1] = [(stream, [*places, row], flag == "P")]
        let_go(oldest=False)
    while held:
        let_go(oldest=True)
    folded = Folded(Unsplit(Options(max_bytes=room)))
    inside = tuple(cut for cut in set(cuts) if cut < len(raws))
    frames = [folded.steps(rows(*raws), inside), folded.finish()]
    got = [
        row
        for frame in frames
        if frame is not None
        for row in frame.select("@offset", "@raw", "message", "partial").rows()
    ]
    wanted = [
        (
            places[0],
            b"\n".join(raws[at] for at in places),
            b"".join(raws[at].split(b" ", 3)[3] for at in places).decode("utf-8", "replace"),
            raws[places[-1]].split(b" ")[2] == b"P",
        )
        for places in found
    ]
    assert got == wanted
