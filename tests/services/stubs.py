"""Stubs of services that no package brings: they do what the documentation of each says of the requests that we send, and no more.
What they do not know, they refuse."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from collector import Answer, Asked


class Hec:
    """A stub of Splunk's HTTP event collector (`services/collector`, error codes of Splunk 9). An event with `bad` is invalid. Events are
    indexed as far as the invalid one, which is the worst that the documentation allows."""

    def __init__(self, token: str = "t0ken", *, acks: bool = False) -> None:
        self.token = token
        self.acks = acks
        self.index: Counter[str] = Counter()
        """How often each event was indexed, by host and id."""
        self.bodies: dict[str, Any] = {}
        self.pending: list[int] = []
        self.questions = 0
        self.slow = 1
        """How often an acknowledgement is asked for until it is given."""

    def __call__(self, asked: Asked) -> Answer:
        if asked.headers.get("Authorization") != f"Splunk {self.token}":
            return _told(403, "Invalid token", 4)
        if self.acks and not asked.headers.get("X-Splunk-Request-Channel"):
            return _told(400, "Data channel is missing", 10)
        if asked.path.startswith("/services/collector/ack?channel="):
            return self._ack(json.loads(asked.body)["acks"])
        if asked.path != "/services/collector/event":
            return _told(404, "The requested URL was not found on this server.", 404)
        for number, line in enumerate(asked.body.splitlines()):
            event = json.loads(line)
            if not event.get("event") or "bad" in event["event"]:
                return _told(400, "Invalid data format", 6, **{"invalid-event-number": number})
            key = f"{event['host']} {event['fields']['rid']}"
            self.index[key] += 1
            self.bodies[key] = event
        if not self.acks:
            return _told(200, "Success", 0)
        self.pending.append(self.slow)
        return _told(200, "Success", 0, ackId=len(self.pending) - 1)

    def _ack(self, numbers: list[int]) -> Answer:
        self.questions += 1
        found = {}
        for number in numbers:
            known = number < len(self.pending)
            found[str(number)] = known and self.pending[number] == 0
            if known and self.pending[number] > 0:
                self.pending[number] -= 1
        return Answer(200, json.dumps({"acks": found}).encode())


def _told(status: int, text: str, code: int, **more: object) -> Answer:
    return Answer(status, json.dumps({"text": text, "code": code, **more}).encode())


class Loki:
    """A stub of Loki's push API (3.x, JSON). It keeps one of several entries that are the same, takes the good ones of a request, and says
    400 with the last one that it did not take. Lines with `old` are too old, with `order` out of order."""

    def __init__(self, tenant: str | None = None) -> None:
        self.tenant = tenant
        self.entries: Counter[tuple[str, str, str]] = Counter()
        """How often each entry came: labels, nanoseconds, line."""

    def __call__(self, asked: Asked) -> Answer:
        if asked.path != "/loki/api/v1/push" or asked.headers.get("Content-Type") != "application/json":
            return Answer(404, b"404 page not found")
        if asked.headers.get("X-Scope-OrgID") != self.tenant:
            return Answer(401, b"no org id")
        trouble = b""
        for stream in json.loads(asked.body)["streams"]:
            labels = json.dumps(stream["stream"], sort_keys=True)
            for time, line in stream["values"]:
                if "old" in line:
                    trouble = b"entry for stream '%s' has timestamp too old: 1970-01-01" % labels.encode()
                elif "order" in line:
                    trouble = b"entry with timestamp 1970 ignored, reason: 'entry out of order' for stream: {}"
                else:
                    self.entries[labels, str(int(time)), line] += 1
        return Answer(400, trouble) if trouble else Answer(204)


class Datadog:
    """A stub of Datadog's logs intake (v2)."""

    def __init__(self, key: str = "k3y") -> None:
        self.key = key
        self.logs: list[Any] = []

    def __call__(self, asked: Asked) -> Answer:
        if asked.headers.get("DD-API-KEY") != self.key:
            return Answer(403, b'{"errors":[{"status":"403","title":"Forbidden"}]}')
        if asked.path != "/api/v2/logs" or asked.headers.get("Content-Encoding") != "gzip":
            return Answer(404)
        logs = json.loads(asked.body)
        if len(logs) > 1000 or len(asked.body) > 5_000_000:
            return Answer(413, b'{"errors":[{"status":"413","title":"Request Entity Too Large"}]}')
        self.logs += logs
        return Answer(202, b"{}")
