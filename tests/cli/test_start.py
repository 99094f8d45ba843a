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
