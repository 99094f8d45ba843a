"""Environment variables. The loader of programs reads them; this entry is their documentation."""

from __future__ import annotations

import polars as pl

from pipeline import api


def _default(_name: str, default: str | None) -> pl.Expr:
    """What the function is where no environment is known, as when its example is run."""
    return pl.lit(default, dtype=pl.String())


env = api.Function(
    name="env",
    doc="The value of an environment variable, read once when the program is loaded. Without a default it must be set.",
    parameters=(
        api.Parameter("name", "The variable's name.", ("string",), constant=True),
        api.Parameter(
            "default",
            "What it is when the variable is not set; with `null` an option is as if it were left out.",
            ("string",),
            constant=True,
            required=False,
        ),
    ),
    returns=api.STRING,
    build=_default,
    examples=(api.Example("env('PIPE_EXAMPLE_NOT_SET', '10s')", "10s"),),
)
