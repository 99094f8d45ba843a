"""Rules for all tests: nothing is skipped in CI, where every server is installed."""

from __future__ import annotations

import os

import pytest


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """With PIPE_NOTHING_SKIPPED set, a test that skips itself fails; unless it compares kernels with the native ones, which
    PIPE_NATIVE turned off."""
    outcome = yield
    report = outcome.get_result()
    twins = os.environ.get("PIPE_NATIVE") == "off" and "native" in str(report.longrepr)
    if report.skipped and not twins and os.environ.get("PIPE_NOTHING_SKIPPED") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which is not allowed here: {report.longrepr}"
