"""Numbers and names of syslog (RFC 5424): severities and facilities."""

from __future__ import annotations

import polars as pl

from pipeline import api

_SEVERITIES = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
_ALSO = {"emergency": 0, "panic": 0, "critical": 2, "fatal": 2, "error": 3, "warn": 4, "informational": 6, "trace": 7}
_FACILITIES = (
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp", "security",
    "console", "solaris-cron", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
)  # fmt: skip


def _named(x: pl.Expr, names: tuple[str, ...]) -> pl.Expr:
    return x.replace_strict(dict(enumerate(names)), default=None, return_dtype=pl.String())


def _level(x: pl.Expr) -> pl.Expr:
    return _named(pl.when(x.is_between(0, 191)).then(x % 8), _SEVERITIES)


def _facility(x: pl.Expr) -> pl.Expr:
    return _named(pl.when(x.is_between(0, 191)).then(x.floordiv(8)), _FACILITIES)


def _severity(x: pl.Expr) -> pl.Expr:
    numbers = {name: number for number, name in enumerate(_SEVERITIES)} | _ALSO
    return x.str.strip_chars().str.to_lowercase().replace_strict(numbers, default=None, return_dtype=pl.Int64())


_PRIORITY = api.Parameter("priority", "The number between `<` and `>` at the start of a message, 0 to 191.", ("int",))

syslog_level = api.Function(
    name="syslog_level",
    doc="The severity in a priority, or of a severity's number, by its name: `emerg alert crit err warning notice info debug`. Null outside of 0 "
    "to 191.",
    parameters=(_PRIORITY,),
    returns=api.STRING,
    build=_level,
    examples=(
        api.Example("syslog_level(3)", "err"),
        api.Example("syslog_level(165)", "notice"),
        api.Example("syslog_level(192)", None),
    ),
)

syslog_facility = api.Function(
    name="syslog_facility",
    doc="The facility in a priority by its name: `kern user mail daemon auth … local7`. Null outside of 0 to 191.",
    parameters=(_PRIORITY,),
    returns=api.STRING,
    build=_facility,
    examples=(api.Example("syslog_facility(165)", "local4"), api.Example("syslog_facility(13)", "user")),
)

syslog_severity = api.Function(
    name="syslog_severity",
    doc="The number of a severity, 0 (`emerg`) to 7 (`debug`), so that levels can be compared; in any case, and by the names that programs use: "
    "`error fatal warn panic trace …`. Null for other names.",
    parameters=(api.Parameter("x", "The name.", ("string",)),),
    returns=api.INT,
    build=_severity,
    examples=(
        api.Example("syslog_severity('WARN')", 4),
        api.Example("syslog_severity('loud')", None),
    ),
)
