"""Libraries that only some plugins need: extras of the package, imported on use."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from pipeline.errors import ConfigurationError


def libraries(name: str, *modules: str) -> tuple[ModuleType, ...]:
    """The modules, which the extra `name` of this package brings. Raises ConfigurationError with the command that installs it."""
    try:
        return tuple(import_module(module) for module in modules)
    except ImportError as error:
        raise ConfigurationError(
            f"{name} needs a library that is not installed: {error.name or error}",
            f"pip install 'pipe-engine[{name}]'",
        ) from error
