"""Names with values, in the writings of logs, as JSON objects of strings. `jsontext` takes them apart.

logfmt      name=value name="a \\"quoted\\" value" name       a name alone is `true`; there must be a value somewhere
cef         name=a value of several words name=value         a value ends at a word that could be the next name;
                                                             `\\=`, `\\\\`, `\\n`, `\\r` stand for what they do
structured  [id name="value"][id name="value"]               RFC 5424; an object of objects
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Literal

import polars as pl

from pipeline.columns.native import kernels

Grammar = Literal["logfmt", "cef", "structured"]


def objects(texts: pl.Series, grammar: Grammar) -> pl.Series:
    """The JSON text of each row (String); null for null and for what is not of the grammar. Names may repeat in it."""
    if kernels is None:
        return objects_twin(texts, grammar)
    return pl.DataFrame(kernels.json_pairs(texts.alias("").to_frame(), grammar)).to_series().rename(texts.name)


def objects_twin(texts: pl.Series, grammar: Grammar) -> pl.Series:
    """`objects` without the native kernel."""
    read = _READERS[grammar]
    return pl.Series(texts.name, [None if text is None else read(text) for text in texts], dtype=pl.String)


_LOGFMT = re.compile(
    r'[\0- ]*([^\0- ="]+)(?:="((?:[^"\\]|\\.)*)"(?=[\0- ]|\Z)|=(?!")([^\0- ]*)|(?=[\0- ]|\Z))', re.DOTALL
)
_LOGFMT_ESCAPE = r'\\["\\/bfnrt]|\\u[0-9a-fA-F]{4}'

_CEF = re.compile(r"(?:(?<= )|\A)([A-Za-z0-9_.\[\]-]+)=")
_CEF_ESCAPE = re.compile(r"\\(.)", re.DOTALL)

_ELEMENT = re.compile(r'\[([^ =\]"]+)((?: +[^ =\]"]+="(?:[^"\\]|\\.)*")*) *\]', re.DOTALL)
_PARAMETER = re.compile(r' +([^ =\]"]+)="((?:[^"\\]|\\.)*)"', re.DOTALL)

_ODD = re.compile(r'["\\\x00-\x1f]')


def _logfmt(text: str) -> str | None:
    members = []
    at, valued = 0, False
    end = len(text.rstrip("".join(map(chr, range(33)))))
    while at < end:
        found = _LOGFMT.match(text, at)
        if found is None:
            return None
        name, quoted, bare = found.groups()
        valued |= quoted is not None or bare is not None
        value = _kept(quoted, _LOGFMT_ESCAPE) if quoted is not None else _plain("true" if bare is None else bare)
        members.append(f'{_name(name)}:"{value}"')
        at = found.end()
    return "{" + ",".join(members) + "}" if valued else None


def _cef(text: str) -> str | None:
    # A sign that is escaped is no boundary: it is hidden while boundaries are sought.
    hidden = _CEF_ESCAPE.sub(lambda found: "\0" + found[1].replace("=", "\0"), text)
    found = list(_CEF.finditer(hidden))
    if not found:
        return None if text.strip(" ") else "{}"
    if hidden[: found[0].start()].strip(" "):
        return None
    members = []
    for at, name in enumerate(found):
        last = found[at + 1].start() if at + 1 < len(found) else len(text)
        members.append(f'{_name(name[1])}:"{_extended(text[name.end() : last].rstrip(" "))}"')
    return "{" + ",".join(members) + "}"


def _extended(text: str) -> str:
    told = {"=": "=", "|": "|", "\\": "\\\\", "n": "\\n", "r": "\\r"}
    return re.sub(r'\\([=|\\nr])|["\\\x00-\x1f]', lambda found: told[found[1]] if found[1] else _plain(found[0]), text)


def _structured(text: str) -> str | None:
    elements = []
    at = 0
    while at < len(text) or not at:
        found = _ELEMENT.match(text, at)
        if found is None:
            return None
        inner = [f'{_name(one[1])}:"{_parameter(one[2])}"' for one in _PARAMETER.finditer(found[2])]
        elements.append(f"{_name(found[1])}:{{{','.join(inner)}}}")
        at = found.end()
    return "{" + ",".join(elements) + "}"


def _parameter(text: str) -> str:
    return re.sub(r'\\(["\\\]])|["\\\x00-\x1f]', lambda found: _plain(found[1] or found[0]), text)


def _kept(text: str, escapes: str) -> str:
    """With the escapes that JSON has too as they came."""
    return re.sub(rf'({escapes})|["\\\x00-\x1f]', lambda found: found[1] or _plain(found[0]), text)


def _plain(text: str) -> str:
    """A text inside of a JSON string."""
    return _ODD.sub(lambda found: "\\" + found[0] if found[0] in '"\\' else f"\\u{ord(found[0]):04x}", text)


def _name(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


_READERS: Mapping[Grammar, Callable[[str], str | None]] = {"logfmt": _logfmt, "cef": _cef, "structured": _structured}
