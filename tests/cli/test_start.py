"""How the command starts and what it says of itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import __version__
from pipeline.cli import COMMANDS, main
from pipeline.columns.native import SWITCH, engine


def test_the_version_is_told_without_anything_heavy() -> None:
    """`pipe --version` and the list of commands import neither Polars nor the parser nor the validators."""
    code = (
        "import sys\n"
        "from pipeline.cli import main\n"
        "assert main(['--version']) == 0 and main(['--help']) == 0\n"
        "heavy = {'polars', 'lark', 'rich', 'pydantic', 'apsw', 'asyncio', 'importlib.metadata'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"pipe {__version__}\n")
    assert all(f"  {name} " in done.stdout for name in COMMANDS)


LINES = 'source a = file("a.log")\n'
SINK = ' -> file("out.ndjson")\n'


@pytest.mark.parametrize(
    ("program", "unused"),
    [
        (
            f"{LINES}sink s = a | where(length(@raw) > 1){SINK}",
            ["pipeline.columns.grok", "pipeline_plugins.filters.window"],
        ),
        (
            f"{LINES}sink s = a | grok('%{{WORD:w}} %{{INT:n:int}}'){SINK}",
            ["pipeline.columns.grok.advice", "pipeline.columns.grok.coverage", "pipeline.columns.grok.ladder"],
        ),
        (
            f"{LINES}transform t = a | window(1h) {{ n = count() }}\nsink s = t{SINK}",
            ["pipeline.columns.grok", "pipeline_plugins.aggregates.top"],
        ),
    ],
    ids=["where", "grok", "window"],
)
def test_a_run_loads_what_its_program_needs(program: str, unused: list[str], tmp_path: Path) -> None:
    """`pipe run` leaves out plugins that the program does not name, other commands, and what only mistakes need."""
    (tmp_path / "p.pipe").write_text(program)
    (tmp_path / "a.log").write_text("one 1\ntwo\n")
    code = (
        "import sys\n"
        "from pipeline.cli import main\n"
        "assert main(['run', '--once', '--no-summary', 'p.pipe']) == 0\n"
        "print(*sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    never = {
        *("rich", "maxminddb", "ua_parser", "http.client", "urllib.request", "multiprocessing"),
        *("pipeline.columns.traffic", "pipeline.lang.mistakes", "pipeline.testing", "pipeline.cli.query"),
    }
    assert {*never, *unused} & set(done.stdout.split()) == set()


def test_what_a_command_imports_is_left_alone_by_the_collector() -> None:
    """Modules are frozen once they are imported; after that the collector runs again."""
    code = (
        "import gc\n"
        "from pipeline.cli import main\n"
        "assert main(['check', '--help']) == 0\n"
        "assert gc.isenabled() and gc.get_freeze_count() > 10 * len(gc.get_objects())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("switch", "told"), [("off", "kernels: python (PIPE_NATIVE=off)"), ("", f"kernels: {engine()}")]
)
@pytest.mark.parametrize("command", [["--version"], ["explain", "p.pipe"]])
def test_the_kernels_in_use_are_told(switch: str, told: str, command: list[str], tmp_path: Path) -> None:
    """`pipe --version` and `pipe explain` say whether the native kernels run or their twins, and why."""
    (tmp_path / "p.pipe").write_text("source a = generate(count: 1)\nsink s = a -> null()\n")
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", *command],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        cwd=tmp_path,
        env={**os.environ, SWITCH: switch},
    )
    assert told in done.stdout.splitlines()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`pipe COMMAND --help` shows its usage and exits 0."""
    assert main([name, "--help"]) == 0
    assert f"Usage: pipe {name}" in capsys.readouterr().out
