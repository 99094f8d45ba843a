"""Bodies of open segments: files that are appended to, few enough of them open at once."""

from __future__ import annotations

import errno
from collections import OrderedDict
from pathlib import Path

from pipeline.env import AppendFile, Env, Stat
from pipeline.store.outbox import Outbox
from pipeline.store.segment import Open

OPEN_FILES = 64
"""Handles at most. Fewer are kept where the operating system gives fewer."""


class Bodies:
    """The body that was used longest ago is closed first, and opened again when it is needed.

    Any other body may be closed by an `append`, so each is synced before the next is appended to."""

    def __init__(self, env: Env, outbox: Outbox) -> None:
        self._files = env.files
        self._outbox = outbox
        self._open: OrderedDict[int, AppendFile] = OrderedDict()

    def path(self, segment: Open) -> Path:
        return segment.place if segment.kind.in_place else self._outbox.body(segment.id)

    def append(self, segment: Open, data: bytes) -> None:
        """Write at the end of a body. Raises OSError."""
        file = self._open.get(segment.id) or self._opened(segment)
        self._open.move_to_end(segment.id)
        file.append(data)

    def sync(self, segment: Open) -> Stat | None:
        """Make what was appended durable, and say which file it is in; None when nothing was."""
        file = self._open.get(segment.id)
        if file is None:
            return None
        file.sync()
        return file.stat()

    def shut(self, segment: Open) -> None:
        """Let go of a body, if it is open."""
        file = self._open.pop(segment.id, None)
        if file is not None:
            file.close()

    def close(self) -> None:
        """Let go of all."""
        self._spare(0)

    def _opened(self, segment: Open) -> AppendFile:
        self._spare(OPEN_FILES - 1)
        while True:
            try:
                file = self._open[segment.id] = self._files.append(self.path(segment))
            except OSError as error:
                if error.errno not in (errno.EMFILE, errno.ENFILE) or not self._open:
                    raise
                self._spare(len(self._open) // 2)
            else:
                return file

    def _spare(self, most: int) -> None:
        while len(self._open) > most:
            _, file = self._open.popitem(last=False)
            file.close()
