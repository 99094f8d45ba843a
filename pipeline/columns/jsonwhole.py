"""Texts that may be JSON: what is any JSON value as a whole, objects or not."""

from __future__ import annotations

import json

import polars as pl

from pipeline.columns.distinct import map_distinct
from pipeline.columns.jsonscan import one_line
from pipeline.columns.jsontext import DEPTH


def parsed(x: pl.Expr) -> pl.Expr:
    """Texts that are JSON, on one line and otherwise as they are written (String); null for what is none."""
    return map_distinct(x, checked, pl.String())


def checked(text: str) -> str | None:
    """JSON text on one line, as it is written; None for what is none, or nests deeper than DEPTH."""
    try:
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    if isinstance(value, (dict, list)) and _deep(value):
        return None
    return one_line(text.strip(" \t\r\n"))


def _refuse(name: str) -> object:
    raise ValueError(name)


def _deep(value: object) -> bool:
    """Whether it nests too deeply to be read again."""
    level = [value]
    for _ in range(DEPTH):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer if isinstance(outer, list) else ())
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return False
    return True
