"""opensearch: what is sent, without a cluster (tests/services have one)."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Mapping
from typing import Any

import polars as pl
import pytest
from pipeline_plugins.clients import web
from pipeline_plugins.clients.answers import Reply
from pipeline_plugins.outputs.opensearch import OpenSearch, Options, _authorization
from pipeline_plugins.outputs.opensearch.actions import named
from pipeline_plugins.outputs.opensearch.bulk import Bulk
from pipeline_plugins.outputs.opensearch.templates import template

from pipeline import api
from pipeline.testing.contexts import FakeContext

EVENTS = api.Columns({"x": api.INT})
FACTS = api.Columns({
    "id": api.STRING, "value": api.FLOAT, "revision": api.INT, "part": api.INT, "host": api.STRING, "retracted": api.BOOL,
})  # fmt: skip
TIME = pl.Series([0]).cast(pl.Datetime("us", "UTC"))


def index(text: str = "logs", *holes: api.Hole) -> api.Template:
    return api.Template((text, *holes), text)


def output(columns: api.Columns, **options: Any) -> OpenSearch:
    made = OpenSearch(Options(url="http://h:9200", index=index(), **options))
    made.schema(columns)
    return made


def frame(rows: list[dict[str, object]], columns: api.Columns) -> pl.DataFrame:
    kinds = {name: api.dtype(kind) for name, kind in columns.fields.items()}
    return pl.DataFrame(rows, schema=kinds).with_columns(TIME.new_from_index(0, len(rows)).alias("@timestamp"))


def segment(data: bytes, rows: int, name: str = "logs-1", path: str = "logs") -> api.Segment:
    return api.Segment("s", 1, name=name, rows=rows, size=len(data), sha256="", ranges=(), path=path, data=data)


def fact(id: str | None, revision: int | None, *, retracted: bool | None = None) -> dict[str, object]:
    return {"id": id, "value": 0.5, "revision": revision, "part": None, "host": "h", "retracted": retracted}


def test_events_are_created_under_the_name_of_their_segment() -> None:
    """So no two have the same id: not in another segment, sink or state, and not when one record comes on two ways."""
    made = output(EVENTS)
    data = made.encode(frame([{"x": 1}, {"x": 1}], EVENTS))
    events = made.events(data)
    assert (b"".join(events), len(events)) == (data, 2)
    ids = [
        json.loads(event.splitlines()[0])["create"]["_id"]
        for name in ("logs-1", "logs-2")
        for event in named(segment(data, 2, name), events)
    ]
    assert len({*ids}) == 4
    assert named(segment(data, 2), events) == named(segment(data, 2), events)
    assert [json.loads(event.splitlines()[1])["x"] for event in events] == [1, 1]


def test_facts_have_their_id_and_revision() -> None:
    """One that is taken back is deleted; what is no fact in the same sink, or cannot be a version, is created."""
    made = output(FACTS)
    rows = [
        fact("a", 3), fact("b", 2, retracted=True), fact(None, None), fact("c", -1), fact("d" * 513, 1), fact('"', 1),
    ]  # fmt: skip
    events = made.events(made.encode(frame(rows, FACTS)))
    actions = [json.loads(event.splitlines()[0]) for event in events]
    external = {"version_type": "external"}
    assert actions == [
        {"index": {"_id": "a", "version": 3, **external}},
        {"delete": {"_id": "b", "version": 2, **external}},
        {"create": {}},
        {"create": {}},
        {"create": {}},
        {"index": {"_id": '"', "version": 1, **external}},
    ]
    assert [event.count(b"\n") for event in events] == [2, 1, 2, 2, 2, 2]
    without = api.Columns({name: kind for name, kind in FACTS.fields.items() if name != "part"})
    assert output(without).encode(frame([fact("a", 3)], FACTS)).startswith(b'{"create":{}}\n')


class Recorded(web.Client):
    """Answers 201 to each event, and 413 to requests of more than `most` bytes."""

    def __init__(self, most: int = 1 << 30, answer: bytes | None = None) -> None:
        self.most = most
        self.answer = answer
        self.sent: list[tuple[str, int]] = []

    async def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        assert headers["Content-Encoding"] == "gzip"
        body = gzip.decompress(body)
        count = body.count(b'{"create"')
        self.sent.append((url, count))
        if len(body) > self.most:
            return Reply(413, "", {}, "too much")
        items = json.dumps({"items": [{"create": {"status": 201}}] * count})
        return Reply(200, "", {}, self.answer.decode() if self.answer else items)


def sent(client: Recorded, rows: int, *, size: int = 1 << 20, events: int = 1000, path: str = "logs") -> api.Result:
    made = output(EVENTS)
    data = made.encode(frame([{"x": number} for number in range(rows)], EVENTS))
    bulk = Bulk(client, FakeContext(), "http://h:9200", {}, None, size=size, events=events)
    return asyncio.run(bulk.send(segment(data, rows, path=path), made.events(data)))


def test_requests_have_so_many_events_and_bytes() -> None:
    """The last one has the rest; one event goes alone where it is larger."""
    client = Recorded()
    assert sent(client, 25, events=10) == api.Result()
    assert [count for _, count in client.sent] == [10, 10, 5]
    client = Recorded()
    sent(client, 4, size=1)
    assert [count for _, count in client.sent] == [1] * 4


def test_a_request_that_is_too_large_is_halved_down_to_one_event() -> None:
    """Which is refused; those that fit are sent."""
    client = Recorded(most=250)
    assert sent(client, 5).accepted
    assert [count for _, count in client.sent] == [5, 2, 3, 1, 2]
    result = sent(Recorded(most=10), 2)
    assert [(refusal.row, refusal.reason) for refusal in result.refused] == [(0, "too_large"), (1, "too_large")]


def test_a_segment_goes_on_where_a_try_came_to_its_end() -> None:
    """So that it comes to its own end on a bad network; a broken connection is tried once more at once, and said then."""
    client = Recorded()
    made = output(EVENTS)
    data = made.encode(frame([{"x": number} for number in range(25)], EVENTS))
    bulk = Bulk(client, FakeContext(), "http://h:9200", {}, None, size=1 << 20, events=10)
    answered = client.send
    failures = iter([False, True, False, True, True, False])

    async def send(*arguments: Any) -> Reply:
        if next(failures):
            raise ConnectionResetError("gone")
        return await answered(*arguments)

    client.send = send  # type: ignore[method-assign]
    with pytest.raises(ConnectionResetError):
        asyncio.run(bulk.send(segment(data, 25), made.events(data)))
    assert [count for _, count in client.sent] == [10, 10]
    assert asyncio.run(bulk.send(segment(data, 25), made.events(data))) == api.Result()
    assert [count for _, count in client.sent] == [10, 10, 5]


def test_an_index_is_in_lower_case_and_one_part_of_the_address() -> None:
    """No value of an event leads elsewhere."""
    client = Recorded()
    sent(client, 1, path="logs-Web/../_all?x%2Fy")
    assert client.sent[0][0].startswith("http://h:9200/logs-web%2F..%2F_all%3Fx%252fy/_bulk?")


@pytest.mark.parametrize(
    "answer", [b"", b"<html>", b"{}", b"[]", b'{"items":[]}', b'{"items":[{}]}', b'{"items":[{"create":{}}]}', b"null"]
)
def test_an_answer_that_is_none_is_no_yes(answer: bytes) -> None:
    """A proxy that says 200 to everything takes nothing."""
    result = sent(Recorded(answer=answer or b" "), 1)
    assert not result.accepted
    assert "200, but " in result.reason


def item(status: int, kind: str = "", reason: str = "") -> bytes:
    error = {"error": {"type": kind, "reason": reason}} if kind else {}
    return json.dumps({"items": [{"create": {"status": status, **error}}]}).encode()


@pytest.mark.parametrize(
    ("answer", "refused", "accepted"),
    [
        (item(409, "version_conflict_engine_exception"), [], True),
        (item(400, "strict_dynamic_mapping_exception"), ["strict_dynamic_mapping_exception"], True),
        (item(400, "illegal_argument_exception", "Limit of total fields"), ["illegal_argument_exception"], True),
        (item(400, "illegal_argument_exception", "no write index is defined for alias [logs]"), [], False),
        (item(400, "illegal_argument_exception", "pipeline with id [p] does not exist"), [], False),
        (item(400, "validation_exception", "maximum shards open"), [], False),
        (item(400, "index_closed_exception"), [], False),
        (item(400, "invalid_index_name_exception"), [], False),
        (item(403, "cluster_block_exception"), [], False),
        (item(404, "index_not_found_exception"), [], False),
        (item(429, "rejected_execution_exception"), [], False),
        (item(503, "unavailable_shards_exception"), [], False),
    ],
)
def test_only_what_an_event_has_by_itself_makes_it_a_dead_letter(
    answer: bytes, refused: list[str], accepted: bool
) -> None:
    """All else can be mended at the cluster, and waits."""
    result = sent(Recorded(answer=answer), 1)
    assert result.accepted == accepted
    assert [refusal.reason for refusal in result.refused] == refused


def test_a_template_maps_the_columns() -> None:
    """Of the indices that begin like this one; what is in lists and records, too; types that nobody knows are left out."""
    columns = api.Columns(
        {"n": api.INT, "tags": api.list_of(api.STRING), "in": api.record({"t": api.DURATION}), "any": api.JSON}
    )
    hole = api.Hole(api.Field(("n",), api.INT))
    made: Any = template(index("Logs-", hole), columns, ["@raw"])
    assert (made["index_patterns"], template(index(), columns, [])["index_patterns"]) == (["logs-*"], ["logs"])
    properties = made["template"]["mappings"]["properties"]
    assert properties == {
        "n": {"type": "long"},
        "tags": {"type": "keyword", "ignore_above": 8191},
        "in": {"properties": {"t": {"type": "double"}}},
        "@timestamp": {"type": "date"},
        "@raw": {"type": "keyword", "ignore_above": 8191},
    }


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"url": "h:9200"}, "this is no http url"),
        ({"url": "http://h:port"}, "this is no http url"),
        ({"url": "https://me:secret@h"}, "credentials do not belong into the url"),
        ({"url": "http://h/?x=1"}, "this url has more than a path"),
        ({"index": api.Template((api.Hole(api.Field(("x",), api.STRING)),), "{x}")}, "the index begins with a field"),
        ({"index": index("logs/x")}, "no index has a '/' in its name"),
        ({"index": index("_logs")}, "no index has a '_' in its name"),
        (
            {"index": index("logs-", api.Hole(api.Field(("@timestamp",), api.TIME), "%H:%M"))},
            "no index has a ':' in its name",
        ),
        ({"user": "me"}, "`user` and `password` belong together"),
        ({"password": "secret"}, "`user` and `password` belong together"),
        ({"user": "me", "password": "secret", "api_key": "k"}, "there is a user already"),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], told: str) -> None:
    """No message has a secret in it."""
    with pytest.raises(api.OptionError, match=told) as caught:
        OpenSearch(Options(**{"url": "http://h", "index": index(), **options}))
    assert "secret" not in f"{caught.value.message} {caught.value.help}"


def test_credentials_are_a_header() -> None:
    made = {"url": "http://h", "index": index()}
    assert _authorization(Options(**made)) == {}
    assert _authorization(Options(**made, user="me", password="ü")) == {"Authorization": "Basic bWU6w7w="}
    assert _authorization(Options(**made, api_key="abc")) == {"Authorization": "ApiKey abc"}


def test_certificates_that_cannot_be_read_are_named_at_the_start(tmp_path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    made = OpenSearch(Options(url="https://h:9200", index=index(), ca=str(tmp_path / "ca.pem")))
    with pytest.raises(api.ConfigurationError, match="a certificate cannot be used"):
        asyncio.run(made.open(FakeContext()))
