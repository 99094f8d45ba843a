"""Histories that were not exact once, kept because each takes a defect of its own."""

from __future__ import annotations

import random

import log
import pytest
from storm import Action, Storm

FOUND = {
    "a window that was sent at the end of a run and grew before its time": ("write 20", "rewrite", "sleep 1"),
    "a commit whose sync failed, and a close that synced once more": ("write 400", "fault sync", "sleep 3"),
    "an input that gives a batch again": ("stutter", "write 150", "sleep 3"),
}

ACTIONS = {
    "write 20": Action("write", 20),
    "write 150": Action("write", 150),
    "write 400": Action("write", 400),
    "rewrite": Action("rewrite"),
    "stutter": Action("stutter"),
    "sleep 1": Action("sleep", 1.0),
    "sleep 3": Action("sleep", 3.0),
    "fault sync": Action("fault", 1, "sync", ("kept", "once")),
}


@pytest.mark.parametrize("what", FOUND)
def test_a_history_that_was_not_exact_is(what: str) -> None:
    """Played from its actions, whatever the seeds give by now."""
    Storm("1h").play([ACTIONS[name] for name in FOUND[what]])


def test_short_files_that_begin_like_one_that_was_read_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rotations within a second, in a log whose files all begin with the same kilobyte."""
    monkeypatch.setattr(log, "header", lambda generation: b"# the same" * 120 + b"\n")
    Storm("1h").play([Action("rotate"), Action("late", 19), Action("rotate")])


def test_a_journal_whose_removal_is_not_durable_undoes_nothing() -> None:
    """The first life dies between the database's first page and its log, and leaves that log; the second one begins the database anew, and
    its first commits are lost with the power."""
    choice = random.Random(5063)
    Storm("1h", choice=choice).play([Action("kill", 38, "mixed"), Action("write", 1), Action("kill", 1, "dropped")])


def test_a_log_that_another_process_made_is_durable_from_its_first_sync_on() -> None:
    """One that died before it synced the log's folder: SQLite syncs it again, whoever made the log."""
    choice = random.Random(1615)
    actions = [Action("rewrite"), Action("kill", 18, "kept"), Action("kill", 220, "mixed")]
    Storm("20s", choice=choice).play(actions)
