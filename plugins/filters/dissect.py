"""Cut text at the literal texts between its fields."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import polars as pl

from pipeline import api
from pipeline.api import nested
from pipeline.api.conversions import from_text
from pipeline.api.records import texts

TYPES: Mapping[str, api.Type] = {"string": api.STRING, "int": api.INT, "float": api.FLOAT, "bool": api.BOOL}

NO_MATCH = "no_match"


class Options(api.Options):
    pattern: str = api.option("The fields and the literal texts between them, such as `'%{ip} [%{ts}] %{rest}'`.")
    on: api.Field = api.option("The text to cut, a string or bytes.", default=api.Field(("@raw",), api.BYTES))
    append_separator: str | None = api.option(
        "What stands between the parts that `+` joins; without it, the text that stands before each part in the pattern.",
        default=None,
    )


class Dissect(api.Filter[Options]):
    """Cuts a text at the literal texts between its fields, as Logstash and Elasticsearch do: `%{ip} - %{user} [%{ts}] %{rest}`.
    No regex is involved: each field ends where the next literal text first occurs.

    | key | what it takes |
    |---|---|
    | `%{name}` | up to the text that follows it; the last key takes the rest |
    | `%{status:int}` | the same as `int`, `float` or `bool`; null where it is none |
    | `%{+name}` | joined to what `%{name}` or another `%{+name}` took; `%{+name/2}` says in which place |
    | `%{?name}`, `%{}` | nothing: the text is passed over |
    | `%{name->}` | the text that follows may be there several times, as columns are aligned with spaces |

    Names with dots make records (`%{client.ip}`); a field that exists is replaced. Parts of a field that is joined come in the
    order of the pattern, those with a place after those without.

    A text before the first key must be what the text begins with. After a text that follows the last key anything may come.
    Between two texts that follow each other a field is empty, not null. Rows that lack one of the texts are rejected with
    `no_match` and which one it is. Bytes that are not UTF-8 are read as U+FFFD.

    Names that the data decides (`%{*name}` and `%{&name}` elsewhere) are not there: fields are known before a program runs."""

    name = "dissect"
    options_model = Options
    example = """
source access = generate(count: 100)
transform parsed = access
  | dissect('%{ip} - %{user} [%{time} %{}] "%{method} %{path} %{}" %{status:int} %{size:int} %{?rest}')
  | where(status >= 400)
sink out = parsed -> console()
"""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._prefix, self._keys = parsed(options.pattern)
        self._targets = _targets(self._keys)

    def schema(self, columns: api.Columns) -> api.Columns:
        if self.options.on.type.kind not in ("string", "bytes"):
            raise api.OptionError(f"dissect reads a text, and this is of type {self.options.on.type}", "on")
        for path, keys in self._targets.items():
            columns = columns.with_field(path, TYPES[keys[0].type])
        return columns

    def apply(self, batch: api.Batch) -> api.Batch:
        rest = texts(batch.frame, self.options.on)
        rests, parts = [rest], []
        if self._prefix:
            cut = rest.str.splitn(self._prefix, 2).struct
            fits = (cut.field("field_0") == "").fill_null(value=False)
            rest = cut.field("field_1")
            if not fits.all():
                rest = rest.zip_with(fits, _nothing(rest.len()))
            rests.append(rest)
        for key in self._keys:
            if not key.after:
                parts.append(rest)
                break
            cut = rest.str.splitn(key.after, 2).struct
            parts.append(cut.field("field_0"))
            rest = cut.field("field_1")
            if key.padded:
                rest = _unpadded(rest, key.after)
            rests.append(rest)
        batch = self._with_fields(batch, parts)
        return self._rejected(batch, rests)

    def _with_fields(self, batch: api.Batch, parts: Sequence[pl.Series]) -> api.Batch:
        by_key = dict(zip(self._keys, parts, strict=True))
        made = {path: self._joined([by_key[key] for key in keys], keys) for path, keys in self._targets.items()}
        typed = {path: TYPES[keys[0].type] for path, keys in self._targets.items() if keys[0].type != "string"}
        if typed:
            frame = pl.DataFrame([made[path].alias(".".join(path)) for path in typed])
            cast = frame.select(
                from_text(pl.col(".".join(path)), kind).alias(".".join(path)) for path, kind in typed.items()
            )
            made |= dict(zip(typed, cast.get_columns(), strict=True))
        batch = batch.with_columns(*(values.alias(path[0]) for path, values in made.items() if len(path) == 1))
        for path, values in made.items():
            if len(path) > 1:
                batch = batch.with_columns(nested.put(batch.frame.schema, path, pl.lit(values)))
        return batch

    def _joined(self, parts: Sequence[pl.Series], keys: Sequence[Key]) -> pl.Series:
        """The parts of a field as one text."""
        if len(parts) == 1:
            return parts[0]
        separator = self.options.append_separator
        pieces: list[pl.Expr] = []
        for at, key in enumerate(keys):
            between = (key.before or key.after) if separator is None else separator
            pieces += [pl.lit(between), pl.col(str(at))] if at else [pl.col(str(at))]
        frame = pl.DataFrame([part.alias(str(at)) for at, part in enumerate(parts)])
        return frame.select(pl.concat_str(pieces).alias("joined")).to_series()

    def _rejected(self, batch: api.Batch, rests: Sequence[pl.Series]) -> api.Batch:
        """Without the rows in which a text was not found: from there on their rest is null."""
        bad = rests[-1].is_null()
        if not bad.any():
            return batch
        messages = ["there is no text"]
        if self._prefix:
            messages.append(f"the text does not begin with `{self._prefix}`")
        messages += [f"there is no `{key.after}` after {_told(key)}" for key in self._keys if key.after]
        found = pl.DataFrame([rest.is_not_null().alias(str(at)) for at, rest in enumerate(rests)])
        step = found.select(pl.sum_horizontal(pl.all().cast(pl.UInt32)).clip(upper_bound=len(messages) - 1)).to_series()
        detail = pl.Series(messages, dtype=pl.String)[step]
        return batch.reject(bad, NO_MATCH, field=self.options.on.name, detail=detail)


class Key(NamedTuple):
    """One `%{…}`. `path` is empty for what is passed over, `order` the place of an appended part, `before` and `after` are the
    literal texts around it."""

    at: int
    path: tuple[str, ...]
    type: str
    appended: bool
    order: int
    padded: bool
    before: str
    after: str


_KEY = re.compile(r"%\{([^}]*)\}")
_INSIDE = re.compile(r"(?P<modifier>[+?*&]?)(?P<name>[^:/]*?)(?:/(?P<order>\d{1,9}))?(?::(?P<type>[^:]*))?")


def parsed(pattern: str) -> tuple[str, tuple[Key, ...]]:
    """The literal text before the first key, and the keys. Raises OptionError."""
    prefix, *found = _KEY.split(pattern)
    if not found:
        raise _wrong("the pattern has no key", "a key is written `%{name}`")
    keys = []
    before = prefix
    for at, (inside, after) in enumerate(zip(found[::2], found[1::2], strict=True)):
        if not after and at < len(found) // 2 - 1:
            told = f"there is no text between %{{{inside}}} and %{{{found[2 * at + 2]}}}"
            raise _wrong(told, "a key ends where the text after it begins; put one key there, or use grok")
        keys.append(_key(at, inside, before, after))
        before = after
    return prefix, tuple(keys)


def _key(at: int, inside: str, before: str, after: str) -> Key:
    padded = "->" in inside
    found = _INSIDE.fullmatch(inside.replace("->", "", 1))
    if found is None:
        raise _wrong(
            f"%{{{inside}}} is no key", "keys are `%{name}`, `%{name:int}`, `%{+name/2}`, `%{?name}`, `%{name->}`"
        )
    modifier, name = found["modifier"], found["name"]
    if modifier in ("*", "&"):
        help = "fields are known before a program runs; `kv` carries names that only the data has"
        raise _wrong(f"%{{{inside}}} takes the name of a field from the data", help)
    kind = found["type"] or "string"
    if kind not in TYPES:
        raise _wrong(f"%{{{inside}}}: there is no type {kind}", f"the types are {', '.join(TYPES)}")
    if modifier == "+" and not name:
        raise _wrong(f"%{{{inside}}} does not say what to append to", "write `%{+name}`")
    if modifier == "+" and kind != "string":
        raise _wrong(f"%{{{inside}}}: what is joined is a text", "convert it afterwards: set { n = int(n) }")
    if found["order"] and modifier != "+":
        raise _wrong(
            f"%{{{inside}}}: only parts that are joined have a place", f"write `%{{+{name}/{found['order']}}}`"
        )
    path = () if modifier == "?" or not name else tuple(name.split("."))
    if path and path[0].startswith("@"):
        raise _wrong(
            f"the pattern names {name}, and metadata is never assigned by a pattern",
            "give the field another name; `set` can then set @timestamp from it",
        )
    if "" in path or "[" in name:
        raise _wrong(f"{name!r} is no name for a field", "members of records are written with dots: `%{client.ip}`")
    return Key(at, path, kind, modifier == "+", int(found["order"] or 0), padded, before, after)


def _targets(keys: Sequence[Key]) -> Mapping[tuple[str, ...], tuple[Key, ...]]:
    """The fields, each with the parts that make it up, in their order."""
    targets: dict[tuple[str, ...], list[Key]] = {}
    for key in keys:
        if not key.path:
            continue
        name = ".".join(key.path)
        if not key.appended and any(not other.appended for other in targets.get(key.path, ())):
            raise _wrong(f"the pattern names {name} twice", f"join the second to the first with `%{{+{name}}}`")
        typed = next((other.type for other in (key, *targets.get(key.path, ())) if other.type != "string"), None)
        if key.path in targets and typed is not None:
            raise _wrong(f"{name} is joined, and what is joined is a text", f"leave out `:{typed}`")
        for other in targets:
            shorter, longer = sorted((other, key.path), key=len)
            if shorter != longer and longer[: len(shorter)] == shorter:
                raise _wrong(
                    f"{'.'.join(longer)} is a member of {'.'.join(shorter)}, which is a text", "rename one of them"
                )
        targets.setdefault(key.path, []).append(key)
    return {path: tuple(sorted(parts, key=lambda key: (key.order, key.at))) for path, parts in targets.items()}


def _unpadded(rest: pl.Series, padding: str) -> pl.Series:
    """Without the paddings at the start."""
    if len(padding) == 1:
        return rest.str.strip_chars_start(padding)
    # The one way to take off what repeats in one pass; written by code points, nothing in it is special.
    return rest.str.replace("^(?:" + "".join(f"\\x{{{ord(char):x}}}" for char in padding) + ")+", "")


def _told(key: Key) -> str:
    return f"`{'.'.join(key.path)}`" if key.path else f"key {key.at + 1}, which is passed over"


def _nothing(height: int) -> pl.Series:
    return pl.Series([None], dtype=pl.String).new_from_index(0, height)


def _wrong(message: str, help: str) -> api.OptionError:
    return api.OptionError(message, "pattern", help)
