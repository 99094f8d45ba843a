"""What is scanned: patterns of the library on the logs that they are for, and the same fields by hand."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """A pattern of the library, and the same fields by hand, the way of somebody who knows this log."""

    name: str
    kind: str
    pattern: str
    by_hand: str
    compared: tuple[str, ...]
    narrow: tuple[str, str] | None = None
    """What to replace in the pattern so that it takes proper requests only; Polars' fastest matcher can run it then."""


_STAMP = r"(?P<timestamp>[A-Z][a-z]{2} +[0-9]+ [0-9:]{8})"
CASES = (
    Case(
        "nginx, NGINX_COMBINED",
        "nginx",
        "%{NGINX_COMBINED}",
        r'^(?P<remote_addr>[^ ]+) - (?P<remote_user>[^ ]+) \[(?P<time_local>[^\]]+)\] "(?:(?P<method>[A-Z_-]+) (?P<path>[^ ]+) '
        r'HTTP/(?P<http_version>[0-9.]+)|[^"]*)" (?P<status>[0-9]{3}) (?P<body_bytes_sent>[0-9]+|-) "(?P<referer>[^"]*)" '
        r'"(?P<user_agent>[^"]*)"',
        ("remote_addr", "path", "status", "body_bytes_sent", "user_agent"),
        (
            r'(?:(?P<method>[A-Z_-]+) (?P<path>[^ ]+) HTTP/(?P<http_version>[0-9.]+)|[^"]*)',
            r"(?P<method>[A-Z_-]+) (?P<path>[!-~]+) HTTP/(?P<http_version>[0-9.]+)",
        ),
    ),
    Case(
        "Apache, COMBINEDAPACHELOG",
        "nginx",
        "%{COMBINEDAPACHELOG}",
        r'^(?P<clientip>[^ ]+) (?P<ident>[^ ]+) (?P<auth>[^ ]+) \[(?P<timestamp>[^\]]+)\] "(?:(?P<verb>[A-Z]+) '
        r'(?P<request>[^ "]+)(?: HTTP/(?P<httpversion>[0-9.]+))?|(?P<rawrequest>[^"]*))" (?P<response>[0-9]+|-) '
        r'(?P<bytes>[0-9]+|-) (?P<referrer>"[^"]*") (?P<agent>"[^"]*")',
        ("clientip", "request", "response", "bytes", "agent"),
    ),
    Case(
        "syslog, SYSLOGLINE",
        "syslog",
        "%{SYSLOGLINE}",
        rf"^{_STAMP} (?P<logsource>[^ ]+) (?P<program>[^ \[:]+)(?:\[(?P<pid>[0-9]+)\])?: (?P<message>.*)",
        ("logsource", "program", "pid", "message"),
    ),
    Case(
        "HAProxy, HAPROXYHTTP",
        "haproxy",
        "%{HAPROXYHTTP}",
        r"^(?P<syslog_timestamp>[A-Z][a-z]{2} +[0-9]+ [0-9:]{8}) (?P<syslog_server>[^ ]+) (?P<program>[^ \[:]+)\[(?P<pid>[0-9]+)\]: "
        r"(?P<client_ip>[^ ]+):(?P<client_port>[0-9]+) \[(?P<accept_date>[^\]]+)\] (?P<frontend_name>[^ ]+) "
        r"(?P<backend_name>[^ /]+)/(?P<server_name>[^ ]+) (?P<time_request>[0-9-]+)/(?P<time_queue>[0-9-]+)/"
        r"(?P<time_backend_connect>[0-9-]+)/(?P<time_backend_response>[0-9-]+)/(?P<time_duration>[^ ]+) "
        r"(?P<http_status_code>[0-9]+) (?P<bytes_read>[0-9]+) (?P<captured_request_cookie>[^ ]+) "
        r"(?P<captured_response_cookie>[^ ]+) (?P<termination_state>[^ ]+) (?P<actconn>[0-9]+)/(?P<feconn>[0-9]+)/"
        r"(?P<beconn>[0-9]+)/(?P<srvconn>[0-9]+)/(?P<retries>[0-9]+) (?P<srv_queue>[0-9]+)/(?P<backend_queue>[0-9]+) "
        r'\{(?P<captured_request_headers>[^}]*)\} \{(?P<captured_response_headers>[^}]*)\} "(?P<http_verb>[A-Z]+) '
        r'(?P<http_request>[^ ]+) HTTP/(?P<http_version>[0-9.]+)"',
        ("client_ip", "server_name", "http_status_code", "bytes_read", "http_request"),
    ),
    Case(
        "JSON, a pattern for its members",
        "ndjson",
        r'\{"time_local":"%{DATA:time}","remote_addr":"%{DATA:remote_addr}","remote_user":"%{DATA:user}",'
        r'"http_method":"%{DATA:method}","request":"%{DATA:request}","http_version":"%{DATA:version}",'
        r'"status":%{INT:status:int},"body_bytes_sent":%{INT:bytes:int},"http_referer":"%{DATA:referer}",'
        r'"http_user_agent":"%{DATA:agent}"\}',
        r'^\{"time_local":"(?P<time>[^"]*)","remote_addr":"(?P<remote_addr>[^"]*)","remote_user":"(?P<user>[^"]*)",'
        r'"http_method":"(?P<method>[^"]*)","request":"(?P<request>[^"\\]*(?:\\.[^"\\]*)*)","http_version":"(?P<version>[^"]*)",'
        r'"status":(?P<status>[0-9]+),"body_bytes_sent":(?P<bytes>[0-9]+),"http_referer":"(?P<referer>[^"\\]*(?:\\.[^"\\]*)*)",'
        r'"http_user_agent":"(?P<agent>[^"\\]*(?:\\.[^"\\]*)*)"\}',
        ("remote_addr", "request", "status", "bytes", "agent"),
    ),
)
