"""How the command starts and what it says of itself."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pipeline import __version__
from pipeline.cli import COMMANDS, main


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


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`pipe COMMAND --help` shows its usage and exits 0."""
    assert main([name, "--help"]) == 0
    assert f"Usage: pipe {name}" in capsys.readouterr().out
