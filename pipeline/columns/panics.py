"""What a defect in the code of a plugin looks like: an Exception, or a panic in Rust.

Each library that is made with PyO3 has an exception of its own for panics, and none of them is an Exception."""

from __future__ import annotations

import polars as pl

from pipeline.columns.native import kernels

PANICS: tuple[type[BaseException], ...] = (
    pl.exceptions.PanicException,
    *(() if kernels is None else (kernels.PanicException,)),
)

DEFECTS: tuple[type[BaseException], ...] = (Exception, *PANICS)
