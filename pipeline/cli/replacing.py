"""Files that are written anew, whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from pipeline.errors import ConfigurationError


def replace(file: str, text: str) -> None:
    """Give a file another text and keep its permissions; a link goes on leading to it.

    Raises ConfigurationError where it cannot be written; it is then as it was."""
    path = Path(file).resolve()
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f"_{path.name}.", delete=False) as temporary:
            try:
                temporary.write(text.encode())
                temporary.flush()
                shutil.copymode(path, temporary.name)
                Path(temporary.name).replace(path)
            except BaseException:
                Path(temporary.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise ConfigurationError(f"cannot write {file}: {error.strerror}", "Check its permissions.") from error
