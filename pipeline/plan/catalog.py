"""Every plugin that is installed, by kind and name; a plugin is imported when a program first names it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

from pipeline.api import API, SUPPORTED, Aggregate, Codec, Filter, Fold, Function, Input, Options, Output, Window
from pipeline.errors import ConfigurationError

Kind = Literal["inputs", "filters", "outputs", "codecs", "aggregates", "functions"]

KINDS: tuple[Kind, ...] = ("inputs", "filters", "outputs", "codecs", "aggregates", "functions")

GROUPS: Mapping[Kind, tuple[str, ...]] = {"filters": ("filters", "resolvers")}
"""Groups of entry points whose names are of a kind, where it is not one of the same name."""

Place = tuple[Kind, str]

HOUSE = "pipe-engine"
"""The distribution that this is a part of."""


class Catalog:
    """Plugins by kind and name.

    `registry` holds plugin classes and Function objects themselves, or entry points that are loaded when asked for.
    Names that two distributions define are an error only where a program uses them."""

    def __init__(
        self,
        registry: Mapping[Kind, Mapping[str, object]],
        clashes: Mapping[Place, str] | None = None,
        refused: Mapping[Place, str] | None = None,
    ) -> None:
        """`clashes`: the distributions that define one name. `refused`: the distribution of a plugin that is not allowed."""
        self._registry = {kind: dict(registry.get(kind, {})) for kind in KINDS}
        self._clashes = dict(clashes or {})
        self._refused = dict(refused or {})
        self._aggregates: dict[str, Aggregate] = {}
        self._origins: dict[Place, EntryPoint] = {}

    @classmethod
    def installed(cls, allowed: Collection[str] | None = None) -> Catalog:
        """What the entry points `pipeline.inputs`, `.filters`, `.resolvers`, `.outputs`, `.codecs`, `.aggregates` and `.functions`
        name. Resolvers are filters to a program: they share their names.

        `allowed`: names of distributions whose plugins programs may use besides those of the house; None for all."""
        points = entry_points()
        known = None if allowed is None else {HOUSE, *(_canonical(name) for name in allowed)}
        registry: dict[Kind, dict[str, object]] = {}
        clashes: dict[Place, str] = {}
        refused: dict[Place, str] = {}
        for kind in KINDS:
            every = [point for group in GROUPS.get(kind, (kind,)) for point in points.select(group=f"pipeline.{group}")]
            free = [point for point in every if known is None or _canonical(_distribution(point)) in known]
            registry[kind], clashing = _collect(kind, free)
            clashes |= clashing
            for point in every:
                if point.name not in registry[kind]:
                    refused[kind, point.name] = _distribution(point)
        return cls(registry, clashes, refused)

    @classmethod
    def of(cls, entries: Mapping[Kind, Mapping[str, str]]) -> Catalog:
        """Plugins given as `module:attribute`, as pyproject.toml writes them, without being installed."""
        return cls(
            {
                kind: {name: EntryPoint(name, value, f"pipeline.{kind}") for name, value in named.items()}
                for kind, named in entries.items()
            }
        )

    def also(self, kind: Kind, name: str, plugin: object) -> Catalog:
        """The same with one more plugin, in place of one of that name."""
        registry = {each: dict(known) for each, known in self._registry.items()}
        registry[kind][name] = plugin
        clashes = {place: told for place, told in self._clashes.items() if place != (kind, name)}
        return Catalog(
            registry, clashes, {place: told for place, told in self._refused.items() if place != (kind, name)}
        )

    def names(self, kind: Kind) -> tuple[str, ...]:
        """Sorted names of a kind, also of those that are not allowed. Loads nothing."""
        refused = (name for place, name in self._refused if place == kind)
        return tuple(sorted({*self._registry[kind], *refused}))

    def input(self, name: str) -> type[Input[Options]]:
        """An input's class. Raises KeyError for an unknown name, ConfigurationError when it cannot be used."""
        found = self._load("inputs", name)
        if not isinstance(found, type) or not issubclass(found, Input):
            raise _misplaced(name, "inputs", "an Input")
        return found

    def filter(self, name: str) -> type[Filter[Options] | Fold[Options, Any] | Window[Options]]:
        """The class of a filter, fold or window. Raises as `input`."""
        found = self._load("filters", name)
        if not isinstance(found, type) or not issubclass(found, (Filter, Fold, Window)):
            raise _misplaced(name, "filters", "a Filter, Fold or Window")
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
        place = kind, name
        if place in self._refused:
            raise ConfigurationError(
                f"the plugin `{name}` is of the distribution {self._refused[place]}, which is not allowed here",
                help=f"add {self._refused[place]} to PIPE_PLUGINS, or take it out of the program",
            )
        if place in self._clashes:
            raise ConfigurationError(
                f"`{name}` is defined by two distributions: {self._clashes[place]}",
                help="uninstall one of them, or allow only one: PIPE_PLUGINS=NAME,…",
            )
        found = self._registry[kind][name]
        if isinstance(found, EntryPoint):
            self._origins[place] = found
            found = _import(found, name)
            self._registry[kind][name] = found
        point = self._origins.get(place)
        _check_api(name, found, point)
        if point is not None and kind != "functions":
            _check_name(kind, found, point)
        return found


def _check_api(name: str, found: object, point: EntryPoint | None) -> None:
    """Raises ConfigurationError for a plugin of another contract, and for one of another distribution that does not say."""
    wrote = getattr(found, "api", None)
    if wrote is None and point is not None and point.dist is not None and _canonical(point.dist.name) != HOUSE:
        raise ConfigurationError(
            f"the plugin `{name}` of {point.dist.name} {point.dist.version} does not say which contract it was written for",
            help=f"its author writes: class X(Filter[Options], api={API}), or api.Function(…, api={API})",
        )
    if wrote is not None and wrote not in SUPPORTED:
        raise _of_another_api(name, wrote, point)


def _check_name(kind: Kind, found: object, point: EntryPoint) -> None:
    """Raises ConfigurationError where programs know a plugin by another name than its own docs and errors. A function may have
    several names."""
    own = getattr(found, "name", point.name)
    if own != point.name:
        raise ConfigurationError(
            f"the plugin `{point.name}` of {_distribution(point)} calls itself `{own}`",
            help=f"its author gives one name to the entry point in pipeline.{kind} and to `name` of {point.value}",
        )


def _of_another_api(name: str, wrote: object, point: EntryPoint | None) -> ConfigurationError:
    origin = "" if point is None or point.dist is None else f" of {point.dist.name} {point.dist.version}"
    later = isinstance(wrote, int) and wrote > API
    outdated = HOUSE if later else "the plugin" if point is None else _distribution(point)
    return ConfigurationError(
        f"the plugin `{name}`{origin} is written for version {wrote} of the plugin API, this is version {API}",
        help=f"install a newer version of {outdated}: pip install --upgrade {outdated}"
        if outdated != "the plugin"
        else "install a newer version of it",
    )


def _misplaced(name: str, kind: Kind, what: str) -> ConfigurationError:
    return ConfigurationError(
        f"the plugin `{name}` is registered in pipeline.{kind} but is not {what}",
        help="this is a mistake of the plugin: tell its author",
    )


def _collect(kind: Kind, points: Iterable[EntryPoint]) -> tuple[dict[str, object], dict[Place, str]]:
    found: dict[str, EntryPoint] = {}
    clashes: dict[Place, str] = {}
    for point in points:
        other = found.setdefault(point.name, point)
        if other.value != point.value:
            clashes[kind, point.name] = " and ".join(sorted((_distribution(other), _distribution(point))))
    return dict(found), clashes


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.module


def _wanted(point: EntryPoint, name: str, missing: str) -> str:
    """What to install for a plugin that lacks a module: its distribution with an extra where there is one for it."""
    extra = point.extras[0] if point.extras else name
    if point.dist is None:  # of the house, without being installed
        return f"'{HOUSE}[{extra}]'"
    offered = point.dist.metadata.get_all("Provides-Extra") or []
    return f"'{point.dist.name}[{extra}]'" if extra in offered else missing


def _import(point: EntryPoint, name: str) -> object:
    """Import a plugin. A missing third-party module becomes advice on what to install."""
    try:
        loaded: object = point.load()
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing in ("", "pipeline", "pipeline_plugins"):
            raise ConfigurationError(
                f"the plugin `{name}` is broken: {error}",
                help=f"it is of {_distribution(point)}, and does not fit this version of pipe: install another version of it",
            ) from error
        raise ConfigurationError(
            f"`{name}` needs the Python package `{missing}`, which is not installed",
            help=f"pip install {_wanted(point, name, missing)}",
        ) from error
    except KeyboardInterrupt:
        raise
    except (
        BaseException
    ) as error:  # a module that is also a script may end the interpreter; a panic in Rust is no Exception
        raise ConfigurationError(
            f"the plugin `{name}` is broken: {type(error).__name__}: {error}",
            help=f"it is of {_distribution(point)}: tell its author, or install another version",
        ) from error
    return loaded
