"""Expressions, one row at a time, in plain Python: what the compiled ones must agree with.

`interpret` yields the static type and the value of an expression. Times and durations are integers of microseconds.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from pipeline.columns.types import BOOL, DURATION, FLOAT, INT, NULL, STRING, TIME, Type, list_of
from pipeline.lang import ast

Row = Mapping[str, object]
Types = Mapping[str, Type]

_EXACT = {
    ("time", "-", "time"): DURATION,
    ("time", "-", "duration"): TIME,
    ("time", "+", "duration"): TIME,
    ("duration", "+", "time"): TIME,
    ("duration", "+", "duration"): DURATION,
    ("duration", "-", "duration"): DURATION,
    ("duration", "%", "duration"): DURATION,
    ("duration", "*", "int"): DURATION,
    ("int", "*", "duration"): DURATION,
    ("int", "+", "int"): INT,
    ("int", "-", "int"): INT,
    ("int", "*", "int"): INT,
    ("int", "%", "int"): INT,
}


def interpret(node: ast.Expression, row: Row, types: Types) -> tuple[Type, object]:
    match node:
        case ast.Integer() | ast.Size():
            return INT, node.value
        case ast.Float():
            return FLOAT, node.value
        case ast.Duration():
            return DURATION, node.value
        case ast.Boolean():
            return BOOL, node.value
        case ast.Null():
            return NULL, None
        case ast.String():
            return STRING, node.value
        case ast.Template():
            return STRING, _template(node, row, types)
        case ast.Path():
            return _path(node, row, types)
        case ast.ListOf():
            return _list(node, row, types)
        case ast.Unary():
            kind, value = interpret(node.operand, row, types)
            if node.operator == "not":
                return BOOL, not value
            kind = INT if kind == NULL else kind
            return kind, None if value is None else -value if kind == FLOAT else _int64(-value)
        case ast.Conditional():
            test = interpret(node.condition, row, types)[1]
            then, other = interpret(node.then, row, types), interpret(node.otherwise, row, types)
            kind = _joined(then[0], other[0])
            return kind, _cast(then if test else other, kind)
        case ast.Index():
            return _index(node, row, types)
        case ast.Binary():
            return _binary(node, row, types)
    raise AssertionError(node)


def _binary(node: ast.Binary, row: Row, types: Types) -> tuple[Type, object]:
    left = interpret(node.left, row, types)
    match node.operator:
        case "in":
            return BOOL, _inside(left, node.right, row, types)
        case "not in":
            return BOOL, not _inside(left, node.right, row, types)
        case "matches":
            return BOOL, left[1] is not None and re.search(node.right.pattern, left[1]) is not None
    right = interpret(node.right, row, types)
    match node.operator:
        case "and":
            return BOOL, bool(left[1]) and bool(right[1])
        case "or":
            return BOOL, bool(left[1]) or bool(right[1])
        case "??":
            kind = _joined(left[0], right[0])
            return kind, _cast(left if left[1] is not None else right, kind)
        case "==":
            return BOOL, _equal(left, right, missing=True)
        case "!=":
            return BOOL, not _equal(left, right, missing=True)
        case "<" | "<=" | ">" | ">=":
            return BOOL, _ordered(node.operator, left, right)
        case "contains":
            if left[0].kind == "list":
                return BOOL, left[1] is not None and any(_equal((left[0].item, item), right) for item in left[1])
            return BOOL, left[1] is not None and right[1] is not None and right[1] in left[1]
    return _arithmetic(node.operator, left, right)


def _arithmetic(operator: str, left: tuple[Type, object], right: tuple[Type, object]) -> tuple[Type, object]:
    kinds = (left[0].kind, right[0].kind)
    a, b = left[1], right[1]
    if kinds == ("string", "string"):
        return STRING, None if a is None or b is None else a + b
    exact = _EXACT.get((kinds[0], operator, kinds[1]))
    if exact is not None:
        if a is None or b is None or (operator == "%" and b == 0):
            return exact, None
        return exact, _int64({"+": a + b, "-": a - b, "*": a * b, "%": a % b if b else 0}[operator])
    if kinds == ("duration", "duration"):
        return FLOAT, _float("/", a, b)
    if "duration" in kinds:
        number = _float(operator, a, b)
        return DURATION, None if number is None else _int64(round(number))
    return FLOAT, _float(operator, a, b)


def _float(operator: str, a: object, b: object) -> float | None:
    if a is None or b is None:
        return None
    a, b = float(a), float(b)
    if operator in "/%" and b == 0:
        return None
    try:
        if operator == "%":
            found = a % b
        else:
            found = {"+": lambda: a + b, "-": lambda: a - b, "*": lambda: a * b, "/": lambda: a / b}[operator]()
    except (OverflowError, ValueError):
        return None
    return found if math.isfinite(found) else None


def _key(value: object) -> tuple[int, object]:
    """Floats are ordered with NaN last and equal to itself."""
    return (1, 0) if isinstance(value, float) and math.isnan(value) else (0, value)


def _equal(left: tuple[Type, object], right: tuple[Type, object], *, missing: bool = False) -> bool:
    if left[1] is None or right[1] is None:
        return missing and left[1] is None and right[1] is None
    kind = _joined(left[0], right[0])
    return _key(_cast(left, kind)) == _key(_cast(right, kind))


def _ordered(operator: str, left: tuple[Type, object], right: tuple[Type, object]) -> bool:
    if left[1] is None or right[1] is None:
        return False
    kind = _joined(left[0], right[0])
    a, b = _key(_cast(left, kind)), _key(_cast(right, kind))
    return {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[operator]


def _inside(left: tuple[Type, object], node: ast.Expression, row: Row, types: Types) -> bool:
    if isinstance(node, ast.Range):
        low, high = interpret(node.low, row, types), interpret(node.high, row, types)
        kind = _joined(_joined(left[0], low[0]), high[0])
        ends = [(kind, _cast(side, kind)) for side in (left, low, high)]
        return _ordered(">=", ends[0], ends[1]) and _ordered("<=", ends[0], ends[2])
    if isinstance(node, ast.ListOf):
        items = [interpret(item, row, types) for item in node.items]
        kind = left[0]
        for item in items:
            kind = _joined(kind, item[0])
        value = (kind, _cast(left, kind))
        return any(_equal(value, (kind, _cast(item, kind))) for item in items)
    kind, values = interpret(node, row, types)
    return values is not None and any(_equal(left, (kind.item, item)) for item in values)


def _template(node: ast.Template, row: Row, types: Types) -> str | None:
    texts = []
    for part in node.parts:
        if isinstance(part, str):
            texts.append(part)
            continue
        kind, value = _path(part.path, row, types)
        if value is None:
            return None
        texts.append({True: "true", False: "false"}[value] if kind == BOOL else str(value))
    return "".join(texts)


def _path(node: ast.Path, row: Row, types: Types) -> tuple[Type, object]:
    kind, value = types[node.parts[0].text], row[node.parts[0].text]
    for part in node.parts[1:]:
        kind = kind.field(part.text)
        value = None if value is None else value[part.text]
    return kind, value


def _list(node: ast.ListOf, row: Row, types: Types) -> tuple[Type, object]:
    items = [interpret(item, row, types) for item in node.items]
    kind = NULL
    for item in items:
        kind = _joined(kind, item[0])
    return list_of(kind), [_cast(item, kind) for item in items]


def _index(node: ast.Index, row: Row, types: Types) -> tuple[Type, object]:
    kind, values = interpret(node.value, row, types)
    _, index = interpret(node.index, row, types)
    if values is None or index is None or not -len(values) <= index < len(values):
        return kind.item, None
    return kind.item, values[index]


def _joined(one: Type, other: Type) -> Type:
    if one == other or other == NULL:
        return one
    if one == NULL:
        return other
    if one.kind == "list":
        return list_of(_joined(one.item, other.item))
    assert {one, other} == {INT, FLOAT}
    return FLOAT


def _cast(typed: tuple[Type, object], kind: Type) -> object:
    value = typed[1]
    if value is None:
        return None
    if kind == FLOAT:
        return float(value)
    return [_cast((typed[0].item, item), kind.item) for item in value] if kind.kind == "list" else value


def _int64(value: int) -> int | None:
    return value if -(2**63) <= value < 2**63 else None
