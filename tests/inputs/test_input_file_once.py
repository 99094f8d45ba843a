"""`file` with `--once`: every byte that is there at the start, in records."""

import asyncio
import gzip
import os

import polars as pl
import pytest
import zstandard
from pipeline_plugins.inputs.file import File, Options, generation

from pipeline import api


def read(world, *globs, progress=None, **options):
    """All batches of a finite run."""

    async def collect():
        plugin = File(Options(globs=list(globs), **options))
        await plugin.open(world)
        batches = [batch async for batch in plugin.read(progress or {})]
        assert set(plugin.backlog().values()) <= {0}
        await plugin.close()
        return batches

    return asyncio.run(collect())


def raw(batches):
    return [value for batch in batches for value in batch.frame["@raw"].to_list()]


def positions(batches):
    """The last position of each partition; checks that spans are contiguous and offsets are true."""
    last = {}
    for batch in batches:
        for partition, span in batch.span.items():
            assert span.start == last.get(partition, span.start)
            last[partition] = span.end
    return last


@pytest.mark.parametrize(
    ("content", "records"),
    [
        (b"", []),
        (b"a\nb\n", [b"a", b"b"]),
        (b"\n\na\n", [b"", b"", b"a"]),
        (b"a\r\nb\rc\n", [b"a\r", b"b\rc"]),
        (b"nul\x00l\nbad\xff\xfe\n", [b"nul\x00l", b"bad\xff\xfe"]),
        (b"a\nb", [b"a", b"b"]),
        (b"x" * 10_000_000 + b"\nshort\n", [b"x" * 10_000_000, b"short"]),
    ],
    ids=[
        "empty file",
        "lines",
        "empty lines",
        "carriage returns",
        "NUL and invalid UTF-8",
        "no last newline",
        "10 MB line",
    ],
)
def test_records_are_the_bytes_between_newlines(tmp_path, world, content, records):
    """Records are byte-exact whatever the bytes are."""
    (tmp_path / "a.log").write_bytes(content)
    batches = read(world(once=True), str(tmp_path / "a.log"))
    assert raw(batches) == records
    for batch in batches:
        assert batch.frame.schema["@raw"] == pl.Binary
        for offset, value in zip(batch.frame["@offset"], batch.frame["@raw"], strict=True):
            assert content[offset : offset + len(value)] == value


def test_an_unterminated_last_line_is_alone_in_its_batch_and_marked(tmp_path, world):
    """`terminated` says that the batch's only record had no newline, `open_line` in the position that it goes on there."""
    (tmp_path / "a.log").write_bytes(b"a\nb\nc")
    first, last = read(world(once=True), str(tmp_path / "a.log"))
    assert raw([first]) == [b"a", b"b"]
    assert raw([last]) == [b"c"]
    (span,) = last.span.values()
    assert span.end["open_line"] is True
    assert "open_line" not in span.start
    assert (first.terminated, last.terminated) == (True, False)


def test_the_rest_of_an_unterminated_line_continues_it(tmp_path, world):
    """Bytes that come after an unterminated record are a record of their own."""
    path = tmp_path / "a.log"
    path.write_bytes(b"a\nb")
    progress = positions(read(world(once=True), str(path)))
    with path.open("ab") as file:
        file.write(b"c\nd\n")
    assert raw(read(world(once=True), str(path), progress=progress)) == [b"c", b"d"]


def test_compressed_files_are_read_as_if_they_were_plain(tmp_path, world):
    """Several gzip members and zstd frames in one file are one stream."""
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"1\n2") + gzip.compress(b"2\n3\n"))
    zstd = zstandard.ZstdCompressor()
    (tmp_path / "b.zst").write_bytes(zstd.compress(b"4\n5") + zstd.compress(b"5\n") + zstd.compress(b"6"))
    batches = read(world(once=True), str(tmp_path / "*"))
    assert sorted(raw(batches)) == [b"1", b"22", b"3", b"4", b"55", b"6"]
    assert all(position["done"] for position in positions(batches).values())


def test_a_large_compressed_file_is_continued_at_its_plain_offset(tmp_path, world):
    """After any batch of a compressed file, a restart gives exactly the rest."""
    lines = [b"%d %s" % (number, os.urandom(20).hex().encode()) for number in range(300_000)]
    packed = gzip.compress(b"\n".join(lines[:100_000]) + b"\n", 1) + gzip.compress(
        b"\n".join(lines[100_000:]) + b"\n", 1
    )
    (tmp_path / "a.log.1.gz").write_bytes(packed)
    batches = read(world(once=True), str(tmp_path / "a.log*"))
    assert raw(batches) == lines
    assert len(batches) > 2
    for cut in range(1, len(batches)):
        rest = read(world(once=True), str(tmp_path / "a.log*"), progress=positions(batches[:cut]))
        assert raw(rest) == raw(batches[cut:])


def test_a_record_without_end_is_cut(tmp_path, world, monkeypatch):
    """In parts of a bounded size, each but the last marked as without a newline; what follows is read as always."""
    monkeypatch.setattr(generation, "LONGEST", 1000)
    monkeypatch.setattr(generation, "CHUNK", 400)
    path = tmp_path / "a.log"
    path.write_bytes(b"x" * 3000 + b"\nlast\n")
    batches = read(world(once=True), str(path))
    assert raw(batches) == [b"x" * 1200, b"x" * 1200, b"x" * 600, b"last"]
    assert raw(batch for batch in batches if not batch.terminated) == [b"x" * 1200] * 2
    positions(batches)


@pytest.mark.parametrize("name", ["a.gz", "a.zst"])
def test_a_damaged_compressed_file_gives_what_is_before_the_damage(tmp_path, world, name):
    """The cut end of a compressed file is told; other files are not affected."""
    content = b"".join(b"%d\n" % number for number in range(100_000))
    packed = gzip.compress(content, 1) if name == "a.gz" else zstandard.ZstdCompressor().compress(content)
    (tmp_path / name).write_bytes(packed[: len(packed) // 2])
    (tmp_path / "b.gz").write_bytes(b"no gzip\n")
    (tmp_path / "c.log").write_bytes(b"fine\n")
    here = world(once=True)
    records = raw(read(here, str(tmp_path / "*")))
    assert b"fine" in records
    numbers = b"\n".join(record for record in records if record != b"fine")
    assert content.startswith(numbers)
    assert len(numbers) > 1000
    assert sorted(fields["reason"] for _, fields in here.log.warnings) == [
        "ends in the middle of its compressed data",
        "not gzip data, whatever its name says",
    ]


def test_rotated_files_are_read_oldest_first(tmp_path, world):
    """The files of one log follow one another, whatever order their names sort in."""
    for number, name in enumerate(["a.log.10.gz", "a.log.2", "a.log.1", "a.log"]):
        data = b"%d\n" % number
        (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        os.utime(tmp_path / name, (1000, 1000))
    assert raw(read(world(once=True), str(tmp_path / "a.log*"))) == [b"0", b"1", b"2", b"3"]


def test_names_that_begin_with_underscore_or_dot_are_skipped(tmp_path, world):
    """Unless the glob spells the character out."""
    for name in ("a", "_b", ".c", "d.bak"):
        (tmp_path / name).write_bytes(name.encode() + b"\n")
    assert raw(read(world(once=True), str(tmp_path / "*"), exclude="*.bak")) == [b"a"]
    assert raw(read(world(once=True), str(tmp_path / "_*"))) == [b"_b"]
    assert raw(read(world(once=True), str(tmp_path / ".c"))) == [b".c"]


def test_no_match_is_an_error_and_one_glob_without_match_a_warning(tmp_path, world):
    """With `--once` there must be something to read."""
    with pytest.raises(api.NoInputError, match=r"no file matches .*missing\.log"):
        read(world(once=True), str(tmp_path / "missing.log"))
    (tmp_path / "a.log").write_bytes(b"a\n")
    here = world(once=True)
    assert raw(read(here, str(tmp_path / "missing.log"), str(tmp_path / "a.log"))) == [b"a"]
    assert [message for message, _ in here.log.warnings] == ["no file matches"]


def test_a_folder_and_a_pipe_that_match_are_told_and_stop_nothing(tmp_path, world):
    """Each bad path is told once, with its reason."""
    (tmp_path / "a.log").write_bytes(b"a\n")
    (tmp_path / "folder.log").mkdir()
    os.mkfifo(tmp_path / "pipe.log")
    here = world(once=True)
    assert raw(read(here, str(tmp_path / "*.log"))) == [b"a"]
    assert [(fields["path"][len(str(tmp_path)) :], fields["reason"]) for _, fields in here.log.warnings] == [
        ("/folder.log", "is a folder"),
        ("/pipe.log", "is not a regular file"),
    ]
    assert here.metrics["files_unreadable"] == 2


def test_only_a_folder_is_an_error(tmp_path, world):
    """With `--once`, when everything that matches cannot be read."""
    with pytest.raises(api.NoInputError, match="is a folder"):
        read(world(once=True), str(tmp_path))


def test_every_batch_boundary_is_a_place_to_restart(tmp_path, world, monkeypatch):
    """Whatever batch was committed last, the next run gives exactly the rest, in the same partitions."""
    monkeypatch.setattr("pipeline_plugins.inputs.file.generation.CHUNK", 64)
    for name, count in (("a.log.1", 40), ("a.log", 30), ("b.log", 25)):
        (tmp_path / name).write_bytes(b"".join(b"%s line %d\n" % (name.encode(), n) for n in range(count)) + b"tail")
    batches = read(world(once=True), str(tmp_path / "*.log*"))
    everything = sorted(raw(batches))
    assert len(everything) == 40 + 30 + 25 + 3
    for cut in range(1, len(batches)):
        progress = positions(batches[:cut])
        rest = read(world(once=True), str(tmp_path / "*.log*"), progress=progress)
        assert sorted(raw(batches[:cut]) + raw(rest)) == everything
        for batch in rest:
            for partition, span in batch.span.items():
                assert span.start == progress.get(partition)
                progress[partition] = span.end
