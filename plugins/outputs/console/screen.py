"""Standard output that never makes its writer wait."""

from __future__ import annotations

import asyncio
import io
import os
import select
import stat
from contextlib import suppress
from threading import Lock


class Screen(io.TextIOBase):
    """Standard output, as rich and we write to it: what it does not take at once is kept, so that nobody hangs in a write
    when whoever should read has stopped reading. Any thread may write."""

    def __init__(self, descriptor: int) -> None:
        """Raises OSError where nothing is open under that number."""
        mode = os.fstat(descriptor).st_mode
        self._descriptor = os.dup(descriptor)
        if stat.S_ISFIFO(mode) or os.isatty(descriptor):
            # Opened anew, it can be made non-blocking without becoming so for the other processes that have it.
            with suppress(OSError):
                flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
                anew = os.open(f"/proc/self/fd/{descriptor}", flags)
                os.close(self._descriptor)
                self._descriptor = anew
        self._ready = select.poll()
        self._ready.register(self._descriptor, select.POLLOUT)
        self._left = b""
        self._at = 0
        self._lock = Lock()

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def write(self, text: str) -> int:
        self.add(text.encode(errors="replace"))
        return len(text)

    def flush(self) -> None:
        """Write what is taken now. An error is left to `push`."""
        if not self.closed:
            with suppress(OSError):
                self.push()

    def add(self, data: bytes) -> None:
        with self._lock:
            self._left, self._at = self._left[self._at :] + data, 0

    def push(self) -> bool:
        """Write what is taken now; says whether that was all. Raises OSError, and then forgets what it has not written."""
        with self._lock:
            try:
                while self._at < len(self._left) and self._ready.poll(0):
                    self._at += os.write(self._descriptor, self._piece())
            except BlockingIOError:
                return False
            except OSError:
                self._left, self._at = b"", 0
                raise
            return self._at == len(self._left)

    async def room(self) -> None:
        """Wait until more is taken."""
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        loop.add_writer(self._descriptor, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_writer(self._descriptor)

    def close(self) -> None:
        if not self.closed:
            super().close()
            os.close(self._descriptor)

    def _piece(self) -> bytes:
        """What to write at once: so much that a pipe takes it as a whole or not at all, and whole lines where they are that
        short, so that a stop tears none of them."""
        piece = self._left[self._at : self._at + select.PIPE_BUF]
        return piece[: piece.rfind(b"\n") + 1] or piece
