"""The real world where it is unkind."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.env.real import RealFiles


@pytest.mark.parametrize("name", ["a", "n" * 255, "é" * 127])
def test_every_name_that_a_folder_takes_can_be_written(tmp_path: Path, name: str) -> None:
    """Twice: the second time the file is replaced. Nothing else is there in the end."""
    files = RealFiles()
    files.write(tmp_path / name, [b"be", b"fore"])
    files.write(tmp_path / name, [b"after"])
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [(name, b"after")]


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """The error is that of the operating system; what was written so far is gone."""
    (tmp_path / "taken" / "by a folder").mkdir(parents=True)
    with pytest.raises(OSError, match=r"directory"):
        RealFiles().write(tmp_path / "taken", [b"data"])
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_a_lock_that_is_released_twice_closes_nobody_elses_file(tmp_path: Path) -> None:
    """The file that gets the lock's number in between stays open."""
    files = RealFiles()
    release = files.lock(tmp_path / "lock")
    assert release is not None
    release()
    other = files.append(tmp_path / "other")
    release()
    other.append(b"still open")
    other.close()
    assert (tmp_path / "other").read_bytes() == b"still open"
    again = files.lock(tmp_path / "lock")
    assert again is not None
    again()
