"""The language: text to tree, and everything that can be wrong with the text. It knows no plugin.

Names are loaded when first used, so that diagnostics and trees come without the parser.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.lang.codes import CODES, Code
    from pipeline.lang.diagnostics import Diagnostic, Label, suggestion
    from pipeline.lang.format import format_program
    from pipeline.lang.include import resolve
    from pipeline.lang.parse import Parsed, parse_expression, parse_program, parse_query
    from pipeline.lang.rendering import render
    from pipeline.lang.spans import Source, Span

__all__ = [
    "CODES",
    "Code",
    "Diagnostic",
    "Label",
    "Parsed",
    "Source",
    "Span",
    "format_program",
    "parse_expression",
    "parse_program",
    "parse_query",
    "render",
    "resolve",
    "suggestion",
]

_HOMES = {
    "codes": ("CODES", "Code"),
    "diagnostics": ("Diagnostic", "Label", "suggestion"),
    "format": ("format_program",),
    "include": ("resolve",),
    "parse": ("Parsed", "parse_expression", "parse_program", "parse_query"),
    "rendering": ("render",),
    "spans": ("Source", "Span"),
}


def __getattr__(name: str) -> object:
    for home, names in _HOMES.items():
        if name in names:
            value: object = getattr(import_module(f"pipeline.lang.{home}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
