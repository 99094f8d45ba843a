"""Lists: their elements in another order, fewer of them, and what they come to. Null is an element like others unless said."""

from __future__ import annotations

import polars as pl

from pipeline import api
from pipeline.api import numbers

Types = tuple[api.Type | None, ...]

_LIST = api.Parameter("x", "The list.", ("list",))
_ORDERED = ("string", "int", "float", "bool", "time", "duration")
_SORTED = api.Parameter("x", "The list.", ("list",), items=_ORDERED)
_COMPARED = api.Parameter("x", "The list.", ("list",), items=("json", *_ORDERED))
_NUMBERS = api.Parameter("x", "The list.", ("list",), items=("int", "float"))


def _same(types: Types) -> api.Type:
    return types[0] or api.list_of(api.NULL)


def _item(types: Types) -> api.Type:
    return (types[0] and types[0].item) or api.NULL


def _inner(types: Types) -> api.Type:
    item = _item(types)
    if item.kind not in ("list", "null"):
        raise TypeError(f"it flattens a list of lists, not a list of {item}")
    return item if item.kind == "list" else api.list_of(item)


def _joined(types: Types) -> api.Type:
    """The type of lists put together: elements of one type, or floats for integers and floats."""
    items = {kind.item for kind in types if kind is not None and kind.item not in (None, api.NULL)}
    if items == {api.INT, api.FLOAT}:
        return api.list_of(api.FLOAT)
    if len(items) > 1:
        raise TypeError(f"its lists have elements of one type, not {' and '.join(sorted(str(item) for item in items))}")
    return api.list_of(items.pop() or api.NULL) if items else api.list_of(api.NULL)


def _number(types: Types) -> api.Type:
    item = _item(types)
    return item if item.kind in ("int", "float") else api.FLOAT


def _cast(x: pl.Expr, types: Types) -> pl.Expr:
    return x.cast(pl.List(api.dtype(_number(types))))


def _sort(x: pl.Expr, descending: bool) -> pl.Expr:
    return x.list.sort(descending=descending, nulls_last=True)


def _unique(x: pl.Expr) -> pl.Expr:
    return x.list.unique(maintain_order=True)


def _compact(x: pl.Expr) -> pl.Expr:
    return x.list.drop_nulls()


def _slice(x: pl.Expr, start: pl.Expr, length: pl.Expr | None) -> pl.Expr:
    size = x.list.len().cast(pl.Int64)
    first = pl.when(start < 0).then((size + start).clip(lower_bound=0)).otherwise(start.clip(upper_bound=size))
    if length is None:
        return pl.when(start.is_not_null()).then(x.list.slice(first))
    return pl.when(start.is_not_null() & (length >= 0)).then(x.list.slice(first, length.clip(0, size)))


def _append(*lists: pl.Expr, types: Types) -> pl.Expr:
    wanted = api.dtype(_joined(types))
    present = pl.all_horizontal(items.is_not_null() for items in lists)
    return pl.when(present).then(pl.concat_list([items.cast(wanted) for items in lists]))


def _flatten(x: pl.Expr, *, types: Types) -> pl.Expr:
    if _item(types).kind != "list":
        return x.cast(api.dtype(_inner(types)))
    inside = x.list.eval(pl.element().explode(empty_as_null=False, keep_nulls=False))
    return pl.when(x.is_not_null()).then(inside)


def _sum(x: pl.Expr, *, types: Types) -> pl.Expr:
    if _number(types) == api.FLOAT:
        return numbers.finite(_cast(x, types).list.sum())
    return x.cast(pl.List(pl.Int128)).list.sum().cast(pl.Int64, strict=False)


def _min(x: pl.Expr, *, types: Types) -> pl.Expr:
    return _cast(x, types).list.min()


def _max(x: pl.Expr, *, types: Types) -> pl.Expr:
    return _cast(x, types).list.max()


def _mean(x: pl.Expr) -> pl.Expr:
    return numbers.finite(x.cast(pl.List(pl.Float64)).list.mean())


sort = api.Function(
    name="sort",
    doc="The elements in order, nulls at the end. Texts go by code points; elements of a JSON list are taken as texts.",
    parameters=(
        _SORTED,
        api.Parameter(
            "descending", "Whether the largest comes first.", ("bool",), constant=True, default=False, required=False
        ),
    ),
    returns=_same,
    build=_sort,
    examples=(
        api.Example("sort([3, 1, 2])", [1, 2, 3]),
        api.Example("sort(['b', 'C', 'a'], descending: true)", ["b", "a", "C"]),
    ),
)

unique = api.Function(
    name="unique",
    doc="The elements without those that were there before.",
    parameters=(_COMPARED,),
    returns=_same,
    build=_unique,
    examples=(api.Example("unique(['b', 'a', 'b'])", ["b", "a"]),),
)

compact = api.Function(
    name="compact",
    doc="The elements that are not null.",
    parameters=(_LIST,),
    returns=_same,
    build=_compact,
    examples=(api.Example("compact(['a', null, 'b'])", ["a", "b"]),),
)

slice_ = api.Function(
    name="slice",
    doc="Some elements, from a position (0 is the first; negative ones count from the end) to the end or at most `length` of them. `substring` is "
    "for texts.",
    parameters=(
        _LIST,
        api.Parameter("start", "Where it begins.", ("int",)),
        api.Parameter("length", "How many elements there are at most.", ("int",), required=False),
    ),
    returns=_same,
    build=_slice,
    examples=(
        api.Example("slice([1, 2, 3, 4], 1, 2)", [2, 3]),
        api.Example("slice([1, 2, 3, 4], -2)", [3, 4]),
        api.Example("slice([1, 2], 5)", []),
    ),
)

append = api.Function(
    name="append",
    doc="The elements of several lists in one list; null when one of them is. A single element is appended as `[x]`; elements of a JSON "
    "list are taken as texts.",
    parameters=(_SORTED, api.Parameter("more", "More lists.", ("list",), items=_ORDERED)),
    returns=_joined,
    build=_append,
    examples=(
        api.Example("append([1, 2], [3])", [1, 2, 3]),
        api.Example("append(['a'], ['b'], ['c'])", ["a", "b", "c"]),
    ),
    variadic=True,
    typed=True,
)

flatten = api.Function(
    name="flatten",
    doc="The elements of the lists of a list, in one list. Lists that are null are left out.",
    parameters=(_LIST,),
    returns=_inner,
    build=_flatten,
    examples=(api.Example("flatten([split('a b', ' '), ['c']])", ["a", "b", "c"]),),
    typed=True,
)

list_sum = api.Function(
    name="list_sum",
    doc="The sum of the numbers of a list; 0 of none. Nulls are skipped, and an integer that does not fit 64 bits is null.",
    parameters=(_NUMBERS,),
    returns=_number,
    build=_sum,
    examples=(api.Example("list_sum([1, 2, 3])", 6), api.Example("list_sum([0.5, null, 1.0])", 1.5)),
    typed=True,
)

list_min = api.Function(
    name="list_min",
    doc="The smallest number of a list; null of none. `least` compares fields.",
    parameters=(_NUMBERS,),
    returns=_number,
    build=_min,
    examples=(api.Example("list_min([3, 1, null])", 1),),
    typed=True,
)

list_max = api.Function(
    name="list_max",
    doc="The largest number of a list; null of none. `greatest` compares fields.",
    parameters=(_NUMBERS,),
    returns=_number,
    build=_max,
    examples=(api.Example("list_max([3.0, 1.5, null])", 3.0),),
    typed=True,
)

list_mean = api.Function(
    name="list_mean",
    doc="The mean of the numbers of a list; null of none. Nulls are skipped.",
    parameters=(_NUMBERS,),
    returns=api.FLOAT,
    build=_mean,
    examples=(api.Example("list_mean([1, 2])", 1.5),),
)
