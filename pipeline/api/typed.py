"""Columns of texts that a program names with their types: `'status:int'`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pipeline.api.options import OptionError
from pipeline.columns.types import BOOL, DURATION, FLOAT, INT, STRING, TIME, Type

TYPES: Mapping[str, Type] = {
    "string": STRING,
    "int": INT,
    "float": FLOAT,
    "bool": BOOL,
    "time": TIME,
    "duration": DURATION,
}


def typed(written: str, option: str) -> tuple[str, Type]:
    """The name and the type of a column; a string where no type is written. Raises OptionError for that option."""
    matched = re.fullmatch(r"([^:@][^:]*)(?::(\w+))?", written)
    if matched is None:
        raise OptionError(f"{written!r} is no column", option, "such as status or 'status:int'; `@…` is metadata")
    name, kind = matched[1], matched[2] or "string"
    if kind not in TYPES:
        raise OptionError(f"{written!r}: there is no type {kind}", option, f"the types are {', '.join(TYPES)}")
    return name, TYPES[kind]
