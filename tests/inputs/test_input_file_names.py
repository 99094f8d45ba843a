"""`file` on files whose names are not UTF-8."""

import os
from pathlib import Path

import pytest
from input_tail import Tail
from pipeline_plugins.inputs.file.naming import path_of, text_of

NAMES = [
    b"a.log",
    "é.log".encode(),
    b"\xff.log",
    rb"\xff.log",
    rb"\x5cxff.log",
    b"\\\xff\\x\xe9\\\\xff.log",
    rb"\x41.log",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_a_text_and_back(name):
    """Bytes that are not UTF-8 are written as `\\xff`, and found again."""
    path = Path(os.fsdecode(name))
    text_of(path).encode()
    assert path_of(text_of(path)) == path


def test_different_names_have_different_texts():
    """Also the name that looks like the text of another one; names that are in doubt with none stay as they are."""
    texts = [text_of(Path(os.fsdecode(name))) for name in NAMES]
    assert texts == [
        "a.log",
        "é.log",
        r"\xff.log",
        r"\x5cxff.log",
        r"\x5cx5cxff.log",
        r"\\xff\x\xe9\\x5cxff.log",
        r"\x41.log",
    ]


def test_files_with_such_names_are_read_and_known_again(tmp_path, world):
    """Beside a good one, across a restart: each line once, and `@path` says of which file."""
    for name in (b"bad\xff.log", rb"bad\xff.log", b"good.log"):
        Path(os.fsdecode(bytes(tmp_path) + b"/" + name)).write_bytes(name + b"\n")
    follow = Tail(world(), tmp_path / "*.log")
    assert sorted(follow.wait()) == sorted([b"bad\xff.log", rb"bad\xff.log", b"good.log"])
    shown = {(batch.frame["@raw"][0], batch.frame["@path"][0].rpartition("/")[2]) for batch in follow.batches}
    assert shown == {
        (b"bad\xff.log", r"bad\xff.log"),
        (rb"bad\xff.log", r"bad\x5cxff.log"),
        (b"good.log", "good.log"),
    }
    follow.restart()
    with Path(os.fsdecode(bytes(tmp_path) + b"/bad\xff.log")).open("ab") as file:
        file.write(b"more\n")
    assert follow.wait() == [b"more"]
    follow.follower.close()
