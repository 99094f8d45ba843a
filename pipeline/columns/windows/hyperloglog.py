"""How many different values, in bounded memory: HyperLogLog as rows.

A state is a set of rows: a `value`, or, in a group that had more than `limit` values, a `register` (number · 64 + rank). Adding
states is the union of the sets, so their order cannot matter; and a group is turned into registers when its values
exceed the limit, whichever merge it is that sees that, so the outcome is a function of the set of values alone.

The hash is made as wyhash is (Wang Yi, 2019), of products whose halves are folded, with constants, so it is the same on every
machine: its first 14 bits choose one of 16,384 registers, the rank is the position of the first one in the others. The estimate is Ertl's ("New cardinality estimation algorithms for
HyperLogLog sketches", 2017, algorithm 6), which needs no tables of corrections; its relative standard error is 0.81 %."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable

import polars as pl

from pipeline.columns.native import kernels
from pipeline.columns.windows.reductions import GROUPS

BITS = 14
SIZE = 1 << BITS
_TAIL = 64 - BITS

REGISTER = pl.Int32()

ERROR = 3 * math.sqrt(3 * math.log(2) - 1) / math.sqrt(SIZE)
"""Three standard errors of an estimate, relatively."""


def shrunk(state: pl.DataFrame, group: list[str], limit: int) -> pl.DataFrame:
    """Groups of more than `limit` values as registers. A null value stays, it keeps its group there."""
    kind = state.schema["value"]
    untouched = state.get_column("register").null_count() == state.height
    if (untouched and state.height <= limit) or not hashable(kind):
        return state
    columns = [*group, "value", "register"]
    if kernels is not None and state.columns == columns and all(state.schema[name] in GROUPS for name in columns):
        made = kernels.window_shrunk(state.rechunk(), limit)
        return state if made is None else pl.DataFrame(made)
    many = (pl.col("value").count() > limit) | (pl.col("register").count() > 0)
    flagged = state.with_columns((many.over(group) if group else many).alias("many"))
    turned = flagged.filter(pl.col("many") & pl.col("value").is_not_null())
    codes = pl.Series("register", [_code(value) for value in _bytes(turned.get_column("value"))], dtype=REGISTER)
    registers = pl.concat(
        [
            turned.select(*group, codes),
            flagged.filter(pl.col("register").is_not_null()).select(*group, "register"),
        ]
    )
    number = pl.col("register") // 64
    best = registers.group_by([*group, number.alias("number")]).agg(pl.col("register").max()).drop("number")
    rest = flagged.filter(pl.col("register").is_null() & ~(pl.col("many") & pl.col("value").is_not_null()))
    made = best.with_columns(pl.lit(None, dtype=kind).alias("value"))
    return pl.concat([rest.select(state.columns), made.select(state.columns)], rechunk=True)


def counted(values: int, registers: Iterable[int]) -> int:
    """The number of different values of a group: `values` that are kept as they are, or the estimate of its registers."""
    ranks: dict[int, int] = {}
    for code in registers:
        ranks[code // 64] = max(ranks.get(code // 64, 0), code % 64)
    return round(_estimate(ranks.values())) if ranks else values


def hashable(kind: pl.DataType) -> bool:
    """Whether values of this dtype have a hash; lists and records are counted exactly."""
    return kind.is_integer() or kind.is_float() or kind.is_temporal() or kind in (pl.String, pl.Boolean)


def _bytes(values: pl.Series) -> Iterable[bytes]:
    if values.dtype == pl.String:
        return (text.encode() for text in values.to_list())
    if values.dtype.is_float():
        return (struct.pack("<d", math.nan if value != value else value + 0.0) for value in values.to_list())
    return (struct.pack("<q", number) for number in values.to_physical().cast(pl.Int64).to_list())


def _code(value: bytes) -> int:
    word = _hash(value)
    tail = word & ((1 << _TAIL) - 1)
    return (word >> _TAIL) * 64 + _TAIL - tail.bit_length() + 1


_SECRETS = (0xA0761D6478BD642F, 0xE7037ED1A0B428DB, 0x8EBC6AF09C88C6E3, 0x589965CC75374CC3)


def _hash(value: bytes) -> int:
    """Of blocks of 16 bytes, the last one (or the only one, of nothing) filled up with zeros."""
    state = _folded(len(value) ^ _SECRETS[0], _SECRETS[1])
    for at in range(0, len(value) or 1, 16):
        one = int.from_bytes(value[at : at + 8], "little")
        two = int.from_bytes(value[at + 8 : at + 16], "little")
        state = _folded(one ^ state, two ^ _SECRETS[2])
    return _folded(state ^ _SECRETS[3], _SECRETS[0])


def _folded(one: int, two: int) -> int:
    product = one * two
    return product >> 64 ^ product & 0xFFFFFFFFFFFFFFFF


def _estimate(ranks: Iterable[int]) -> float:
    """`ranks` of the registers that are not 0."""
    highest = _TAIL + 1
    counts = [0] * (highest + 1)
    for rank in ranks:
        counts[rank] += 1
    counts[0] = SIZE - sum(counts)
    z = SIZE * _tau(1 - counts[highest] / SIZE)
    for rank in range(highest - 1, 0, -1):
        z = 0.5 * (z + counts[rank])
    z += SIZE * _sigma(counts[0] / SIZE)
    return SIZE * SIZE / (2 * math.log(2) * z)


def _sigma(x: float) -> float:
    if x == 1:
        return math.inf
    y, z, before = 1.0, x, -1.0
    while z != before:
        x, before = x * x, z
        z += x * y
        y += y
    return z


def _tau(x: float) -> float:
    if x in (0, 1):
        return 0.0
    y, z, before = 1.0, 1 - x, -1.0
    while z != before:
        x, before = math.sqrt(x), z
        y *= 0.5
        z -= (1 - x) ** 2 * y
    return z / 3
