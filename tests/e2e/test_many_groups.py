"""A cardinality bomb: two million lines, each with a key of its own, in bounded memory and with exact totals."""

from __future__ import annotations

import json
import sys
from collections import defaultdict

from real import Pipe

PROGRAM = """
    source log = file("in.log")
    transform facts = log | json(schema: {k: string, n: int}) | set { @timestamp = time(1790000000, 'unix') }
      | window(1h) { count = count() by k   sum = sum(n) by k   top = top(3, k) }
    sink out = facts -> file("out.ndjson")
"""

PEAK = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
print("peak", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(code)
"""
"""Runs the rest of its words, and says on stderr how much memory they took at most (kB)."""

LINES = 2_000_000


def test_two_million_keys_take_bounded_memory_and_totals_are_exact(pipe: Pipe) -> None:
    """50,000 keys are named, the rest is `__other__`; a key in every hundredth line is still the first of its ranking."""
    (pipe.folder / "bomb.pipe").write_text(PROGRAM)
    with (pipe.folder / "in.log").open("w") as log:
        for low in range(0, LINES, 10_000):
            log.writelines(
                f'{{"k":"{"heavy" if at % 100 == 0 else f"key {at * 2654435761 % 2**32:08x}"}","n":{at % 1000}}}\n'
                for at in range(low, low + 10_000)
            )
    before = (sys.executable, "-c", PEAK)
    done = pipe.run("run", "bomb.pipe", "--once", "--state", "state", before=before)
    assert done.returncode == 0, done.stderr
    warning, peak = done.stderr.splitlines()
    assert warning.startswith("pipe: warning: facts: more groups in a window than it may have")
    assert int(peak.split()[1]) < 600_000
    values: dict[str, dict[str, int]] = defaultdict(dict)
    for line in (pipe.folder / "out.ndjson").read_bytes().splitlines():
        fact = json.loads(line)
        values[fact["metric"]][fact["by"]["k"]] = fact["value"]
    assert {metric: sum(groups.values()) for metric, groups in values.items() if metric != "top"} == {
        "count": LINES,
        "sum": sum(range(1000)) * (LINES // 1000),
    }
    assert (len(values["count"]), len(values["sum"]), next(iter(values["top"]))) == (50_001, 50_001, "heavy")
    assert 20_000 <= values["top"]["heavy"] <= 20_000 + LINES // 500_001
    assert pipe.run("audit", "--state", "state").returncode == 0
