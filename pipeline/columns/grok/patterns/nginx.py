"""nginx: the `combined` access log and the error log.

NGINX_COMBINED takes every line that nginx writes in that format. When the request is not `METHOD path HTTP/x` (`-`, empty,
bytes of a TLS handshake, HTTP/0.9, spaces in the path), `method`, `path` and `http_version` are null and the rest is
there. A `-` is null in `remote_user`, `body_bytes_sent`, `referer` and `user_agent`. Escapes (`\\x22`, `\\"`) stay as they
are written. What follows the user agent is ignored.
"""

from pipeline.columns.grok.patterns.definition import Fast

TEXT = r"""
NGINX_METHOD [A-Z][A-Z_-]*
NGINX_QUOTED (?:[^"\\]|\\.)*\\?
NGINX_REQUEST (?<method>%{NGINX_METHOD}) (?<path>(?:[^\s"\\]|\\.)+) HTTP/(?<http_version>[0-9.]+)
NGINX_COMMON (?<remote_addr>\S+) - (?:-|(?<remote_user>.*?)) \[(?<time_local>[^\]]+)\] "(?:%{NGINX_REQUEST}|.*?)" (?<status:int>[0-9]{3}) (?:-|(?<body_bytes_sent:int>[0-9]+))
NGINX_COMBINED %{NGINX_COMMON} "(?:-|(?<referer>%{NGINX_QUOTED}))" "(?:-|(?<user_agent>%{NGINX_QUOTED}))"
NGINX_ERROR_TIME [0-9]{4}/[0-9]{2}/[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}
NGINX_ERROR (?<timestamp>%{NGINX_ERROR_TIME}) \[(?<level>[a-z]+)\] (?<pid:int>[0-9]+)#(?<tid:int>[0-9]+): (?:\*(?<connection:int>[0-9]+) )?(?<message>.*?)(?:, client: (?<client>[^,\s]+))?(?:, server: (?<server>[^,]*))?(?:, request: "(?<request>%{NGINX_QUOTED})")?(?:, upstream: "(?<upstream>[^"]*)")?(?:, host: "(?<host>[^"]*)")?(?:, referrer: "(?<referrer>[^"]*)")?\r?$
"""

_COMBINED = (
    r"(?<remote_addr>\S+) - (?<remote_user>[^\s]+) \[(?<time_local>[^\]]+)\] "
    r'"(?<method>[A-Z][A-Z_-]*) (?<path>[^\s"\\]+) HTTP/(?<http_version>[0-9.]+)" '
    r'(?<status:int>[0-9]{3}) (?<body_bytes_sent:int>[0-9]+) "(?<referer>[^"\\]*)" "(?<user_agent>[^"\\]*)"'
)

FAST = {
    "NGINX_COMBINED": Fast(_COMBINED, frozenset({"remote_user", "referer", "user_agent"})),
}
