"""Tests of the aggregate `share`."""

from __future__ import annotations

import json
import subprocess
import sys

from pipeline.testing import contract

from pipe_share import Share

PROGRAM = """
source lines = stdin()
transform facts = lines | json() | window(1d) { failed = share(status >= 500)  none = share(status >= 500) where status < 0 }
sink out = facts -> console()
"""


def test_the_contract() -> None:
    """Among it: parts of a window may be merged in any order."""
    contract.check(Share)


def test_the_value() -> None:
    """One of four; null where no event takes part."""
    rows = b'{"status":200}\n{"status":503}\n{"status":404}\n{"status":301}\n'
    command = [sys.executable, "-m", "pipeline", "run", "--once", "-e", PROGRAM]
    told = subprocess.run(command, input=rows, capture_output=True, check=True).stdout
    assert {row["metric"]: row.get("value") for row in map(json.loads, told.splitlines())} == {"failed": 0.25, "none": None}
