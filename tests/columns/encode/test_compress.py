"""Frames and members stand alone, and any reader reads their concatenation."""

import gzip
import io
import shutil
import struct
import subprocess

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.columns.encode.compress import frame, seek_table

PARTS = [b"one\n" * 1000, b"", b"\x00\xff" * 500]


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=5))
@settings(max_examples=50, deadline=None)
def test_concatenated_pieces_are_one_stream(parts):
    """gzip and zstd readers give back all the pieces in order, past a seek table."""
    whole = b"".join(parts)
    assert gzip.decompress(b"".join(frame(part, "gzip") for part in parts)) == whole
    frames = [frame(part, "zstd") for part in parts]
    table = seek_table([(len(packed), len(part)) for packed, part in zip(frames, parts, strict=True)])
    reader = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(b"".join(frames) + table), read_across_frames=True)
    assert reader.read() == whole


def test_the_same_data_gives_the_same_bytes():
    """Nothing of the moment is in a piece: a gzip member's time is zero."""
    data = b"".join(f"line {number % 97} {number}\n".encode() for number in range(2000))
    assert frame(data, "zstd") == frame(data, "zstd")
    assert frame(data, "gzip")[4:8] == bytes(4)
    assert len(frame(data, "gzip", 9)) < len(frame(data, "gzip", 1))


def test_zstd_frames_tell_size_and_have_a_checksum():
    """Readers can allocate before they read, and see damage."""
    packed = frame(b"x" * 5000, "zstd")
    parameters = zstandard.get_frame_parameters(packed)
    assert (parameters.content_size, parameters.has_checksum) == (5000, True)
    damaged = packed[:-1] + bytes([packed[-1] ^ 1])
    with pytest.raises(zstandard.ZstdError):
        zstandard.ZstdDecompressor().decompress(damaged)


def test_the_seek_table_finds_every_frame():
    """Read from the end as the format's specification says, it gives the place of each frame."""
    frames = [frame(part, "zstd") for part in PARTS]
    data = b"".join(frames) + seek_table([(len(packed), len(part)) for packed, part in zip(frames, PARTS, strict=True)])
    count, descriptor, magic = struct.unpack("<IBI", data[-9:])
    assert (count, descriptor, magic) == (3, 0, 0x8F92EAB1)
    begin = len(data) - 9 - 8 * count - 8
    assert struct.unpack("<II", data[begin : begin + 8]) == (0x184D2A5E, 8 * count + 9)
    at, found = 0, []
    for compressed, plain in struct.iter_unpack("<II", data[begin + 8 : -9]):
        found.append(zstandard.ZstdDecompressor().decompress(data[at : at + compressed], max_output_size=plain + 1))
        at += compressed
    assert found == PARTS
    assert at == begin


def test_a_frame_too_large_for_the_table_is_an_error():
    """The format counts sizes in 32 bits."""
    with pytest.raises(ValueError, match="a frame is too large for the seek table"):
        seek_table([(2**32, 1)])


@pytest.mark.parametrize(("kind", "command"), [("gzip", ["gzip", "-dc"]), ("zstd", ["zstd", "-dc"])])
def test_the_usual_commands_read_the_result(kind, command):
    """`gzip` and `zstd` decompress a file of many pieces with its seek table."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"no {command[0]} here")
    pieces = [frame(part, kind) for part in PARTS]
    table = seek_table([(len(a), len(b)) for a, b in zip(pieces, PARTS, strict=True)]) if kind == "zstd" else b""
    done = subprocess.run(command, input=b"".join(pieces) + table, capture_output=True, check=True)
    assert done.stdout == b"".join(PARTS)
