"""Every plugin that is installed, by kind and name; a plugin is imported when a program first names it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

from pipeline.api import API, Aggregate, Codec, Filter, Function, Input, Options, Output, Window
from pipeline.errors import ConfigurationError

Kind = Literal["inputs", "filters", "outputs", "codecs", "aggregates", "functions"]

KINDS: tuple[Kind, ...] = ("inputs", "filters", "outputs", "codecs", "aggregates", "functions")


class Catalog:
    """Plugins by kind and name.

    `registry` holds plugin classes and Function objects themselves, or entry points that are loaded when asked for.
    Names that two distributions define are an error only where a program uses them."""

    def __init__(
        self, registry: Mapping[Kind, Mapping[str, object]], clashes: Mapping[tuple[Kind, str], str] | None = None
    ) -> None:
        self._registry = {kind: dict(registry.get(kind, {})) for kind in KINDS}
        self._clashes = dict(clashes or {})
        self._aggregates: dict[str, Aggregate] = {}

    @classmethod
    def installed(cls) -> Catalog:
        """What the entry points `pipeline.inputs`, `.filters`, `.outputs`, `.codecs`, `.aggregates` and `.functions` name."""
        points = entry_points()
        registry: dict[Kind, dict[str, object]] = {}
        clashes: dict[tuple[Kind, str], str] = {}
        for kind in KINDS:
            found, clashing = _collect(kind, points.select(group=f"pipeline.{kind}"))
            registry[kind] = found
            clashes |= clashing
        return cls(registry, clashes)

    @classmethod
    def of(cls, entries: Mapping[Kind, Mapping[str, str]]) -> Catalog:
        """Plugins given as `module:attribute`, as pyproject.toml writes them, without being installed."""
        return cls(
            {
                kind: {name: EntryPoint(name, value, f"pipeline.{kind}") for name, value in named.items()}
                for kind, named in entries.items()
            }
        )

    def names(self, kind: Kind) -> tuple[str, ...]:
        """Sorted names of a kind. Loads nothing."""
        return tuple(sorted(self._registry[kind]))

    def input(self, name: str) -> type[Input[Options]]:
        """An input's class. Raises KeyError for an unknown name, ConfigurationError when it cannot be used."""
        found = self._load("inputs", name)
        if not isinstance(found, type) or not issubclass(found, Input):
            raise _misplaced(name, "inputs", "an Input")
        return found

    def filter(self, name: str) -> type[Filter[Options] | Window[Options]]:
        """A filter's or window's class. Raises as `input`."""
        found = self._load("filters", name)
        if not isinstance(found, type) or not issubclass(found, (Filter, Window)):
            raise _misplaced(name, "filters", "a Filter or Window")
        return found

    def output(self, name: str) -> type[Output[Options]]:
        """An output's class. Raises as `input`."""
        found = self._load("outputs", name)
        if not isinstance(found, type) or not issubclass(found, Output):
            raise _misplaced(name, "outputs", "an Output")
        return found

    def codec(self, name: str) -> type[Codec[Any]]:
        """A codec's class. Raises as `input`."""
        found = self._load("codecs", name)
        if not isinstance(found, type) or not issubclass(found, Codec):
            raise _misplaced(name, "codecs", "a Codec")
        return found

    def aggregate(self, name: str) -> Aggregate:
        """An aggregate, made once. Raises as `input`."""
        if name not in self._aggregates:
            found = self._load("aggregates", name)
            made = found() if isinstance(found, type) and issubclass(found, Aggregate) else found
            if not isinstance(made, Aggregate):
                raise _misplaced(name, "aggregates", "an Aggregate")
            self._aggregates[name] = made
        return self._aggregates[name]

    def function(self, name: str) -> Function:
        """A function. Raises as `input`."""
        found = self._load("functions", name)
        if not isinstance(found, Function):
            raise _misplaced(name, "functions", "a Function")
        return found

    def _load(self, kind: Kind, name: str) -> object:
        if (kind, name) in self._clashes:
            raise ConfigurationError(
                f"`{name}` is defined by two distributions: {self._clashes[kind, name]}",
                help="uninstall one of them",
            )
        found = self._registry[kind][name]
        if isinstance(found, EntryPoint):
            found = _import(found, name)
            self._registry[kind][name] = found
        wrote = getattr(found, "api", API)
        if wrote != API:
            raise ConfigurationError(
                f"the plugin `{name}` is written for version {wrote} of the plugin API, this is version {API}",
                help="install versions that fit each other",
            )
        return found


def _misplaced(name: str, kind: Kind, what: str) -> ConfigurationError:
    return ConfigurationError(
        f"the plugin `{name}` is registered in pipeline.{kind} but is not {what}",
        help="this is a mistake of the plugin: tell its author",
    )


def _collect(kind: Kind, points: Iterable[EntryPoint]) -> tuple[dict[str, object], dict[tuple[Kind, str], str]]:
    found: dict[str, EntryPoint] = {}
    clashes: dict[tuple[Kind, str], str] = {}
    for point in points:
        other = found.setdefault(point.name, point)
        if other.value != point.value:
            clashes[kind, point.name] = " and ".join(sorted((_distribution(other), _distribution(point))))
    return dict(found), clashes


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.module


def _import(point: EntryPoint, name: str) -> object:
    """Import a plugin. A missing third-party module becomes advice on what to install."""
    try:
        loaded: object = point.load()
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing in ("", "pipeline", "pipeline_plugins"):
            raise ConfigurationError(f"the plugin `{name}` is broken: {error}") from error
        distribution = point.dist.name if point.dist is not None else "pipe-engine"
        raise ConfigurationError(
            f"`{name}` needs the Python package `{missing}`, which is not installed",
            help=f"pip install '{distribution}[{point.extras[0] if point.extras else name}]'",
        ) from error
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(f"the plugin `{name}` is broken: {error}") from error
    return loaded
