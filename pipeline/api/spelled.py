"""Names as formats can write them, and refusing those that would then be the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from pipeline.api.options import OptionError
from pipeline.columns.encode.flat import paths
from pipeline.columns.types import Columns


def demand_distinct(names: Iterable[str], spelling: Callable[[str], str], option: str = "format") -> None:
    """Raise OptionError, of this option, for two names that are spelled alike: one value would hide the other."""
    found: dict[str, str] = {}
    for name in names:
        spelled = spelling(name)
        other = found.setdefault(spelled, name)
        if other != name:
            raise OptionError(
                f"{other} and {name} would both be written as {spelled}", option, "rename one of them before"
            )


def written_names(columns: Columns, metadata: Sequence[str] = ()) -> list[str]:
    """The names of what flat formats write of a row: fields, members of records by their path, metadata."""
    return [*dict.fromkeys(metadata), *paths(columns)]
