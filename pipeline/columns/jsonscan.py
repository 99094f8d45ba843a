"""Where the members of a JSON object are in its text.

CPython's C scanner reads each value and says where it ends, so that a value can be copied as it was written: `1.10`, `1e2`
and integers of forty digits. Errors are ValueError, StopIteration and IndexError, as the scanner raises them."""

from __future__ import annotations

import json
import json.decoder
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple


class Spot(NamedTuple):
    """A member in its text: its value (numbers as Number), where its key begins, where its value begins and ends."""

    value: object
    key: int
    begin: int
    end: int


class Number(str):
    """A number as it was written."""

    __slots__ = ()


def _constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


_decoder: Any = json.JSONDecoder(parse_float=Number, parse_int=Number, parse_constant=_constant)
_library: Any = json.decoder
scan: Callable[[str, int], tuple[object, int]] = _decoder.scan_once
"""The value that begins at a place, and where it ends."""
_string: Callable[[str, int], tuple[str, int]] = _library.scanstring
_space = re.compile(r"[ \t\n\r]*").match
_strings = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_surrogates = re.compile("[\ud800-\udfff]")


def members(text: str, begin: int) -> tuple[dict[str, Spot], int]:
    """The members of the object that begins at `begin`, the last of each name, and where the object ends."""
    found: dict[str, Spot] = {}
    at = begin + 1
    if text[at] != '"':
        at = after_space(text, at)
        if text[at] == "}":
            return found, at + 1
    while True:
        if text[at] != '"':
            raise ValueError(f"a name in double quotes is missing at character {at}")
        key, end = _string(text, at + 1)
        if text[end] != ":":
            end = after_space(text, end)
            if text[end] != ":":
                raise ValueError(f"a colon is missing at character {end}")
        start = end + 1
        if text[start] in " \t\n\r":
            start = after_space(text, start)
        value, end = scan(text, start)
        found[key] = Spot(value, at, start, end)
        if text[end] not in ",}":
            end = after_space(text, end)
            if text[end] not in ",}":
                raise ValueError(f"a comma or closing brace is missing at character {end}")
        if text[end] == "}":
            return found, end + 1
        at = end + 1
        if text[at] != '"':
            at = after_space(text, at)


MISSING = "a value is missing, or the text ends too early"

_MISTAKES = {
    "Expecting property name": "a name in double quotes is missing at character {}",
    "Expecting ':'": "a colon is missing at character {}",
    "Expecting ','": "a comma or closing bracket is missing at character {}",
    "Unterminated string": "the string from character {} has no end",
    "Invalid control character": "a control character in a string is not escaped at character {}",
    "Invalid \\uXXXX": "four hexadecimal digits and the end of the string are missing after character {}",
    "Invalid \\escape": "there is no such escape as that at character {}",
}
"""What the scanner's messages begin with, and what we say."""


def mistake(error: Exception, text: str) -> str:
    """What is wrong with a text, in words that do not depend on the version of Python."""
    if not isinstance(error, json.JSONDecodeError):
        return str(error) if isinstance(error, ValueError) else MISSING
    message, place = error.msg, error.pos
    if message.startswith("Illegal trailing comma"):
        place = after_space(text, place + 1)
        message = "Expecting property name" if "object" in message else ""
    if place >= len(text):
        return MISSING
    return next((told.format(place) for begin, told in _MISTAKES.items() if message.startswith(begin)), MISSING)


def items(text: str, begin: int) -> Iterator[Spot]:
    """The items of the array that begins at `begin`, which is known to be well-formed."""
    at = after_space(text, begin + 1)
    while text[at] != "]":
        value, end = scan(text, at)
        yield Spot(value, at, at, end)
        at = after_space(text, end)
        if text[at] == ",":
            at = after_space(text, at + 1)


def after_space(text: str, at: int) -> int:
    match = _space(text, at)
    return match.end() if match else at


def spliced(text: str, found: Mapping[str, Spot]) -> str | None:
    """An object of these members as they are in `text`, keys in their shortest form; None for no members."""
    if not found:
        return None
    parts = [
        text[key:end] if "\\" not in text[key:begin] else f"{quoted(name)}:{text[begin:end]}"
        for name, (_, key, begin, end) in found.items()
    ]
    return one_line("{" + ",".join(parts) + "}")


def written(values: Mapping[str, str]) -> str:
    """An object of members whose values are JSON text."""
    return "{" + ",".join(f"{quoted(name)}:{value}" for name, value in values.items()) + "}"


def one_line(text: str) -> str:
    """JSON has line breaks only between values; a record is one line."""
    return text.replace("\n", " ").replace("\r", " ") if "\n" in text or "\r" in text else text


def quoted(name: str) -> str:
    """A name in its shortest JSON form."""
    return json.dumps(clean(name), ensure_ascii=False)


def clean(text: str) -> str:
    """The text with U+FFFD for halves of surrogate pairs, which only an escape can bring and which are no characters."""
    return text if text.isascii() else _surrogates.sub("\N{REPLACEMENT CHARACTER}", text)


def depth(text: str) -> int:
    """How deep objects and arrays nest outside of strings (of which the last may have no end), without parsing."""
    level = deepest = 0
    for character in _strings.sub("", text):
        if character in "{[":
            level += 1
            deepest = max(deepest, level)
        elif character in "}]":
            level -= 1
    return deepest


def drop(text: str | None, names: Sequence[str]) -> str | None:
    """A JSON object without the members of these names; None when nothing is left."""
    if text is None:
        return None
    found, _ = members(text, 0)
    return spliced(text, {name: spot for name, spot in found.items() if name not in names})
