"""Rules for all tests: nothing is skipped in CI, where every server is installed."""

from __future__ import annotations

import os

import pytest


def pytest_configure(config):
    config.addinivalue_line("markers", "native: needs the native kernels, because it compares them with something")


def pytest_runtest_setup(item):
    """Tests of the native kernels are skipped where there are none."""
    if item.get_closest_marker("native"):
        from pipeline.columns.native import kernels

        if kernels is None:
            pytest.skip("the native kernels are not there")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """With PIPE_NOTHING_SKIPPED set, a test that skips itself fails; unless it needs the native kernels and PIPE_NATIVE turned
    them off."""
    outcome = yield
    report = outcome.get_result()
    twins = os.environ.get("PIPE_NATIVE") == "off" and item.get_closest_marker("native")
    if report.skipped and not twins and os.environ.get("PIPE_NOTHING_SKIPPED") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which is not allowed here: {report.longrepr}"
