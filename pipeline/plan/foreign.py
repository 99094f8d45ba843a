"""What names of other languages are called here: advice for those who write them. No name of the catalog is among them."""

from __future__ import annotations

import re
from collections.abc import Mapping

_SET = "write `set { name = value }`"
_WHERE = "write `where(condition)` for events that stay, `drop(condition)` for those that go"
_MEAN = "write `mean(x)`"
_DISTINCT = "write `distinct(x)`"
_CLOCK = "the same event gives the same result at any time; `@received` is when it was read"
_DEFAULT = "`??` gives a default: `x ?? y`"

FILTERS: Mapping[str, str] = {
    "filter": _WHERE,
    "select": "write `where(condition)` for events, `keep(field)` for fields",
    "unless": "write `drop(condition)`",
    "exclude": "write `drop(condition)`",
    "mutate": "write `set { name = value }`, `rename { new = old }` or `remove(field)`",
    "remap": _SET,
    "mapping": _SET,
    "eval": _SET,
    "add_field": _SET,
    "remove_field": "write `remove(field)`",
    "date": "write `set { @timestamp = time(field, format) }`",
    "aggregate": "write `window(1m) { name = count() by field }`",
    "reduce": "write `window(1m) { name = count() by field }`; lines are joined by `multiline`",
    "stats": "write `window(1m) { name = count() by field }`",
    "translate": "write `lookup('table.csv', on: field, columns: [name])`",
    "parse_json": "write `json()`",
    "limit": "write `throttle` for a rate, `sample` for a share",
    "useragent": "write `user_agent(field)`",
}

FUNCTIONS: Mapping[str, str] = {
    "coalesce": _DEFAULT,
    "ifnull": _DEFAULT,
    "nvl": _DEFAULT,
    "now": _CLOCK,
    "today": _CLOCK,
    "match": "write `text matches /regex/`",
    "regex_match": "write `text matches /regex/`",
    "exists": "write `x != null`",
    "is_null": "write `x == null`",
    "len": "write `length(x)`",
    "to_int": "write `int(x)`, or `int!(x)` to reject what is none",
    "to_float": "write `float(x)`, or `float!(x)` to reject what is none",
    "to_string": "write `string(x)`",
    "parse_timestamp": "write `time(text, format)`",
    "strptime": "write `time(text, format)`",
    "strftime": "write `format_time(t, format)`",
}

AGGREGATES: Mapping[str, str] = {
    "avg": _MEAN,
    "average": _MEAN,
    "median": "write `quantile(x, 0.5)`",
    "percentile": "write `quantile(x, 0.99)`",
    "cardinality": _DISTINCT,
    "count_distinct": _DISTINCT,
    "uniq": _DISTINCT,
    "unique": _DISTINCT,
    "terms": "write `top(10, x)`",
    "latest": "write `last(x)`",
    "earliest": "write `first(x)`",
}


def aggregate(name: str) -> str:
    """What an aggregate of another language is called here, `p99` and the like among them; empty for any other name."""
    share = re.fullmatch(r"p([0-9]{2,3})", name)
    return f"write `quantile(x, 0.{share[1]})`" if share else AGGREGATES.get(name, "")
