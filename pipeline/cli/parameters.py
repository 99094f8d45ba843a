"""Arguments with a meaning of their own, as click types: durations, sizes, times, settings, program files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

import click

from pipeline.errors import UsageError

CommandT = TypeVar("CommandT", bound=Callable[..., object])


class DurationParameter(click.ParamType):  # type: ignore[type-arg]  # generic in newer releases only
    """`45s`, `1m30s`, or a number of seconds, to seconds (float, above 0)."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        from pipeline.columns.durations import microseconds

        found = microseconds(str(value))
        if found is None or found <= 0:
            self.fail(f"`{value}` is no duration. Write a number and a unit: 500ms, 45s, 10m, 1h.", param, ctx)
        return found / 1_000_000


class SizeParameter(click.ParamType):  # type: ignore[type-arg]  # the same
    """`512MiB`, `2GB`, or a number of bytes, to bytes."""

    name = "size"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        from pipeline.columns.durations import size_bytes

        found = size_bytes(str(value))
        if found is None:
            self.fail(f"`{value}` is no size. Write a number and a unit: 512MiB, 2GB.", param, ctx)
        return found


class TimeParameter(click.ParamType):  # type: ignore[type-arg]  # the same
    """An ISO 8601 time (UTC unless it says otherwise) to microseconds since 1970."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            found = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"`{value}` is no time. Write it as 2026-01-31T12:00:00Z.", param, ctx)
        aware = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
        elapsed = aware - datetime(1970, 1, 1, tzinfo=UTC)
        return (elapsed.days * 86_400 + elapsed.seconds) * 1_000_000 + elapsed.microseconds


DURATION = DurationParameter()
SIZE = SizeParameter()
TIME = TimeParameter()


def with_settings(command: CommandT) -> CommandT:
    """The option `--set`, as `settings`."""
    option = click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="NAME=VALUE",
        help="Another value for a `let`, as the program runs with.",
    )
    return option(command)


def settings_of(given: Sequence[str]) -> dict[str, str]:
    """NAME=VALUE texts of `--set` to a mapping; the checker knows the names. Raises UsageError."""
    settings: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"--set {text}: this is not NAME=VALUE", "Write it as --set limit=10.")
        if name in settings:
            raise UsageError(f"--set {name} is given twice", "A constant has one value.")
        settings[name.strip()] = value
    return settings
