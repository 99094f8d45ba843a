"""Options of plugins: a frozen pydantic model whose field docs are the user docs.

    class Options(api.Options):
        size: api.Duration = option("Length of a window.")
        lateness: api.Duration = option("How long to wait for late events.", default=0)

Positional arguments of a program fill the fields in order. `rest` names a list field that takes all further positional
arguments. A field called `block` takes the `{ … }` block, one called `by` the `by` clause.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, TypeVar, get_type_hints

import pydantic
from pydantic.fields import FieldInfo

T = TypeVar("T")


class Microseconds:
    """Marks an integer option that is written as a duration (`10s`)."""


class Bytes:
    """Marks an integer option that is written as a size (`64MiB`)."""


class Bare:
    """Marks a text option that names something new, written with or without quotes (`into: geo`)."""


NewName = Annotated[str, Bare]
"""A name that the plugin makes: a text in Python, a bare name in a program."""

Duration = Annotated[int, Microseconds]
"""A length of time: microseconds in Python, `10s` in a program."""

Size = Annotated[int, Bytes]
"""A number of bytes: an integer in Python, `64MiB` in a program."""


class Options(pydantic.BaseModel):
    """Base of every plugin's options: frozen, no unknown fields, no coercion of types."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, strict=True)

    rest: ClassVar[str | None] = None

    @classmethod
    def named(cls) -> dict[str, FieldInfo]:
        """The fields under the names that programs use: the alias where Python does not allow the name (`from`)."""
        return {info.alias or name: info for name, info in cls.model_fields.items()}

    @classmethod
    def hinted(cls) -> dict[str, object]:
        """The annotations, under the same names."""
        hints = get_type_hints(cls, include_extras=True)
        return {info.alias or name: hints[name] for name, info in cls.model_fields.items()}


def option(doc: str, *, default: Any = ..., **limits: Any) -> Any:  # noqa: ANN401 — pydantic's own field factory is untyped
    """Declare an option with its documentation, default and limits (`ge`, `le`, `min_length`, …: pydantic's)."""
    return pydantic.Field(default, description=doc, **limits)


class OptionError(Exception):
    """Options are well-typed but wrong together, or do not fit the columns. Raised by a plugin's constructor or `schema`.

    `option` names the culprit so that the caret goes there; `help` says what to do."""

    def __init__(self, message: str, option: str | None = None, help: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.option = option
        self.help = help
