"""Every pattern of the library: what it matches, what it does not, and Logstash's names for the fields."""

import polars as pl
import pytest
from grok_examples import EXAMPLES

from pipeline.columns.grok import LIBRARY, Grok

COMMON = ("clientip", "ident", "auth", "timestamp", "verb", "request", "httpversion", "rawrequest", "response", "bytes")
FIELDS = {
    "COMMONAPACHELOG": COMMON,
    "HTTPD_COMMONLOG": COMMON,
    "COMBINEDAPACHELOG": (*COMMON, "referrer", "agent"),
    "HTTPD_COMBINEDLOG": (*COMMON, "referrer", "agent"),
    "HTTPD20_ERRORLOG": ("timestamp", "loglevel", "clientip", "message"),
    "SYSLOGPROG": ("program", "pid"),
    "SYSLOGFACILITY": ("facility", "priority"),
    "SYSLOGBASE": ("timestamp", "facility", "priority", "logsource", "program", "pid"),
    "SYSLOGLINE": ("timestamp", "timestamp8601", "facility", "priority", "logsource", "program", "pid", "message"),
    "JAVASTACKTRACEPART": ("class", "method", "file", "line"),
    "REDISLOG": ("pid", "timestamp"),
    "REDISMONLOG": ("timestamp", "database", "client", "port", "command", "params"),
    "POSTGRESQL": ("timestamp", "user_id", "connection_id", "pid"),
    "URI": ("port",),
}


def only(grok: Grok, text: str) -> dict[str, object]:
    """The fields of one line that are not null."""
    return {k: v for k, v in grok.match(pl.Series([text])).row(0, named=True).items() if v is not None}


def test_every_pattern_has_an_example() -> None:
    """The table of examples covers the library, so that no pattern is untested."""
    assert {name for name, _, _ in EXAMPLES} == LIBRARY.keys()


@pytest.mark.parametrize(("name", "text", "found"), EXAMPLES, ids=lambda v: str(v)[:30])
def test_a_pattern_matches_its_example(name: str, text: str, found: str | None) -> None:
    """`%{NAME:found_}` captures exactly the expected part of the text, or does not match, on both engines."""
    for engine in ("polars", "python"):
        if name in ("SYSLOGPAMSESSION", "SYSLOGBASE2") and engine == "polars":
            continue
        row = Grok(f"%{{{name}:found_}}", engine=engine).match(pl.Series([text])).row(0, named=True)
        assert (row["found_"], row["@matched"]) == (found or None, found is not None)


def test_which_patterns_need_the_python_engine() -> None:
    """Alone in a program, every pattern but one runs on Polars; in front of a space, too."""
    slow = {n for n in LIBRARY for p in (f"%{{{n}:x}} ", f"x %{{{n}:x}} ") if Grok(p).engine == "python"}
    assert slow == {"SYSLOGPAMSESSION"}
    reason = "it looks ahead or behind at more than one character"
    assert Grok("%{SYSLOGPAMSESSION}").reason == reason


@pytest.mark.parametrize("name", FIELDS)
def test_fields_have_the_names_of_logstash(name: str) -> None:
    """Programs written for Logstash rely on the names and on text being text."""
    captures = Grok(f"%{{{name}}}").captures
    assert tuple(c.field for c in captures) == FIELDS[name]
    assert {c.type for c in captures} == {"string"}


def test_a_combined_apache_line() -> None:
    """Quotes stay around `referrer` and `agent`, a dash for the bytes is no field, numbers are text unless typed."""
    line = (
        '2001:db8::1 - frank [10/Oct/2000:13:55:36 -0700] "GET /a.gif HTTP/1.0" 304 - "http://e.org/" "M/4 (\\"x\\")"'
    )
    assert only(Grok("%{COMBINEDAPACHELOG}"), line) == {
        "clientip": "2001:db8::1",
        "ident": "-",
        "auth": "frank",
        "timestamp": "10/Oct/2000:13:55:36 -0700",
        "verb": "GET",
        "request": "/a.gif",
        "httpversion": "1.0",
        "response": "304",
        "referrer": '"http://e.org/"',
        "agent": '"M/4 (\\"x\\")"',
        "@matched": True,
    }


def test_a_broken_request_of_apache_is_raw() -> None:
    """What is not `verb request` is `rawrequest`."""
    line = '1.2.3.4 - - [10/Oct/2000:13:55:36 -0700] "\\x16\\x03" 400 226'
    found = only(Grok("%{COMMONAPACHELOG}"), line)
    assert (found["rawrequest"], found.get("verb"), found["bytes"]) == ("\\x16\\x03", None, "226")


def test_a_syslog_line() -> None:
    """Program, pid, host and message of an RFC 3164 line."""
    assert only(Grok("%{SYSLOGLINE}"), "Oct  1 22:14:15 web-1 sshd[42]: Accepted key: x") == {
        "timestamp": "Oct  1 22:14:15",
        "logsource": "web-1",
        "program": "sshd",
        "pid": "42",
        "message": "Accepted key: x",
        "@matched": True,
    }


def test_a_syslog_5424_line() -> None:
    """Priority and version are integers, as in Logstash; dashes are no fields."""
    line = '<34>1 2003-10-11T22:14:15.003Z host su - ID47 [a@1 b="c"] failed'
    assert only(Grok("%{SYSLOG5424LINE}"), line) == {
        "syslog5424_pri": 34,
        "syslog5424_ver": 1,
        "syslog5424_ts": "2003-10-11T22:14:15.003Z",
        "syslog5424_host": "host",
        "syslog5424_app": "su",
        "syslog5424_msgid": "ID47",
        "syslog5424_sd": '[a@1 b="c"]',
        "syslog5424_msg": "failed",
        "@matched": True,
    }


def test_a_pam_session_line_on_the_python_engine() -> None:
    """The look-ahead that captures the message, and the fields after it, both take part."""
    line = "Oct  1 22:14:15 h sudo: pam_unix(sudo:session): session opened for user root by alice(uid=0)"
    found = only(Grok("%{SYSLOGPAMSESSION}"), line)
    assert found["message"] == "pam_unix(sudo:session): session opened for user root by alice(uid=0)"
    assert (found["pam_module"], found["username"], found["pam_by"]) == ("pam_unix", "root", "alice(uid=0)")


def test_a_haproxy_http_line() -> None:
    """The legacy names of the HAProxy fields."""
    line = (
        "Dec  9 13:01:26 localhost haproxy[28029]: 127.0.0.1:39759 [09/Dec/2013:12:59:46.633] loadbalancer default/"
        'instance8 0/51536/1/48082/99627 200 83285 - - ---- 87/87/87/1/0 0/67 {77.24.148.74} "GET /path/to HTTP/1.1"'
    )
    found = only(Grok("%{HAPROXYHTTP}"), line)
    wanted = {
        "program": "haproxy",
        "client_ip": "127.0.0.1",
        "haproxy_milliseconds": "633",
        "haproxy_time": "12:59:46",
        "server_name": "instance8",
        "time_backend_response": "48082",
        "captured_request_headers": "77.24.148.74",
        "http_verb": "GET",
        "http_request": "/path/to",
        "http_version": "1.1",
    }
    assert {k: found[k] for k in wanted} == wanted
