"""The two formats of a line, each as four pieces that are rendered once and put together for every line.

A line is its pieces in the order of `layout`: the time (a strftime format), the client, the request, the agent.
The first and last pieces include what stands around them, so that joining the pieces is all there is to do.
"""

import json
import re
from collections.abc import Callable
from typing import Literal, NamedTuple

from pipeline.columns.traffic.clients import Client
from pipeline.columns.traffic.request import Request

FormatName = Literal["combined", "json"]
Piece = Literal["time", "client", "request", "agent"]

_ENCODER = json.JSONEncoder(separators=(",", ":"))
_UNSAFE = re.compile(r'["\\]|[^ -~]')


class Format(NamedTuple):
    """How to render the pieces of a line. `agent` ends with the newline."""

    layout: tuple[Piece, Piece, Piece, Piece]
    time: str
    client: Callable[[Client], str]
    request: Callable[[Request], str]
    agent: Callable[[Client], str]


def _nginx_escape(text: str) -> str:
    # ngx_http_log_escape: '"', '\\' and whatever is not printable ASCII become \xHH.
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return text  # nearly always
    return _UNSAFE.sub(lambda found: f"\\x{ord(found[0]):02X}", text)


def _combined_client(client: Client) -> str:
    return f"{client.address} - {client.user} ["


def _combined_request(request: Request) -> str:
    line = f"{request.method} {request.target} {request.protocol}" if request.method else request.target
    return f'{_nginx_escape(line)}" {request.status} {request.size} "{_nginx_escape(request.referer)}" "'


def _combined_agent(client: Client) -> str:
    return f'{_nginx_escape(client.agent)}"\n'


def _members(**values: str | int) -> str:
    return _ENCODER.encode(values)[1:-1]


def _json_client(client: Client) -> str:
    return f'{_members(remote_addr=client.address, remote_user=client.user)},"http_method":'


def _json_request(request: Request) -> str:
    rest = _members(
        request=request.target,
        http_version=request.protocol,
        status=request.status,
        body_bytes_sent=request.size,
        http_referer=request.referer,
    )
    return f'{_ENCODER.encode(request.method)},{rest},"http_user_agent":'


def _json_agent(client: Client) -> str:
    return f"{_ENCODER.encode(client.agent)}}}\n"


FORMATS: dict[FormatName, Format] = {
    "combined": Format(
        ("client", "time", "request", "agent"),
        '%d/%b/%Y:%H:%M:%S +0000] "',
        _combined_client,
        _combined_request,
        _combined_agent,
    ),
    "json": Format(
        ("time", "client", "request", "agent"),
        '{"time_local":"%Y-%m-%dT%H:%M:%S+00:00",',
        _json_client,
        _json_request,
        _json_agent,
    ),
}
