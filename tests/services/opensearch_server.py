"""What is in the indices of a cluster, as anybody sees it who asks over HTTP."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any

from servers import Server


@dataclass
class Cluster:
    """An OpenSearch server."""

    port: int
    server: Server

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """An answer, which is none of an error."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            given = None if body is None else json.dumps(body)
            connection.request(method, path, given, {"Content-Type": "application/json"} if given else {})
            reply = connection.getresponse()
            told = json.loads(reply.read() or b"{}")
            assert reply.status < 300, told
            return told
        finally:
            connection.close()

    def clean(self) -> None:
        """No index is left."""
        self.ask("DELETE", "/_all?expand_wildcards=open,closed")

    def documents(self, index: str) -> list[dict[str, Any]]:
        """Each with its `_index`, `_id` and `_version`, in the order of their ids."""
        self.ask("POST", f"/{index}/_refresh")
        found: list[dict[str, Any]] = []
        query: dict[str, object] = {"size": 10_000, "version": True, "sort": ["_id"], "query": {"match_all": {}}}
        while page := self.ask("POST", f"/{index}/_search", query)["hits"]["hits"]:
            found += [
                {**hit["_source"], "_index": hit["_index"], "_id": hit["_id"], "_version": hit["_version"]}
                for hit in page
            ]
            query["search_after"] = page[-1]["sort"]
        return found
