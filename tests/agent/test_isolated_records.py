"""Records that a plugin fails on, or that end the process: they are found, and everything else is as if they were not there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from poison import Lives, Touchy, asyncio_run, die, lines, soon_full

from pipeline import api
from pipeline.agent import caution
from pipeline.columns.panics import PANICS
from pipeline.errors import ConfigurationError, InternalError
from pipeline.plan import isolation
from pipeline.testing.life import Crash
from pipeline.testing.world import SimEnv
from plugins import Chunks, ChunksOptions, Given, Records, RecordsOptions

LINES = lines(1000)


def given(records: list[bytes] = LINES, size: int = 1000) -> Given:
    """Records in batches of so many; offsets are their numbers."""
    cuts = range(0, len(records), size)
    return Numbered(*(("p", at or None, min(at + size, len(records)), records[at : at + size]) for at in cuts))


class Numbered(Given):
    """Offsets that go on from batch to batch, and nothing that was committed is given again."""

    async def read(self, progress):
        done = progress.get("p") or 0
        for partition, start, end, records in self.batches:
            first = start or 0
            if first >= done:
                numbers = pl.Series(range(first, end), dtype=pl.Int64)
                yield api.lines(records, numbers, partition=partition, start=start, end=end)


def raising(*bad: bytes, error: Callable[[], BaseException] = lambda: ValueError("no such thing")) -> Touchy:
    def touch(record: bytes) -> None:
        if record in bad:
            raise error()

    return Touchy(touch)


def joined(records: list[bytes]) -> bytes:
    return b"".join(record + b"\n" for record in records)


def without(*bad: bytes) -> bytes:
    return joined([record for record in LINES if record not in bad])


# ── a plugin raises ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("at", [[0], [999], [500, 501, 502], [0, 7, 998]], ids=str)
def test_a_record_that_a_filter_raises_on_is_a_dead_letter(tmp_path: Path, at: list[int]) -> None:
    """With the reason and the place in the plugin; the others of its batch flow on, in order."""
    lives, bad = Lives(tmp_path), [LINES[number] for number in at]
    counts = lives(given(), raising(*bad))
    assert lives.out == without(*bad)
    assert [(letter["stage"], letter["@raw"].encode(), letter["@offset"]) for letter in lives.letters()] == [
        ("parsed", LINES[number], number) for number in at
    ]
    for letter in lives.letters():
        error = letter["@error"]
        assert (error["filter"], error["reason"]) == ("touchy", "failed")
        assert error["detail"].startswith("ValueError: no such thing (agent/")
    assert (counts["parsed", "in"], counts["parsed", "out"], counts["parsed", "rejected"]) == (
        1000,
        1000 - len(at),
        len(at),
    )
    (said,) = lives.said
    assert said.startswith("pipe: error: parsed: touchy failed on records, which are rejected; the others go on")


@pytest.mark.parametrize("error", [OSError, RecursionError, SystemExit, *PANICS], ids=lambda error: error.__name__)
def test_whatever_a_filter_raises_is_a_reason(tmp_path: Path, error: type[BaseException]) -> None:
    """An OSError of a pure function, a recursion without end, a library that says good-bye, a panic in Rust."""
    lives = Lives(tmp_path)
    lives(given(), raising(LINES[3], error=lambda: error("a\nb\x1b" + "c" * 1000)))
    assert lives.out == without(LINES[3])
    (letter,) = lives.letters()
    detail = letter["@error"]["detail"]
    assert detail.startswith(f"{error.__name__}: a b\x1bccc")
    assert len(detail) < 600


def test_a_message_that_is_no_text_is_a_reason(tmp_path: Path) -> None:
    """Halves of characters, as names of files and undecoded bytes have them, are spelled out."""
    lives = Lives(tmp_path)
    lives(given(), raising(LINES[3], error=lambda: ValueError("no file a\udcff")))
    assert lives.out == without(LINES[3])
    (letter,) = lives.letters()
    assert letter["@error"]["detail"].startswith("ValueError: no file a\\udcff (agent/")


def test_an_error_on_purpose_ends_the_run(tmp_path: Path) -> None:
    """A PipeError of a plugin is not about a record."""
    lives = Lives(tmp_path)
    with pytest.raises(ConfigurationError, match="no key"):
        lives(given(), raising(LINES[3], error=lambda: ConfigurationError("no key")))
    assert (lives.out, lives.letters()) == (b"", [])


def test_a_record_that_a_filter_raises_on_goes_where_rejected_ones_go(tmp_path: Path) -> None:
    """A sink that reads the rejected port has it, in its place; an archive stays whole."""
    lives = Lives(tmp_path)
    lives(given(), raising(LINES[3]), read=True)
    assert (lives.out, lives.letters()) == (joined(LINES), [])


def test_a_record_that_an_output_cannot_encode_is_a_dead_letter(tmp_path: Path) -> None:
    """Of the sink; the rest is written as if it had not been there."""

    class Picky(Records):
        name = "picky"

        def uses(self) -> frozenset[str]:
            return frozenset({"@raw"})

        def encode(self, frame: pl.DataFrame) -> bytes:
            if LINES[8] in frame["@raw"]:
                raise KeyError("eight")
            return super().encode(frame)

    lives = Lives(tmp_path)
    output = Picky(RecordsOptions(path=str(tmp_path / "out.log")))
    counts = lives(given(), raising(), output, read=True)
    assert lives.out == without(LINES[8])
    (letter,) = lives.letters()
    assert (letter["stage"], letter["@source"], letter["@offset"]) == ("out", "log", 8)
    assert letter["@error"]["filter"] == "picky"
    assert (counts["out", "in"], counts["out", "out"], counts["out", "rejected"]) == (1000, 999, 1)


def test_what_is_not_a_batch_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A filter that gives nothing back is told apart from one that filters all."""
    monkeypatch.setattr("pipeline.agent.failing.IN_A_ROW", 2000)
    monkeypatch.setattr(isolation, "IN_A_ROW", 2000)
    lives, filter = Lives(tmp_path), raising()
    filter.apply = lambda batch: None  # type: ignore[method-assign, assignment, return-value]
    lives(given(LINES[:2]), filter)
    assert [letter["@error"]["detail"][:50] for letter in lives.letters()] == [
        "TypeError: apply gave NoneType, not a Batch"
    ] * 2


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda batch: batch.with_frame(batch.frame.drop("@raw")), "apply gave @raw as nothing, not as Binary"),
        (lambda batch: batch.with_columns(pl.lit("x").alias("@offset")), "apply gave @offset as String, not as Int64"),
        (lambda batch: batch.with_frame(batch.frame.lazy()), "apply gave a Batch of LazyFrame, not of DataFrame"),
        (lambda batch: replace(batch, rejected=(batch.frame,)), "apply gave @error as nothing, not as Struct("),
    ],
    ids=["column", "type", "frame", "rejected"],
)
def test_a_batch_that_nothing_can_go_on_with_is_a_failure(
    tmp_path: Path, spoil: Callable[[api.Batch], api.Batch], told: str
) -> None:
    """On the record for which the filter gives it; the others of its batch flow on."""

    class Spoiling(Touchy):
        def apply(self, batch: api.Batch) -> api.Batch:
            return spoil(batch) if LINES[3] in batch.frame["@raw"] else batch

    lives = Lives(tmp_path)
    lives(given(), Spoiling(lambda record: None))
    assert lives.out == without(LINES[3])
    (letter,) = lives.letters()
    assert letter["@raw"].encode() == LINES[3]
    assert letter["@error"]["detail"].startswith(f"TypeError: {told}")


def test_parts_of_a_batch_may_have_different_fields(tmp_path: Path) -> None:
    """A filter that adds a field only where it has something to say: elsewhere the field is null."""

    class Adding(Touchy):
        def apply(self, batch: api.Batch) -> api.Batch:
            if LINES[3] in batch.frame["@raw"]:
                raise ValueError("not this one")
            return batch.with_columns(pl.lit(1).alias("n")) if LINES[4] in batch.frame["@raw"] else batch

    lives = Lives(tmp_path)
    lives(given(), Adding(lambda record: None))
    assert lives.out == without(LINES[3])
    assert [letter["@raw"].encode() for letter in lives.letters()] == [LINES[3]]


def test_parts_of_a_batch_whose_fields_do_not_go_together_end_the_run(tmp_path: Path) -> None:
    """As a defect of the filter, which is named."""

    class Changing(Touchy):
        def apply(self, batch: api.Batch) -> api.Batch:
            if LINES[3] in batch.frame["@raw"]:
                raise ValueError("not this one")
            n = pl.lit([1]) if LINES[4] in batch.frame["@raw"] else pl.struct(a=1)
            return batch.with_columns(n.alias("n"))

    with pytest.raises(InternalError, match="parsed: touchy gave a field types that do not go together"):
        Lives(tmp_path)(given(), Changing(lambda record: None))


def test_a_filter_that_changes_its_frame_in_place_changes_no_other_one(tmp_path: Path) -> None:
    """Neither the halves that it is given after it raised, nor what another stage reads."""

    class Changing(Touchy):
        def apply(self, batch: api.Batch) -> api.Batch:
            bad = LINES[3] in batch.frame["@raw"]
            batch.frame.drop_in_place("@raw")
            if bad:
                raise ValueError("not this one")
            return batch.with_columns(pl.lit(b"changed").alias("@raw"))

    lives = Lives(tmp_path)
    lives(given(), Changing(lambda record: None))
    assert lives.out == b"changed\n" * 999
    (letter,) = lives.letters()
    assert letter["@raw"].encode() == LINES[3]


@pytest.mark.parametrize("size", [1000, 300, 7])
def test_a_plugin_that_fails_on_everything_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """However its records are cut into batches: it is named, and nothing is committed of the batches that show it."""
    monkeypatch.setattr("pipeline.agent.failing.IN_A_ROW", 900)
    monkeypatch.setattr(isolation, "IN_A_ROW", 900)
    lives = Lives(tmp_path)
    with pytest.raises(
        InternalError, match=r"parsed: touchy failed on \d+ records in a row: ValueError: no such thing"
    ):
        lives(given(size=size), raising(*LINES))
    assert lives.out == b""
    assert len(lives.letters()) < 900


def test_failures_between_successes_never_end_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are: every second record."""
    monkeypatch.setattr("pipeline.agent.failing.IN_A_ROW", 100)
    monkeypatch.setattr(isolation, "IN_A_ROW", 100)
    lives = Lives(tmp_path)
    lives(given(size=7), raising(*LINES[::2]))
    assert lives.out == joined(LINES[1::2])
    assert len(lives.letters()) == 500


# ── the process dies ─────────────────────────────────────────────────────────────────────────────────────────────────


def deadly(*bad: bytes) -> Callable[[SimEnv, bytes], None]:
    def touch(env: SimEnv, record: bytes) -> None:
        if record in bad:
            die(env)

    return touch


@pytest.mark.parametrize("at", [0, 1, 500, 999])
@pytest.mark.parametrize("size", [1000, 100])
def test_a_record_that_ends_the_process_is_isolated_in_few_restarts(tmp_path: Path, at: int, size: int) -> None:
    """At most ceil(log2(records)) + 3: then it is a dead letter, everything else is exact, and nothing of it is remembered."""
    lives = Lives(tmp_path)
    restarts, counts = lives.until_done(lambda: given(size=size), deadly(LINES[at]))
    assert restarts == 6
    assert lives.out == without(LINES[at])
    (letter,) = lives.letters()
    assert (letter["stage"], letter["@raw"].encode(), letter["@offset"]) == ("log", LINES[at], at)
    assert letter["@error"] == {
        "reason": "poison",
        "detail": "ended the process 3 times",
        "filter": None,
        "field": None,
    }
    assert (counts["log", "in"], counts["log", "poison"], counts["parsed", "in"]) == (1000, 1, 999)
    assert lives.query("SELECT count(*) FROM attempt") == [(0,)]
    assert lives.query("SELECT value FROM meta WHERE name = 'unclean'") == [(0,)]


def test_several_records_that_end_the_process_are_isolated(tmp_path: Path) -> None:
    """Also neighbours, also in different batches; each costs a few restarts."""
    lives, bad = Lives(tmp_path), [LINES[number] for number in (0, 250, 251, 700, 999)]
    restarts, counts = lives.until_done(lambda: given(size=400), deadly(*bad))
    assert restarts <= 30
    assert lives.out == without(*bad)
    assert [letter["@raw"].encode() for letter in lives.letters()] == bad
    assert counts["log", "poison"] == 5


def test_who_kills_at_a_certain_time_condemns_nothing(tmp_path: Path) -> None:
    """Four lives that all end at the same call into the world, whichever: every record is computed and written once."""
    for kill_at in range(20, 120, 7):
        lives = Lives(tmp_path / str(kill_at))
        lives.folder.mkdir()
        for _ in range(4):
            env, agent = lives.agent(given(LINES[:40], 10), raising())
            env.kill_at = kill_at
            with suppress(Crash):
                asyncio_run(agent)
            lives.world.crash()
        lives(given(LINES[:40], 10), raising())
        assert (lives.out, lives.letters()) == (joined(LINES[:40]), []), kill_at


def test_a_disk_without_space_condemns_nothing(tmp_path: Path) -> None:
    """A careful process that fails eight times at the same write, whichever, goes on with every record, and has seen one stop
    that was not clean: the crash before it."""
    for write in range(1, 40, 3):
        lives = Lives(tmp_path / str(write))
        lives.folder.mkdir()
        lives.until_done(lambda: given(LINES[:40], 10), deadly(LINES[5]), most=1)
        ends = iter([write] * 8)
        unclean: list[int] = []

        def full(env: SimEnv, ends: Iterator[int] = ends, unclean: list[int] = unclean, lives: Lives = lives) -> None:
            soon_full(env, next(ends, None))
            unclean.append(lives.query("SELECT value FROM meta WHERE name = 'unclean'")[0][0])

        lives.session(lambda: given(LINES[:40], 10), raising(), full)
        assert (lives.out, lives.letters()) == (joined(LINES[:40]), []), write
        assert max(unclean) <= 2
        assert lives.query("SELECT count(*) FROM attempt") == [(0,)]


def test_a_run_after_a_clean_stop_writes_no_attempts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Caution costs nothing where nothing happened: not at the first start, not after a stop, not after an error on purpose."""
    said: list[object] = []
    monkeypatch.setattr("pipeline.store.store.Store.attempt", lambda *arguments: said.append(arguments))
    lives = Lives(tmp_path)
    lives(given(LINES[:10]), raising())
    with pytest.raises(ConfigurationError):
        lives(given(LINES[:20], 10), raising(LINES[12], error=lambda: ConfigurationError("no key")))
    lives(given(LINES[:20], 10), raising())
    assert said == []


def test_caution_ends_after_what_can_have_been_read_ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then batches are computed as ever; a further stop with caution that is not clean makes it last four times as long."""
    monkeypatch.setattr(caution, "ENOUGH", 2000)
    begun: list[object] = []
    write = caution.Store.attempt

    def attempt(store: caution.Store, over: list[object], begin: object = None) -> None:
        write(store, over, begin)  # type: ignore[arg-type]
        begun.extend([] if begin is None else [begin])

    monkeypatch.setattr(caution.Store, "attempt", attempt)
    lives = Lives(tmp_path)

    def attempts(*bad: bytes) -> int:
        begun.clear()
        lives.until_done(lambda: given(size=10), deadly(*bad), most=1)
        return len(begun)

    # Batches are of 750 bytes.
    assert attempts(LINES[999]) == 0
    assert attempts(LINES[999]) == 3
    assert attempts(*LINES) == 1
    assert attempts() == 10 + 10


def test_what_needs_more_memory_than_there_is_is_isolated_too(tmp_path: Path) -> None:
    """A MemoryError ends the run, and the next ones find the record."""
    lives = Lives(tmp_path)
    restarts = 0
    while restarts < 40:
        try:
            lives(given(), raising(LINES[77], error=MemoryError))
            break
        except MemoryError:
            restarts += 1
    assert restarts == 6
    assert lives.out == without(LINES[77])
    assert [letter["@offset"] for letter in lives.letters()] == [77]


def test_chunks(tmp_path: Path) -> None:
    """With an input that reads a file, and batches that other chunks begin elsewhere."""
    (tmp_path / "in.log").write_bytes(joined(LINES))
    lives, sizes = Lives(tmp_path), iter([5000, 3000, 5000, 512, 5000, 3000, *[5000] * 30])

    def source() -> Chunks:
        return Chunks(ChunksOptions(path=str(tmp_path / "in.log"), chunk=next(sizes)))

    restarts, _ = lives.until_done(source, deadly(LINES[333]))
    assert restarts <= 12
    assert lives.out == without(LINES[333])
    assert [letter["@raw"].encode() for letter in lives.letters()] == [LINES[333]]
