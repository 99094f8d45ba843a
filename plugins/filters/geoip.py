"""Where addresses are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import maxminddb

from pipeline import api
from pipeline.api import distinct
from pipeline.api.world import Files

from .refreshed import Refreshed

SAMPLE = Path(__file__).with_name("sample.mmdb")

FIELDS = api.record(
    {
        "country": api.STRING,
        "country_name": api.STRING,
        "continent": api.STRING,
        "city": api.STRING,
        "latitude": api.FLOAT,
        "longitude": api.FLOAT,
        "asn": api.INT,
        "organization": api.STRING,
    }
)

Record = Mapping[str, object]
Answer = dict[str, str | float | int | None]


class Options(api.Options):
    field: api.Field = api.option("The address, a string with IPv4 or IPv6.")
    db: str | None = api.option(
        "Path of a MaxMind database (`.mmdb`). Without it, a small made-up sample for `generate` is used.", default=None
    )
    into: api.NewName = api.option("The field for the answer, a record.", default="geo", min_length=1, pattern="^[^@]")
    reload: api.Duration | None = api.option(
        "How often to see whether the database has changed, to open it anew; `null` for never.",
        default=30_000_000,
        ge=1_000_000,
    )


class GeoIP(api.Filter[Options]):
    """Looks addresses up in a MaxMind database and adds a record with what it knows: `country` (ISO code), `country_name`,
    `continent`, `city`, `latitude`, `longitude`, `asn` and `organization`.

    City, Country and ASN databases of MaxMind are read, and flat ones such as those of ip-location-db, DB-IP and IPinfo. An
    address that is not in the database, or that is no address, gives null. Each distinct address is looked up once.

    A database that has changed is opened anew, between two batches. One that is broken changes nothing: the one before goes on, and the
    log says so. Replace the file in one step (write another, rename it): it is read where it lies. Answers are those of the time
    when a batch is computed.

    Without `db`, a sample is used that knows the reserved networks of the traffic that `generate` makes, and no real
    address."""

    name = "geoip"
    options_model = Options
    example = """
source access = generate(count: 100)
transform located = access
  | grok('%{NGINX_COMBINED}')
  | geoip(remote_addr)
  | keep(remote_addr, geo)
sink out = located -> console()
"""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._path = str(SAMPLE if options.db is None else options.db)
        self._unopened = Database.of(self._path)
        self._refreshed = Refreshed(Path(self._path), "database", self._opened, self._refused)

    def __reduce__(self) -> tuple[object, ...]:
        return GeoIP, (self.options,)

    def schema(self, columns: api.Columns) -> api.Columns:
        if self.options.field.type.kind != "string":
            raise api.OptionError(f"geoip reads a string, and this is of type {self.options.field.type}", "field")
        return columns.with_field((self.options.into,), FIELDS)

    def warnings(self) -> Sequence[tuple[str | None, str, str]]:
        if self.options.db is None:
            message = "no database is given: the bundled sample knows made-up addresses only"
            return [("db", message, "get one from MaxMind, DB-IP or ip-location-db and write db: '/path/to/city.mmdb'")]
        if not Path(self.options.db).is_file():
            return [("db", f"there is no file {self.options.db}", "the program cannot start without it")]
        return ()

    async def open(self, ctx: api.Context) -> None:
        await self._refreshed.open(ctx, None if self.options.db is None else self.options.reload)

    async def close(self) -> None:
        await self._refreshed.close()
        for database in (self._refreshed.current, self._unopened):
            if database is not None:
                database.lookup.close()

    def apply(self, batch: api.Batch) -> api.Batch:
        # Read once: another database may take its place at any time. The one before is closed when nobody uses it any more.
        database = self._refreshed.current or self._unopened
        answers = database.answers(self.options.field.values(batch.frame))
        return batch.with_columns(answers.alias(self.options.into))

    def _opened(self, files: Files) -> Database:
        """Blocks. Raises ConfigurationError."""
        made = Database.of(self._path)
        made.lookup.open()
        return made

    def _refused(self, why: str) -> api.ConfigurationError:
        return refused(self._path, why)


def refused(path: str, why: object) -> api.ConfigurationError:
    return api.ConfigurationError(
        f"geoip cannot read the database {path}: {why}", "give the path of a .mmdb file as db:"
    )


class Database(NamedTuple):
    """A database, and what it said of addresses until now."""

    lookup: Lookup
    answers: distinct.Distinct

    @classmethod
    def of(cls, path: str) -> Database:
        """One that is opened at first use."""
        lookup = Lookup(path)
        return cls(lookup, distinct.mapped(lookup, api.dtype(FIELDS)))


class Lookup:
    """Answers for single addresses. Opens its database at first use too, so that a copy in another process works."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._reader: maxminddb.Reader | None = None

    def __reduce__(self) -> tuple[object, ...]:
        return Lookup, (self._path,)

    def open(self) -> maxminddb.Reader:
        """Raises ConfigurationError when the file is not there or is no database."""
        if self._reader is None:
            try:
                self._reader = maxminddb.open_database(self._path)
            except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
                raise refused(self._path, error) from error
        return self._reader

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def __call__(self, address: str) -> Answer | None:
        """A record of FIELDS, or None for what is not known or no address."""
        try:
            found = self.open().get(address.strip())
        except (TypeError, ValueError):  # no address, or a text with a NUL in it
            return None
        return flat(found) if isinstance(found, dict) else None


def flat(found: Record) -> Answer | None:
    """A database's record, MaxMind's nested shape or a flat one, as FIELDS; None when it knows none of them."""
    place = _record(found, "location") or found
    values: Answer = {
        "country": _text(_record(found, "country"), "iso_code") or _text(found, "country_code", "country"),
        "country_name": _name(found, "country") or _text(found, "country_name"),
        "continent": _text(_record(found, "continent"), "code") or _text(found, "continent_code", "continent"),
        "city": _name(found, "city") or _text(found, "city"),
        "latitude": _number(place, "latitude"),
        "longitude": _number(place, "longitude"),
        "asn": _asn(found),
        "organization": _text(found, "autonomous_system_organization", "as_name", "organization"),
    }
    return values if any(value is not None for value in values.values()) else None


def _record(found: Record, name: str) -> Record:
    inner = found.get(name)
    return inner if isinstance(inner, dict) else {}


def _name(found: Record, name: str) -> str | None:
    return _text(_record(_record(found, name), "names"), "en")


def _text(found: Record, *names: str) -> str | None:
    """The first of these members that is a text and not empty."""
    return next((value for name in names if isinstance(value := found.get(name), str) and value), None)


def _number(found: Record, name: str) -> float | None:
    value = found.get(name)
    try:
        return float(value) if isinstance(value, (int, float, str)) else None
    except ValueError:
        return None


def _asn(found: Record) -> int | None:
    value = found.get("autonomous_system_number", found.get("asn"))
    digits = str(value).removeprefix("AS")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 10 else None
