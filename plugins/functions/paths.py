"""Paths of files, with `/` or `\\` between their parts."""

from __future__ import annotations

import polars as pl

from pipeline import api

_X = api.Parameter("x", "The path.", ("string",))


def _basename(x: pl.Expr) -> pl.Expr:
    return x.str.extract(r"(?s)([^/\\]*)[/\\]*$")


def _dirname(x: pl.Expr) -> pl.Expr:
    inside = x.str.extract(r"(?s)^(.*?)[/\\]+[^/\\]+[/\\]*$")
    root = pl.when(x.str.contains(r"^[/\\]")).then(x.str.head(1)).otherwise(pl.lit("."))
    return pl.when(x.is_not_null()).then(pl.when(inside != "").then(inside).otherwise(root))


def _extension(x: pl.Expr) -> pl.Expr:
    return _basename(x).str.extract(r"(?s).\.([^.]+)$").str.to_lowercase()


basename = api.Function(
    name="basename",
    doc="The last part of a path; separators at its end do not count. Of a Windows path too.",
    parameters=(_X,),
    returns=api.STRING,
    build=_basename,
    examples=(
        api.Example("basename('/var/log/syslog.1')", "syslog.1"),
        api.Example("basename('C:\\Windows\\cmd.exe')", "cmd.exe"),
        api.Example("basename('/')", ""),
    ),
)

dirname = api.Function(
    name="dirname",
    doc="A path without its last part; `.` where nothing is left, or the root.",
    parameters=(_X,),
    returns=api.STRING,
    build=_dirname,
    examples=(
        api.Example("dirname('/var/log/syslog')", "/var/log"),
        api.Example("dirname('/etc')", "/"),
        api.Example("dirname('syslog')", "."),
    ),
)

extension = api.Function(
    name="extension",
    doc="What follows the last dot of a file's name, in lower case; null where there is nothing, as in `.bashrc`.",
    parameters=(_X,),
    returns=api.STRING,
    build=_extension,
    examples=(
        api.Example("extension('/img/Logo.PNG')", "png"),
        api.Example("extension('a.tar.gz')", "gz"),
        api.Example("extension('/etc.d/hosts')", None),
    ),
)
