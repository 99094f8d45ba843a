"""The engine and the house plugins touch the world through Env only."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


MODULES = words("""
    concurrent ctypes fcntl fileinput glob http mmap multiprocessing os pty random secrets select selectors shutil signal
    socket socketserver ssl subprocess tempfile termios time tty urllib.request uuid
""")
"""Modules that nothing can be imported from without reaching the world."""

NAMES = words("""
    open input print io.open io.FileIO sys.stdin sys.stdout sys.stderr sys.argv threading.Thread threading.Timer
    datetime.now datetime.utcnow datetime.today asyncio.sleep asyncio.to_thread asyncio.open_connection
    asyncio.open_unix_connection asyncio.start_server asyncio.start_unix_server asyncio.create_subprocess_exec
    asyncio.create_subprocess_shell
""")
"""Names that reach it out of modules that are otherwise harmless."""

METHODS = words("""
    read_text read_bytes write_text write_bytes unlink touch mkdir rmdir iterdir rglob walk exists is_file is_dir is_mount
    is_symlink is_fifo is_socket lstat chmod lchmod symlink_to hardlink_to readlink samefile expanduser cwd home
""")
"""Methods of pathlib.Path that ask or change the file system, and that nothing else here has."""

SHARED = words("open stat glob rename resolve")
"""Those that other things have too: they count on what is called a path."""

PATHS = ("path", "folder", "place", "address", "body", "temporary")

ALLOWED: dict[str, tuple[str, str]] = {
    "pipeline/agent/control.py": (
        "os socket asyncio.to_thread asyncio.open_unix_connection asyncio.start_unix_server unlink chmod .stat",
        "The control socket is a door for operators beside the engine: nothing that must survive a crash passes it.",
    ),
    "pipeline/api/secrets.py": (
        "os .open",
        "Secrets are kept outside of every state, by the machine or its operator; nothing of them is committed.",
    ),
    "pipeline/columns/native.py": ("os", "Which kernels run is decided once for the process, when they are imported."),
    "pipeline/lang/table.py": ("read_text", "The grammar is a part of the package, read when it is imported."),
    "pipeline/proof/records.py": (
        ".open",
        "It reads finished copies for the one who asks; nothing of a state comes from them.",
    ),
    "plugins/clients/kafka.py": (
        "ssl",
        "The library takes TLS as the standard one has it. Certificates are read by `open`, before any work.",
    ),
    "plugins/clients/web.py": (
        "ssl urllib.request",
        "Certificates are read by the library, and the environment names the proxy, before anything is sent.",
    ),
    "plugins/filters/geoip.py": (
        "is_file",
        "The library maps the database into memory by its path, which is only read; `pipe check` warns without a context.",
    ),
    "plugins/filters/lookup.py": ("is_file", "`pipe check` warns without a context."),
    "plugins/inputs/stdin.py": (
        "select sys.stdin io.FileIO",
        "Standard input is the process's own and can be read once: no crash can be replayed.",
    ),
    "plugins/outputs/console/__init__.py": (
        "sys.stdout",
        "Standard output is the process's own: what was shown is not part of any state.",
    ),
    "plugins/outputs/console/screen.py": (
        "os select",
        "Writing without waiting is done with descriptors; nothing is opened but standard output.",
    ),
}
"""What a module may use, and why that breaks no promise."""

ROOMS = [
    *(f"pipeline/{room}" for room in ("errors.py", "columns", "lang", "api", "plan", "store", "agent", "proof")),
    "plugins",
]


def modules() -> list[Path]:
    found: list[Path] = []
    for room in ROOMS:
        path = ROOT / room
        found += [path] if path.is_file() else sorted(path.rglob("*.py"))
    return found


def reaching(tree: ast.AST) -> Iterator[str]:
    """What in a module reaches the world."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from _modules(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield from _modules([node.module])
            yield from {f"{node.module}.{alias.name}" for alias in node.names} & NAMES
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield from {node.func.id} & NAMES
        elif isinstance(node, ast.Attribute):
            yield from {ast.unparse(node)} & NAMES
            yield from {node.attr} & METHODS
            if node.attr in SHARED and _path(node.value):
                yield f".{node.attr}"


def _modules(names: Iterable[str]) -> set[str]:
    return {part for name in names for part in (name, name.split(".")[0])} & MODULES


def _path(node: ast.expr) -> bool:
    """Whether an expression is called a path, or makes one."""
    if isinstance(node, ast.Call):
        node = node.func
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    divided = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)
    return divided or name == "Path" or name.endswith(PATHS)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_reaches_the_world_only_where_there_is_a_reason(path: Path) -> None:
    """`pipeline.env` is the one door; every exception is listed with its reason, and none that is not used."""
    uses, _ = ALLOWED.get(str(path.relative_to(ROOT)), ("", ""))
    assert set(reaching(ast.parse(path.read_text()))) == words(uses)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import os.path", {"os"}),
        ("from time import monotonic", {"time"}),
        ("import urllib.parse, urllib.request", {"urllib.request"}),
        ("open('x')", {"open"}),
        ("import io\nio.open('x'), io.BytesIO()", {"io.open"}),
        ("from asyncio import sleep", {"asyncio.sleep"}),
        ("asyncio.to_thread(work)", {"asyncio.to_thread"}),
        ("Path('x').read_text()", {"read_text"}),
        ("self._path.open(), (folder / 'x').stat()", {".open", ".stat"}),
        ("(folder / 'x').unlink(missing_ok=True)", {"unlink"}),
        ("Path('x').stat(), files.stat(path), plugin.open(ctx), frame.rename({})", {".stat"}),
        ("datetime.now(UTC)", {"datetime.now"}),
        ("from pathlib import Path\nfrom .time import x", set()),
    ],
)
def test_what_reaches_the_world_is_seen(text: str, found: set[str]) -> None:
    """Imports, built-ins, and what pathlib and asyncio offer; not the same names of other things."""
    assert set(reaching(ast.parse(text))) == found
