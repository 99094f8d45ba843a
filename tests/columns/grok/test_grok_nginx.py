"""NGINX_COMBINED takes what nginx writes, also when the request is broken."""

import polars as pl
import pytest

from pipeline.columns.grok import Capture, Grok
from pipeline.columns.native import kernels

FIELDS = (
    "remote_addr", "remote_user", "time_local", "method", "path", "http_version", "status", "body_bytes_sent",
    "referer", "user_agent",
)  # fmt: skip
TIME = "10/Oct/2026:13:55:36 +0000"


def parsed(line: str) -> tuple[object, ...]:
    """The ten fields of a line that matches."""
    row = Grok("%{NGINX_COMBINED}").match(pl.Series([line])).row(0)
    assert row[10:] == (True, None)
    return row[:10]


def test_the_fields() -> None:
    """Ten fields in the order of the format; status and bytes are integers."""
    integers = ("status", "body_bytes_sent")
    grok = Grok("%{NGINX_COMBINED}")
    assert grok.captures == tuple(Capture(f, "int" if f in integers else "string") for f in FIELDS)
    assert grok.engine == ("polars" if kernels is None else "native")


@pytest.mark.parametrize(
    "request_line",
    ["-", "", r"\x16\x03\x01\x00", "GET /", "GET /a b HTTP/1.1", "get / HTTP/1.1", r"\"", 'a"b', "GET / HTTP/"],
)
def test_a_broken_request_has_no_method_path_and_version(request_line: str) -> None:
    """The rest of the line is there all the same."""
    line = f'1.2.3.4 - - [{TIME}] "{request_line}" 400 157 "-" "-"'
    assert parsed(line) == ("1.2.3.4", None, TIME, None, None, None, 400, 157, None, None)


@pytest.mark.parametrize("end", ["", "\r", ' "1.1.1.1" 0.003', " rt=1 \r"])
def test_what_follows_the_user_agent_is_ignored(end: str) -> None:
    """Extra fields of a longer format and a carriage return change nothing."""
    line = f'2001:db8::1 - joe [{TIME}] "GET /a?b=c HTTP/2.0" 200 12 "http://e.org/" "curl/8"{end}'
    wanted = ("2001:db8::1", "joe", TIME, "GET", "/a?b=c", "2.0", 200, 12, "http://e.org/", "curl/8")
    assert parsed(line) == wanted


@pytest.mark.parametrize("agent", [r"a \"b\" c", r"\x22x\x22", r"back\\", "C:\\", "-x", "é"])
def test_escapes_in_the_user_agent_stay_as_written(agent: str) -> None:
    """An escaped quote does not end the field."""
    assert parsed(f'1.2.3.4 - - [{TIME}] "GET / HTTP/1.1" 200 1 "" "{agent}"')[8:] == (None, agent)


def test_dashes_spaces_and_prefixes() -> None:
    """A dash is null, a user name may contain spaces, a syslog prefix is skipped."""
    line = f'<190>Oct 10 13:55:36 web nginx: unix: - a b [{TIME}] "GET / HTTP/1.1" 499 - "-" "x"'
    assert parsed(line) == ("unix:", "a b", TIME, "GET", "/", "1.1", 499, None, None, "x")


def test_an_error_line() -> None:
    """Level, process, connection, message and the named parts of an error."""
    line = (
        '2026/10/10 13:55:36 [error] 31#32: *7 open() "/x" failed (2: No such file), client: 1.2.3.4, server: _, '
        'request: "GET /x HTTP/1.1", host: "e.org", referrer: "http://e.org/"'
    )
    row = Grok("%{NGINX_ERROR}").match(pl.Series([line])).row(0, named=True)
    assert (row["level"], row["pid"], row["tid"], row["connection"]) == ("error", 31, 32, 7)
    assert row["message"] == 'open() "/x" failed (2: No such file)'
    assert (row["client"], row["server"], row["request"], row["upstream"]) == ("1.2.3.4", "_", "GET /x HTTP/1.1", None)
    assert (row["host"], row["referrer"]) == ("e.org", "http://e.org/")
