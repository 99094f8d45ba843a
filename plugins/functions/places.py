"""Places on earth, as `geoip` finds them."""

from __future__ import annotations

import polars as pl

from pipeline import api

_RADIUS = 6371.0088
"""The mean radius of the earth in kilometres (IUGG)."""

_NUMBER = ("float", "int")


def _distance(latitude: pl.Expr, longitude: pl.Expr, latitude2: pl.Expr, longitude2: pl.Expr) -> pl.Expr:
    """By the haversine formula, which is exact on a sphere."""
    one, other = (
        (_radians(latitude, 90), _radians(longitude, 180)),
        (_radians(latitude2, 90), _radians(longitude2, 180)),
    )
    across, along = ((two - first) / 2 for first, two in zip(one, other, strict=True))
    share = across.sin().pow(2) + one[0].cos() * other[0].cos() * along.sin().pow(2)
    return share.clip(0.0, 1.0).sqrt().arcsin() * (2 * _RADIUS)


def _radians(degrees: pl.Expr, most: int) -> pl.Expr:
    exact = degrees.cast(pl.Float64)
    return pl.when(exact.is_between(-most, most)).then(exact).radians()


geo_distance = api.Function(
    name="geo_distance",
    doc="The kilometres between two places, along a great circle of a sphere: right to half a percent. Null for a latitude beyond 90 or a longitude "
    "beyond 180 degrees.",
    parameters=(
        api.Parameter("latitude", "The latitude of one place, in degrees.", _NUMBER),
        api.Parameter("longitude", "Its longitude.", _NUMBER),
        api.Parameter("latitude2", "The latitude of the other place.", _NUMBER),
        api.Parameter("longitude2", "Its longitude.", _NUMBER),
    ),
    returns=api.FLOAT,
    build=_distance,
    examples=(
        api.Example("round(geo_distance(52.52, 13.405, 48.8566, 2.3522))", 877.0),
        api.Example("geo_distance(91, 0, 0, 0)", None),
    ),
)
