"""Syslog, both kinds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import polars as pl

from pipeline import api
from pipeline.api import formats, times
from pipeline.api.grok import MATCHED, Grok
from pipeline.api.pairs import objects

FACILITIES = [
    "kern",
    "user",
    "mail",
    "daemon",
    "auth",
    "syslog",
    "lpr",
    "news",
    "uucp",
    "cron",
    "authpriv",
    "ftp",
    "ntp",
    "security",
    "console",
    "solaris-cron",
    "local0",
    "local1",
    "local2",
    "local3",
    "local4",
    "local5",
    "local6",
    "local7",
]
SEVERITIES = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"]
OTHERWISE = {"panic": 0, "emergency": 0, "critical": 2, "fatal": 2, "error": 3, "warn": 4, "information": 6, "trace": 7}
"""Severities by other names, which are written too."""

MODERN = (
    r"^<(?<pri>[0-9]{1,3})>(?<version>[1-9][0-9]{0,2}) (?<timestamp>\S+) (?<hostname>\S+) (?<appname>\S+) (?<procid>\S+) "
    r'(?<msgid>\S+) (?<data>-|(?:\[(?:[^\]"\\]|"(?:[^"\\]|\\.)*")*\])+)(?: (?<message>.*))?$'
)
OLD = (
    r"^(?:<(?<pri>[0-9]{1,3})>)?(?:(?<dated>[A-Z][a-z]{2} [ 0-9][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2})"
    r"|(?<timestamp>[0-9]{4}-[0-9]{2}-[0-9]{2}T\S+)) (?<hostname>\S+) "
    r"(?:(?<appname>[^\s:\[]+)(?:\[(?<procid>[^\]]*)\])?: ?)?(?<message>.*)$"
)

DAY = timedelta(days=1)
YEARS = (1, 0, -1, -2, -3, -4, -5, -6, -7, -8)
"""From a year ahead (the device's clock is) back to the leap year before that a 29 February may need."""

FIELDS: Mapping[str, api.Type] = {
    "facility": api.STRING,
    "severity": api.STRING,
    "version": api.INT,
    "timestamp": api.TIME,
    "hostname": api.STRING,
    "appname": api.STRING,
    "procid": api.STRING,
    "msgid": api.STRING,
    "message": api.STRING,
}


class Options(api.Options):
    zone: str = api.option("The time zone of stamps without one, such as 'Europe/Paris'.", default="UTC")


class Syslog(api.Codec[Options]):
    """Syslog as in RFC 5424 and in RFC 3164, told apart record by record; the latter also with ISO 8601 stamps and without a
    priority, as daemons write it into files.

    `timestamp` of RFC 3164 has no year: it gets the latest one with which it is not more than a day after the time of reading.
    What is `-` in RFC 5424 is null. `structured_data` is a record of records: `` structured_data.`id@32473`.key ``. Records of
    another kind are rejected with `not_syslog`.

    Written as RFC 5424, from fields of these names: `facility` (`user` where it is missing), `severity` (`info`), `timestamp`
    (`@timestamp`), `hostname` (`@host`), `appname`, `procid`, `msgid`, and `message` (the record)."""

    name = "syslog"
    options_model = Options
    example = """
source access = file("/var/log/nginx/access.log*", codec: nginx)
transform told = access | set { appname = 'nginx' message = "{method} {path} {status}" severity = 'notice' }
sink out = told -> file("out/access.log", format: syslog)
"""
    extension = ".log"

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        try:
            times.parse(pl.lit(""), "iso8601", options.zone)
        except TypeError as error:
            raise api.OptionError(str(error), "zone") from error
        self._grok = Grok([MODERN, OLD])
        self._data = api.Members(texts=True)

    def schema(self) -> api.Columns:
        inner = self._data.columns
        return api.Columns({**FIELDS, "structured_data": api.record(dict(inner.fields), open=True)})

    def demand(self, fields: Mapping[tuple[str, ...], api.Type]) -> None:
        self._data.demand(
            {path[1:]: kind for path, kind in fields.items() if path[0] == "structured_data" and len(path) > 1}
        )

    def decode(self, texts: pl.Series, received: pl.Series) -> api.Decoded:
        found = self._grok.match(texts)
        data = objects(found["data"], "structured")
        taken = self._data.take(data)
        priority = pl.col("pri").cast(pl.Int64)
        told = priority <= 191
        said = [pl.when(pl.col(name) != "-").then(name) for name in ("hostname", "appname", "procid", "msgid")]
        rest = data if taken.rest is None else taken.rest
        nested = pl.DataFrame([*taken.columns.get_columns(), rest.alias(api.REST)])
        columns = found.select(
            pl.when(told).then(_among(FACILITIES, priority // 8)).alias("facility"),
            pl.when(told).then(_among(SEVERITIES, priority % 8)).alias("severity"),
            pl.col("version").cast(pl.Int64),
            times.parse(pl.col("timestamp"), "iso8601", self.options.zone),
            *said,
            pl.col("message").str.strip_prefix("\ufeff"),
        )
        if found["dated"].null_count() < texts.len():
            dated = _dated(found["dated"], received, self.options.zone)
            columns = columns.with_columns(pl.col("timestamp").fill_null(dated))
        held = nested.select(pl.when(pl.lit(data).is_not_null()).then(pl.struct(pl.all())).alias("structured_data"))
        columns = columns.hstack(held)
        if found[MATCHED].all():
            return api.Decoded(columns)
        reason = found.select(pl.when(~pl.col(MATCHED)).then(pl.lit("not_syslog"))).to_series()
        return api.Decoded(columns, reason=reason)

    def encode(self, frame: pl.DataFrame, columns: api.Columns, metadata: Sequence[str]) -> bytes:
        return formats.syslog(frame, columns, _numbered(FACILITIES), _numbered(SEVERITIES) | OTHERWISE)


def _numbered(names: Sequence[str]) -> dict[str, int]:
    return {name: place for place, name in enumerate(names)}


def _among(names: Sequence[str], place: pl.Expr) -> pl.Expr:
    return place.replace_strict(list(range(len(names))), list(names), default=None, return_dtype=pl.String)


def _dated(stamps: pl.Series, received: pl.Series, zone: str) -> pl.Series:
    """Times of stamps without a year: the latest that is at most a day after they were read."""
    frame = pl.DataFrame([stamps.alias("stamp"), received.alias("read")])
    now = _read(frame, 0, zone)
    sure = (now <= frame["read"] + DAY) & (now > frame["read"] - 360 * DAY)
    found = now.set(~sure.fill_null(value=False), None)
    for years in YEARS:
        places = (found.is_null() & frame["stamp"].is_not_null()).arg_true()
        if not places.len():
            break
        part = frame[places]
        moments = _read(part, years, zone)
        found = found.scatter(places, moments.set((moments > part["read"] + DAY).fill_null(value=True), None))
    return found


def _read(frame: pl.DataFrame, years: int, zone: str) -> pl.Series:
    text = (pl.col("read").dt.year() + years).cast(pl.String) + " " + pl.col("stamp")
    return frame.select(times.parse(text, "%Y %b %e %H:%M:%S", zone)).to_series()
