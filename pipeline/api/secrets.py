"""Secrets: texts that a program uses and nobody sees.

    token: api.Secret = api.option("The token that the server knows us by.")

A program says where one is kept, not what it is: `token: secret('file:/run/secrets/token')`. It is read when it is used, so a
plugin that connects again has the new one after a rotation. No error, log, page or `pipe explain` shows it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.errors import ConfigurationError

KINDS: Final = {
    "file": "a file, without the line break at its end",
    "env": "an environment variable",
    "credential": "a credential that systemd hands to the service",
}
"""Where secrets are kept."""

_LARGEST = 1 << 20


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A secret by the place where it is kept: `kind` is one of KINDS, or empty where `place` is the text itself."""

    kind: str
    place: str

    @classmethod
    def at(cls, where: str) -> Secret:
        """From `file:PATH`, `env:NAME` or `credential:NAME`. Raises ValueError where it is none of these."""
        kind, colon, place = where.partition(":")
        if not colon or kind not in KINDS or not place:
            raise ValueError("write 'file:PATH', 'env:NAME' or 'credential:NAME'")
        return cls(kind, place)

    @classmethod
    def text(cls, text: str) -> Secret:
        return cls("", text)

    def read(self) -> str:
        """The text as it is now. Blocks for a small file. Raises ConfigurationError where there is none."""
        if not self.kind:
            return self.place
        if self.kind == "env":
            found = os.environ.get(self.place, "")
            if not found:
                raise ConfigurationError(
                    f"the environment variable {self.place} is not set", "It should hold a secret."
                )
            return found
        path = Path(self.place)
        if self.kind == "credential":
            folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
            if not folder or "/" in self.place:
                raise ConfigurationError(
                    f"there is no credential {self.place}",
                    f"Write `LoadCredential={self.place}:PATH` into the service's unit.",
                )
            path = Path(folder) / self.place
        try:
            with path.open("rb") as file:
                found = file.read(_LARGEST).decode().rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            told = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise ConfigurationError(
                f"cannot read the secret in {path}: {told}", "Check the path and its permissions."
            ) from error
        if not found:
            raise ConfigurationError(f"the secret in {path} is empty", "Write it there.")
        return found

    def __repr__(self) -> str:
        return f"secret('{self.kind}:{self.place}')" if self.kind else "secret(…)"

    __str__ = __repr__
