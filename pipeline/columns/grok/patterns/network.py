"""Addresses, host names, paths and URIs. The host of a URI is an IPv6 address or a HOSTNAME, which every IPv4 address is."""

from pipeline.columns.grok.patterns.definition import NO_FAST

FAST = NO_FAST

_H = "[0-9A-Fa-f]{1,4}"
_BYTE = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_V4 = rf"{_BYTE}(?:\.{_BYTE}){{3}}"


def _ipv6() -> str:
    """RFC 4291 text forms: `n` groups, then what may still follow when the rest may be compressed to `::`."""
    forms = [f"(?:{_H}:){{7}}(?:{_H}|:)", f"(?:{_H}:){{6}}(?:{_V4}|:{_H}|:)"]
    forms += [f"(?:{_H}:){{{n}}}(?:(?::{_H}){{0,{5 - n}}}:{_V4}|(?::{_H}){{1,{7 - n}}}|:)" for n in range(5, 0, -1)]
    forms.append(f":(?:(?::{_H}){{0,5}}:{_V4}|(?::{_H}){{1,7}}|:)")
    return f"(?:{'|'.join(forms)})(?:%[^\\s%/]+)?"


_TEXT = r"""
CISCOMAC (?:[A-Fa-f0-9]{4}\.){2}[A-Fa-f0-9]{4}
WINDOWSMAC (?:[A-Fa-f0-9]{2}-){5}[A-Fa-f0-9]{2}
COMMONMAC (?:[A-Fa-f0-9]{2}:){5}[A-Fa-f0-9]{2}
MAC %{CISCOMAC}|%{WINDOWSMAC}|%{COMMONMAC}

IPV4 (?<![0-9])(?:(?:[01]?[0-9]{1,2}|2[0-4][0-9]|25[0-5])\.){3}(?:[01]?[0-9]{1,2}|2[0-4][0-9]|25[0-5])(?![0-9])
IP %{IPV6}|%{IPV4}
HOSTNAME \b[0-9A-Za-z][0-9A-Za-z-]{0,62}(?:\.[0-9A-Za-z][0-9A-Za-z-]{0,62})*(?:\.?|\b)
IPORHOST %{IP}|%{HOSTNAME}
HOSTPORT %{IPORHOST}:%{POSINT}

PATH %{UNIXPATH}|%{WINPATH}
UNIXPATH (?:/[[:alnum:]_%!$@:.,+~-]*)+
TTY /dev/(?:pts|tty[pq]?)(?:\w+)?/?[0-9]+
WINPATH (?>[A-Za-z]+:|\\)(?:\\[^\\?*]*)+
URIPROTO [A-Za-z][A-Za-z0-9+\-.]+
URIHOST (?:%{IPV6}|%{HOSTNAME})(?::%{POSINT:port})?
URIPATH (?:/[A-Za-z0-9$.+!*'(){},~:;=@#%&_\-]*)+
URIPARAM \?[A-Za-z0-9$.+!*'|(){},~@#%&/=:;_?\-\[\]<>]*
URIPATHPARAM %{URIPATH}(?:%{URIPARAM})?
URI %{URIPROTO}://(?:%{USER}(?::[^@]*)?@)?(?:%{URIHOST})?(?:%{URIPATHPARAM})?
"""

TEXT = f"{_TEXT}\nIPV6 {_ipv6()}\n"
