"""Options of plugins: a frozen pydantic model whose field docs are the user docs.

    class Options(api.Options):
        size: api.Duration = option("Length of a window.")
        lateness: api.Duration = option("How long to wait for late events.", default=0)

Where Python or pydantic does not allow an option's name, the field has another, and `alias="from"` is the name in programs; Python
code may use either.

Positional arguments of a program fill the fields in order. `rest` names a list field that takes all further positional
arguments. A field called `block` takes the `{ … }` block, one called `by` the `by` clause; `codec` and `charset` of an input say
what decodes its records. A field that is `Patterns` gets the program's patterns, whatever its name.
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


class Defined:
    """Marks an option that no argument fills: the program's own patterns, by name."""


NewName = Annotated[str, Bare]
"""A name that the plugin makes: a text in Python, a bare name in a program."""

Duration = Annotated[int, Microseconds]
"""A length of time: microseconds in Python, `10s` in a program."""

Size = Annotated[int, Bytes]
"""A number of bytes: an integer in Python, `64MiB` in a program."""


Patterns = Annotated[dict[str, str], Defined]
"""The patterns that a program defines (`pattern P = '…'`), by name. No argument fills it; give it `default={}`."""


class Options(pydantic.BaseModel):
    """Base of every plugin's options: frozen, no unknown fields, no coercion of types."""

    model_config = pydantic.ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True, strict=True, populate_by_name=True
    )

    rest: ClassVar[str | None] = None

    @classmethod
    def named(cls) -> dict[str, FieldInfo]:
        """The fields under the names that programs use: the alias where Python does not allow the name (`from`)."""
        return {info.alias or name: info for name, info in cls.model_fields.items()}

    @classmethod
    def arguments(cls) -> dict[str, FieldInfo]:
        """Those of `named` that arguments of a call may fill, in their order."""
        others = {"block", "by", *cls.defined()}
        return {name: info for name, info in cls.named().items() if name not in others}

    @classmethod
    def defined(cls) -> tuple[str, ...]:
        """Those that are `Patterns`."""
        return tuple(name for name, hint in cls.hinted().items() if Defined in getattr(hint, "__metadata__", ()))

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
