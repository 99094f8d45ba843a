"""Take out of texts what nobody should see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import polars as pl

from pipeline import api
from pipeline.api import nested
from pipeline.api.addresses import masked
from pipeline.api.digests import keyed
from pipeline.api.patterns import checked

Preset = Literal["email", "credit_card", "ipv4", "ipv6", "mac", "ssn", "iban", "jwt"]

_BYTE = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_V4 = rf"(?:{_BYTE}\.){{3}}{_BYTE}"
_HEX = "[0-9A-Fa-f]{1,4}"
PRESETS: Mapping[str, str] = {
    "email": r"[A-Za-z0-9._%+-]+@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}",
    "credit_card": r"\b(?:(?:4[0-9]{3}|5[1-5][0-9]{2}|2[2-7][0-9]{2}|6011|65[0-9]{2}|35[0-9]{2})(?:[ -]?[0-9]{4}){3}"
    r"|3[47][0-9]{2}[ -]?[0-9]{6}[ -]?[0-9]{5}|3[068][0-9]{2}[ -]?[0-9]{6}[ -]?[0-9]{4})\b",
    "ipv4": rf"\b{_V4}\b",
    "ipv6": rf"\b(?:{_HEX}:){{6}}{_V4}\b|\b{_HEX}(?::{_HEX}){{0,4}}::(?:{_HEX}:){{0,4}}{_V4}\b|\B::(?:{_HEX}:){{0,5}}{_V4}\b"
    rf"|\b(?:{_HEX}:){{7}}{_HEX}\b|\b{_HEX}(?::{_HEX}){{0,5}}::(?:{_HEX}(?::{_HEX}){{0,5}}\b)?|\B::{_HEX}(?::{_HEX}){{0,6}}\b",
    "mac": r"\b(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}\b",
    "ssn": r"\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b",
    "iban": r"\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b",
    "jwt": r"\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*",
}

ADDRESSES = ("ipv4", "ipv6")
LONGEST = 64
"""Bytes of the longest text that is looked at as an address as a whole."""

DIGITS = 16
"""Hex digits of a hash: 64 bits tell apart what a log has."""


@dataclass(frozen=True)
class Prefix:
    """How many bits of an address stay."""

    v4: int = 24
    v6: int = 48


class Options(api.Options):
    fields: list[api.Field] = api.option("The texts.", default=[])
    patterns: list[str] = api.option("What to take out, each a /regex/.", default=[])
    presets: list[Preset] = api.option(f"Patterns that are known by name: {', '.join(PRESETS)}.", default=[])
    mask: str = api.option("What stands there instead.", default="***")
    key: str | None = api.option(
        "A secret: a keyed hash stands there instead of `mask`, the same for the same text. Take it from the environment: "
        "`env('REDACT_KEY')`.",
        default=None,
        min_length=1,
    )
    ip_prefix: Prefix | None = api.option(
        "Keep so many bits of addresses, `{v4: 24, v6: 48}`, instead of masking them; means the presets ipv4 and ipv6.",
        default=None,
    )
    allow: list[api.Field] | None = api.option(
        "The fields that stay as they are: all other texts are redacted.", default=None
    )

    rest = "fields"


class Redact(api.Filter[Options]):
    """Replaces what `patterns` and `presets` find in texts; without both, the whole text.

    What is found becomes `mask`, or with `key` the first 16 hex digits of its HMAC-SHA-256: the same text has the same hash, so
    that it can still be counted and joined, and nobody without the key can try out what it was. Addresses become networks with
    `ip_prefix`. Patterns are Rust's, in linear time; presets go by form alone: a number that looks like a card's is taken for
    one.

    `allow` turns it round: all texts are redacted but those that are named, also in records. Lists, JSON and bytes must then be
    named or removed, and so must members that nobody named (after `json`, put a `keep` before): nothing passes unseen.

    **`@raw` is never changed.** The record as it came is still in `format: raw` outputs, on `.rejected` ports, with the dead letters
    and in whatever else reads `@raw`. Keep raw archives where only those may read who may see everything, or write fields
    only; this filter takes text out of fields."""

    name = "redact"
    options_model = Options
    example = """
source access = generate(count: 100)
transform safe = access
  | grok('%{NGINX_COMBINED}')
  | redact(remote_addr, ip_prefix: {v4: 16, v6: 32})
  | redact(path, referer, patterns: /token=[^&]+/, presets: email, key: 'a secret')
sink out = safe -> console()
"""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        if not options.fields and options.allow is None:
            raise api.OptionError("redact needs fields, or `allow`", None, "such as redact(message, presets: email)")
        if options.fields and options.allow is not None:
            raise api.OptionError(
                "`allow` names the fields that stay, beside fields to redact", "allow", "leave out one"
            )
        for field in options.fields:
            if field.path[0].startswith("@"):
                help = (
                    "take its text into a field of its own, and write that"
                    if field.name == "@raw"
                    else "copy it first: set { … }"
                )
                raise api.OptionError(f"{field.name} is metadata and is never assigned", "fields", help)
        prefix = options.ip_prefix
        if prefix is not None and not (0 <= prefix.v4 <= 32 and 0 <= prefix.v6 <= 128):
            raise api.OptionError("an address has 32 bits, or 128", "ip_prefix", "such as {v4: 24, v6: 48}")
        for pattern in options.patterns:
            try:
                empty = pl.Series([""]).str.contains(checked(pattern)).item()
            except TypeError as error:
                raise api.OptionError(str(error), "patterns") from error
            if empty:
                raise api.OptionError(f"/{pattern}/ finds nothing everywhere", "patterns", "write + instead of *")
        self._steps = tuple(self._plan())
        self._fields = tuple(options.fields)

    def schema(self, columns: api.Columns) -> api.Columns:
        options = self.options
        for field in options.fields:
            if field.type != api.STRING:
                raise api.OptionError(f"redact changes texts, and {field.name} is of type {field.type}", "fields")
        if options.allow is not None:
            if columns.open:
                raise api.OptionError(
                    "members that nobody named would pass", "allow", "name what is wanted before: keep(…)"
                )
            allowed = {field.path for field in options.allow}
            self._fields = tuple(_texts((), columns.fields, allowed))
        return columns

    def apply(self, batch: api.Batch) -> api.Batch:
        for field in self._fields:
            values = field.values(batch.frame)
            made = values
            for step in self._steps:
                made = step(made)
            if made is values:
                continue
            if len(field.path) == 1:
                batch = batch.with_columns(made.alias(field.name))
            else:
                batch = batch.with_columns(_put(batch.frame.schema, field.path, made))
        return batch

    def _plan(self) -> Iterator[Step]:
        """What is done to a text, in order."""
        options = self.options
        prefix = options.ip_prefix
        hidden = Hidden(options.mask, options.key)
        patterns = [
            *options.patterns,
            *(PRESETS[name] for name in options.presets if prefix is None or name not in ADDRESSES),
        ]
        if patterns:
            yield Step("|".join(f"(?:{pattern})" for pattern in patterns), hidden)
        if prefix is not None:
            network = Network(prefix.v4, prefix.v6, options.mask)
            yield Step("|".join(f"(?:{PRESETS[name]})" for name in reversed(ADDRESSES)), network)
        if not patterns and prefix is None:
            yield Step("", hidden)


@dataclass(frozen=True)
class Hidden:
    """Texts (a column `text`) to what stands there instead."""

    mask: str
    key: str | None

    def __reduce__(self) -> tuple[object, ...]:
        return Hidden, (self.mask, self.key)

    @cached_property
    def instead(self) -> pl.Expr:
        text = pl.col("text")
        if self.key is None:
            return pl.when(text.is_not_null()).then(pl.lit(self.mask)).alias("text")
        return keyed(text, self.key).str.slice(0, DIGITS)


@dataclass(frozen=True)
class Network:
    """Addresses (a column `text`) to their networks."""

    v4: int
    v6: int
    mask: str

    def __reduce__(self) -> tuple[object, ...]:
        return Network, (self.v4, self.v6, self.mask)

    @cached_property
    def whole(self) -> pl.Expr:
        """The networks of texts that are an address as a whole; null for others. Made once, as it remembers its answers."""
        text = pl.col("text")
        return masked(pl.when(text.str.len_bytes() <= LONGEST).then(text), self.v4, self.v6)

    @cached_property
    def instead(self) -> pl.Expr:
        return pl.when(pl.col("text").is_not_null()).then(self.whole.fill_null(self.mask)).alias("text")


@dataclass(frozen=True)
class Step:
    """Replaces what a regex finds in a column of texts by what `kind` gives for it; all of the text where it is empty."""

    regex: str
    kind: Hidden | Network

    def __call__(self, values: pl.Series) -> pl.Series:
        if not self.regex:
            return values.to_frame("text").select(self.kind.instead).to_series()
        if isinstance(self.kind, Network):
            # Most of these texts are an address and nothing else, and need no search.
            whole = values.to_frame("text").select(self.kind.whole).to_series()
            if not whole.null_count():
                return whole
            return whole.zip_with(whole.is_not_null(), self._searched(values.zip_with(whole.is_null(), whole.clear(1))))
        return self._searched(values)

    def _searched(self, values: pl.Series) -> pl.Series:
        found = values.str.contains(self.regex).fill_null(value=False)
        if not found.any():
            return values
        if isinstance(self.kind, Hidden) and self.kind.key is None:
            return values.str.replace_all(self.regex, self.kind.mask.replace("$", "$$"))
        made = self._each(values.filter(found))
        if made.len() == values.len():
            return made
        return values.clone().scatter(found.arg_true(), made)

    def _each(self, texts: pl.Series) -> pl.Series:
        """Texts in all of which something is found."""
        # What is between the finds is what is left when these are replaced by something that is in no text, and whose beginning is
        # not its end, so that it is not found half in a text either.
        mark = "\x00"
        while texts.str.contains(mark, literal=True).any():
            mark += "\x01"
        row, text = pl.col("row"), pl.col("text")
        frame = texts.to_frame("text").with_row_index("row")
        between = frame.select(row, text.str.replace_all(self.regex, mark).str.split(mark)).explode("text")
        finds = frame.select(
            row, pl.concat_list(text.str.extract_all(self.regex), pl.lit(None, dtype=pl.String))
        ).explode("text")
        instead = finds.select(self.kind.instead.fill_null("").alias("instead")).to_series()
        pieces = between.with_columns(instead).select(row, text + pl.col("instead"))
        return pieces.group_by("row", maintain_order=True).agg(text.str.join("")).get_column("text")


def _texts(path: tuple[str, ...], fields: Mapping[str, api.Type], allowed: set[tuple[str, ...]]) -> Iterator[api.Field]:
    """All texts but those that are allowed. Raises OptionError for what may have texts in it and cannot be redacted."""
    for name, kind in fields.items():
        here = (*path, name)
        if here in allowed:
            continue
        if kind == api.STRING:
            yield api.Field(here, kind)
        elif kind.kind == "record" and not kind.open:
            yield from _texts(here, dict(kind.fields), allowed)
        elif kind.kind in ("record", "list", "json", "bytes"):
            told = f"{'.'.join(here)} is of type {kind}, which may have texts in it that cannot be redacted"
            raise api.OptionError(told, "allow", "name it here, or remove it before")


def _put(schema: Mapping[str, pl.DataType], path: tuple[str, ...], values: pl.Series) -> pl.Expr:
    """The record with the member changed; a record that is null stays null."""
    parent = pl.col(path[0])
    return pl.when(parent.is_not_null()).then(nested.put(schema, path, pl.lit(values))).alias(path[0])
