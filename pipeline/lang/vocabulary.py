"""Words, operators and the patterns that find them in a text."""

from __future__ import annotations

import re

CLAUSES = {"and": "AND", "or": "OR", "then": "THEN", "else": "ELSE", "by": "BY", "where": "WHERE"}
CLAUSES |= {"in": "COMPARE", "matches": "COMPARE", "contains": "COMPARE", "not": "NOT"}
VALUES = {"not": "NOT", "if": "IF", "true": "LITERAL", "false": "LITERAL", "null": "LITERAL"}
OPERATORS = {
    "->": "ARROW", "..": "RANGE", "==": "COMPARE", "!=": "COMPARE", "<=": "COMPARE", ">=": "COMPARE", "<": "COMPARE",
    ">": "COMPARE", "??": "COALESCE", "+": "PLUS", "-": "MINUS", "*": "TIMES", "/": "TIMES", "%": "TIMES", "=": "DEFINE",
    ":": "COLON", ",": "COMMA", ".": "DOT", "|": "BAR", "(": "LPAR", ")": "RPAR", "[": "LSQB", "]": "RSQB",
    "{": "LBRACE", "}": "RBRACE",
}  # fmt: skip
FOREIGN = {
    "&&": "and", "||": "or", "===": "==", "!==": "!=", "<>": "!=", "=~": "matches", "→": "->", "≤": "<=", "≥": ">=", "≠": "!=",
}  # fmt: skip
ADVICE = {
    ";": "statements need no `;` between them",
    "?": "write `if … then … else …`, or `a ?? b` for a value in place of null",
    "$": "fields and constants are written without `$`; env('NAME') reads the environment",
    "&": "write `and`",
    "@": "metadata is written in one word: `@timestamp`",
    "\\": "a program needs no `\\` at the end of a line",
}

HARMLESS = ";$"
"""Characters without which the program means what was meant."""

SKIP = r"(?:\s|\#[^\n]*+)*+"
DEFINED = re.compile(SKIP + r"=(?![=~>])")
NAMED = re.compile(SKIP + r"(?:=(?![=~>])|:|\.(?!\.))")
CALLED = re.compile(SKIP + r"\(")
THEN_IN = re.compile(r"\s+in\b")
DEFINING = re.compile(SKIP + r"(?:[A-Za-z_]\w*+|`[^`\n]*+`)" + SKIP + r"=(?![=~>])")
THEN_TEXT = re.compile(SKIP + r"['\"]")
TYPOGRAPHIC = re.compile(r"[“”„]([^“”„\n]*+)[“”]|[‘’‚]([^‘’‚\n]*+)[‘’]")
TOKEN = re.compile(
    r"""
      (?P<space>    [\s\ufeff]++)
    | (?P<comment>  \#[^\n]*+)
    | (?P<clock>    \d{1,2}:\d\d(?::\d\d(?:\.\d++)?+)?+(?![\w:]))
    | (?P<number>   \d\w*+(?:\.\d\w*+)*+)
    | (?P<word>     [^\W\d]\w*+)
    | (?P<meta>     @[^\W\d]\w*+)
    | (?P<quoted>   `[^`\n]*+(?P<quoted_end>`)?+)
    | (?P<raw>      '(?:[^'\n]|'')*+(?P<raw_end>')?+)
    | (?P<template> "(?:\\[^\n]|[^"\\\n])*+(?:\\|(?P<template_end>"))?+)
    | (?P<slashes>  //[^\n]*+ | /\*(?:[^*]|\*(?!/))*+(?:\*/)?+)
    | (?P<foreign>  && | \|\| | !== | ===+ | <> | =~ | => | [→≤≥≠])
    | (?P<operator> -> | \.\. | [=!<>]= | \?\? | [-+*/%=:,.|()\[\]{}<>])
    | (?P<bang>     !)
    | (?P<quotes>   [“”„‘’‚])
    | (?P<wrong>    [^\w\s'"`\#@“”„‘’‚=<>!&|?:,.()\[\]{}*/%+\-→≤≥≠]++ | .)
    """,
    re.VERBOSE | re.DOTALL,
)
REGEX = re.compile(r"/(?:\\[^\n]|[^/\\\n])*+(/[A-Za-z]*+)?+")
