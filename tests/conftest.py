"""Rules for all tests: nothing is skipped in CI, where every server is installed."""

from __future__ import annotations

import os

import pytest


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """With PIPE_NOTHING_SKIPPED set, a test that skips itself fails."""
    outcome = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get("PIPE_NOTHING_SKIPPED") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which is not allowed here: {report.longrepr}"
