"""The plugins of this repository as a catalog, found by looking, so that nothing needs to be installed."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator

import pipeline_plugins

from pipeline.api import Aggregate, Codec, Filter, Fold, Function, Input, Output, Window
from pipeline.plan.catalog import Catalog

_KINDS = {
    "inputs": (Input,),
    "filters": (Filter, Fold, Window),
    "outputs": (Output,),
    "codecs": (Codec,),
    "aggregates": (Aggregate,),
}


def _members(kind: str) -> Iterator[object]:
    folder = importlib.import_module(f"pipeline_plugins.{kind}")
    for module in pkgutil.iter_modules(folder.__path__):
        yield from vars(importlib.import_module(f"{folder.__name__}.{module.name}")).values()


def house() -> Catalog:
    registry: dict[str, dict[str, object]] = {}
    for kind, classes in _KINDS.items():
        registry[kind] = {
            found.name: found
            for found in _members(kind)
            if isinstance(found, type) and issubclass(found, classes) and not inspect.isabstract(found)
        }
    registry["functions"] = {found.name: found for found in _members("functions") if isinstance(found, Function)}
    return Catalog(registry)  # type: ignore[arg-type]


__all__ = ["house", "pipeline_plugins"]
