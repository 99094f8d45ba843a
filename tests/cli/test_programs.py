"""`pipe check`, `fmt`, `graph`, `explain`: a program, looked at."""

from __future__ import annotations

import json

import pytest
from command import Pipe

from pipeline.columns.native import kernels

FASTEST = "polars" if kernels is None else "native"

PROGRAM = """# kept
source a=generate(count:3)
transform b=a|grok('%{WORD:w}')
sink s=b->console()
"""

LAID_OUT = """# kept
source a = generate(count: 3)

transform b = a
  | grok('%{WORD:w}')

sink s = b -> console()
"""


FEEDING = [
    ("here/a.log", "a.log"),
    ("a.log", "here/here/a.log"),
    ("here/*.log", "a.log"),
    ("./*.log", "here/new.log"),
    ("link.log", "a.log"),
    ("a.log", "link.log"),
    ("**/*.log", "sub/deep/a.log"),
    ("here/**", "sub/a.log"),
]
APART = [("here/*.log", "sub/a.log"), ("sub/*.log", "a.log"), ("here/a.log", "b.log"), ("[a].log", "[a].log")]


@pytest.mark.parametrize(("read", "written"), [*FEEDING, *APART])
def test_a_log_that_would_feed_itself_through_a_link_is_an_error(read: str, written: str, pipe: Pipe) -> None:
    """What counts is where a path leads, not how it is written; a `*` stays in its folder."""
    (pipe.folder / "here").symlink_to(".")
    (pipe.folder / "link.log").symlink_to("a.log")
    pipe.write("p.pipe", f'source a = file("{read}")\nsink q = a -> file("{written}", format: raw)\n')
    done = pipe("check", "p.pipe")
    assert (done.returncode, b"error P113" in done.stderr) == ((65, True) if (read, written) in FEEDING else (0, False))


def test_fmt_lays_out_standard_input(pipe: Pipe) -> None:
    """`fmt -` is a filter, and changes nothing the second time."""
    done = pipe("fmt", "-", stdin=PROGRAM.encode())
    assert (done.returncode, done.stdout.decode()) == (0, LAID_OUT)
    assert pipe("fmt", "-", stdin=done.stdout).stdout == done.stdout


def test_fmt_changes_files_in_place(pipe: Pipe) -> None:
    """`fmt FILE` rewrites it with its permissions; `--check` changes nothing and exits 1."""
    path = pipe.write("p.pipe", PROGRAM)
    path.chmod(0o640)
    checked = pipe("fmt", "--check", "p.pipe")
    assert (checked.returncode, checked.stdout, path.read_text()) == (1, b"p.pipe\n", PROGRAM)
    assert pipe("fmt", "p.pipe").returncode == 0
    assert path.read_text() == LAID_OUT
    assert path.stat().st_mode & 0o777 == 0o640
    assert pipe("fmt", "--check", "p.pipe").returncode == 0
    assert [entry.name for entry in pipe.folder.iterdir()] == ["p.pipe"]


def test_fmt_goes_on_after_a_broken_file(pipe: Pipe) -> None:
    """A file with syntax errors is left alone, the others are laid out, and the exit code is 65."""
    broken = pipe.write("broken.pipe", "source = (")
    good = pipe.write("good.pipe", PROGRAM)
    assert pipe("fmt", "broken.pipe", "good.pipe").returncode == 65
    assert (broken.read_text(), good.read_text()) == ("source = (", LAID_OUT)


def test_check_is_silent_about_a_good_program(pipe: Pipe) -> None:
    """A program without errors and warnings gives no output and 0."""
    pipe.write("p.pipe", PROGRAM)
    done = pipe("check", "--strict", "p.pipe")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_check_shows_warnings_and_strict_refuses_them(pipe: Pipe) -> None:
    """A warning is shown and 0; with --strict it is 65."""
    pipe.write("p.pipe", PROGRAM + "transform unused = a | where(true)\n")
    done = pipe("check", "p.pipe")
    assert done.returncode == 0
    assert b"p.pipe:5:11: warning P401" in done.stderr
    assert pipe("check", "--strict", "p.pipe").returncode == 65


def test_graph_draws_in_every_format(pipe: Pipe) -> None:
    """Text names every stage, Mermaid and Graphviz are of their formats, JSON has the columns."""
    pipe.write("p.pipe", PROGRAM)
    assert pipe("graph", "p.pipe").stdout.decode().split()[:3] == ["source", "a", "generate"]
    assert pipe("graph", "p.pipe", "--format", "mermaid").stdout.startswith(b"flowchart LR\n")
    assert pipe("graph", "p.pipe", "--format", "dot").stdout.startswith(b'digraph "p" {\n')
    stages = json.loads(pipe("graph", "p.pipe", "--format", "json").stdout)["stages"]
    assert [stage["name"] for stage in stages] == ["a", "b", "s"]
    assert stages[1]["ports"][""] == {"fields": {"w": "string"}, "open": False}


def test_explain_names_engine_and_guarantee(pipe: Pipe) -> None:
    """Every stage with its fields, the engine of its pattern, and what its sink guarantees."""
    pipe.write("p.pipe", PROGRAM)
    told = pipe("explain", "p.pipe").stdout.decode()
    assert f"engine        {FASTEST}" in told
    assert "fields        w: string" in told
    assert "guarantee     at least once" in told
