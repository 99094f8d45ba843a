"""The control socket: what a running agent says about itself.

A Unix socket `control.sock` (mode 0600) in the state directory. A request is one JSON object on a line,
`{"ask": "status" | "audit" | "checkpoint" | "dlq" | "tap" | …, …}`; the reply is one JSON object on a line: `{"ok": …}` or
`{"error": "…"}`. A connection may ask any number of questions. Answers are read from the store between two commits, in a
worker thread: the agent never waits for the one who asks. `tap` asks for the next records of `sources` (names), at most
`most` of each and for at most `seconds`; the answer has `records` (source → base64) and how many `came` meanwhile.

The socket is there only while the agent holds the lock of its state, so a second agent cannot take the first one's
place. A path that is too long for a socket is reached by its open folder, under which it is short. This is the one module
of the engine that uses sockets without `Env`: nothing of what is committed depends on it.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from pipeline.agent.agent import Agent
from pipeline.agent.answers import QUESTIONS, Answer, Request, taken, told
from pipeline.agent.letters import CHANGES, change
from pipeline.agent.listening import LONGEST, MOST
from pipeline.agent.supervision import cancel
from pipeline.agent.telemetry import NodeMeter
from pipeline.errors import InternalError, PipeError

SOCKET = "control.sock"

LONGEST_PATH = 100
"""Bytes of a socket's path that every Unix takes."""

LONGEST_REQUEST = 64 << 10

TAP = "tap"

_PATIENCE = 5.0


@asynccontextmanager
async def serve(agent: Agent, folder: Path, warn: Callable[[str], None]) -> AsyncIterator[None]:
    """Answer on the control socket of `folder` inside the block, from when the agent has its store open.

    Where no socket can be made, `warn` gets the reason and the agent runs without one."""
    serving = asyncio.ensure_future(_serve(agent, folder, warn))
    try:
        yield
    finally:
        for error in await cancel([serving]):
            warn(f"the control socket failed: {error!r}")


async def ask(folder: Path, request: Request, seconds: float = 0.0) -> Answer | None:
    """The answer of the agent that runs on the state in `folder`, or None when none does. It may take `seconds` to answer.

    Raises InternalError when it answers with an error, or not in time."""
    try:
        with _near(folder / SOCKET) as address:
            reader, writer = await asyncio.open_unix_connection(str(address), limit=1 << 30)
    except OSError:
        return None
    try:
        writer.write(json.dumps(dict(request)).encode() + b"\n")
        await writer.drain()
        line = await asyncio.wait_for(reader.readline(), _PATIENCE + seconds)
        reply: Mapping[str, object] = json.loads(line)
    except (OSError, ValueError, TimeoutError) as error:
        raise InternalError(
            f"the pipe that runs on {folder} does not answer", "Try again; it may be stopping, or very busy."
        ) from error
    finally:
        writer.close()
    found = reply.get("ok")
    if not isinstance(found, dict):
        raise InternalError(f"the pipe that runs on {folder} cannot answer: {reply.get('error')}")
    return found


# ── serving ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def _serve(agent: Agent, folder: Path, warn: Callable[[str], None]) -> None:
    await agent.started.wait()
    connections = _Connections(agent)
    try:
        with _socket(folder) as listener:
            server = await asyncio.start_unix_server(connections.serve, sock=listener, limit=LONGEST_REQUEST)
            try:
                await asyncio.Event().wait()
            finally:
                server.close()
                for error in await connections.close():
                    warn(f"a connection to the control socket failed: {error!r}")
    except OSError as error:
        warn(f"no control socket: {error}")


@contextmanager
def _socket(folder: Path) -> Iterator[socket.socket]:
    """A bound socket that only its owner may use; its file is there inside the block. A stale one is replaced."""
    with _near(folder / SOCKET) as address, socket.socket(socket.AF_UNIX) as listener:
        address.unlink(missing_ok=True)
        listener.bind(str(address))
        address.chmod(0o600)
        ours = address.stat().st_ino
        try:
            yield listener
        finally:
            # The lock is gone by now: the socket may already be the next agent's.
            with suppress(FileNotFoundError):
                if address.stat().st_ino == ours:
                    address.unlink()


@contextmanager
def _near(path: Path) -> Iterator[Path]:
    """The same file by a path that is short enough for a socket, inside the block."""
    if len(os.fsencode(path)) <= LONGEST_PATH:
        yield path
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield Path(f"/proc/self/fd/{folder}", path.name)
    finally:
        os.close(folder)


class _Connections:
    """Serves clients: a line in, a line out, until they hang up or the agent ends."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._open: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._open.add(task)
            task.add_done_callback(self._open.discard)
        try:
            while line := await reader.readline():
                writer.write(await self._reply(line))
                await writer.drain()
        except ValueError:
            writer.write(_line({"error": f"a request has at most {LONGEST_REQUEST} bytes"}))
        except (OSError, asyncio.CancelledError):
            return
        finally:
            writer.close()

    async def close(self) -> list[BaseException]:
        """Hang up on everybody. Gives what went wrong meanwhile."""
        return await cancel(list(self._open))

    async def _reply(self, line: bytes) -> bytes:
        try:
            request = json.loads(line)
        except ValueError:
            return _line({"error": "a request is a JSON object on a line"})
        if not isinstance(request, dict):
            return _line({"error": "a request is a JSON object"})
        try:
            if request.get("ask") == TAP:
                return _line({"ok": await _tapped(self._agent, request)})
            if request.get("ask") in CHANGES:
                return _line({"ok": await self._agent.locked(self._agent.store.amend, change(request))})
            found = await self._agent.locked(taken, self._agent.store.contents, request)
            figures = _figures(self._agent) if request.get("ask") == "status" else {}
            meter = self._agent.meters.get(str(request.get("node"))) if figures else None
            return await asyncio.to_thread(_replied, found, request, figures, meter)
        except ValueError as error:
            return _line({"error": str(error)})
        except KeyError:
            return _line({"error": f"known questions are {', '.join((*QUESTIONS, *CHANGES, TAP))}"})
        except (PipeError, OSError, TypeError, AttributeError) as error:
            return _line({"error": f"the state cannot be read now: {error}"})


async def _tapped(agent: Agent, request: Request) -> Answer:
    sources, most, seconds = (request.get(name) for name in ("sources", "most", "seconds"))
    if not isinstance(sources, list) or not all(source in agent.meters for source in sources):
        raise ValueError("`sources` are names of sources of the program that runs")
    if not isinstance(most, int) or not 0 < most <= MOST:
        raise ValueError(f"`most` is a number from 1 to {MOST}")
    if not isinstance(seconds, int | float) or not 0 < seconds <= LONGEST:
        raise ValueError(f"`seconds` is a number, at most {LONGEST:.0f}")
    with agent.listeners.listening(sources, most) as listener:
        await listener.wait(seconds)
    texts = {name: [base64.b64encode(one).decode() for one in found] for name, found in listener.records.items()}
    return {"records": texts, "came": dict(listener.came)}


def _figures(agent: Agent) -> Answer:
    """What a running agent adds to its status. On the loop, which is where the agent changes."""
    meters = {stage: meter.values() for stage, meter in agent.meters.items()}
    return {
        "sent": dict(agent.report.sent),
        "commits": agent.report.commits,
        "meters": {stage: values for stage, values in meters.items() if values},
        "nodes": list(agent.meters),
        "degraded": agent.degraded,
    }


def _replied(found: Answer, request: Request, figures: Answer, meter: NodeMeter | None) -> bytes:
    reply = {**told(found, request), **figures}
    if figures:
        reply["tables"] = meter.tables() if meter is not None else {}
    return _line({"ok": reply})


def _line(reply: Answer) -> bytes:
    return json.dumps(reply, ensure_ascii=False, default=str).encode() + b"\n"
