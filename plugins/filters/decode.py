"""Decode a text."""

from __future__ import annotations

from pipeline import api


class Decode(api.Decoding):
    """Takes fields out of a text that is in one of the codecs, such as the message of a container's log.

    It is what an input does with its `codec:`. Texts that cannot be decoded are rejected with a reason; those that are no events,
    such as a line of column names, are left out."""

    example = """
source access = file("/var/log/nginx/access.log*")
transform parsed = access
  | decode(nginx, into: nginx)
  | where(nginx.status >= 400)
sink out = parsed -> console()
"""
