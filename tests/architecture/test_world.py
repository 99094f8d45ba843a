"""The engine touches the world through Env only."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

FORBIDDEN = {"os", "time", "random", "socket", "secrets", "tempfile", "shutil", "subprocess", "fcntl", "glob"}

ALLOWED = {
    "pipeline/agent/control.py": {"os", "shutil", "tempfile", "socket", "asyncio.sleep"},
    "pipeline/columns/native.py": {"os"},
}
"""The control socket is a door for operators beside the engine: nothing that must survive a crash passes it. Which kernels
run is decided once for the process, when they are imported."""

ROOMS = ["errors.py", "columns", "lang", "api", "plan", "store", "agent"]


def modules() -> list[Path]:
    found: list[Path] = []
    for room in ROOMS:
        path = ROOT / "pipeline" / room
        found += [path] if path.is_file() else sorted(path.rglob("*.py"))
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_of_the_engine_imports_nothing_that_reaches_the_world(path: Path) -> None:
    """No `os`, `time`, `random`, `socket`, … and no built-in `open`; `pipeline.env` is the one door."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("open", "io.open"):
            found.add("open()")
        elif (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and (node.value.id, node.attr) == ("asyncio", "sleep")
        ):
            found.add("asyncio.sleep")
    assert found & (FORBIDDEN | {"open()", "asyncio.sleep"}) <= ALLOWED.get(str(path.relative_to(ROOT)), set())
