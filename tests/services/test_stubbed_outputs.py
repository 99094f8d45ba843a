"""`splunk_hec`, `loki` and `datadog`, against stubs: what their documentation says of requests and answers, and no real service."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import stubs
from collector import Answer, collecting
from delivering import delivered, made, ran, segment
from proxy import Fate, proxied
from real import Pipe, wait_until

from pipeline import api
from pipeline.testing import FakeContext


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Pipe]:
    made = Pipe(tmp_path, {})
    yield made
    for process in made.running:
        process.kill()
        process.wait()


def event(number: int, **more: object) -> str:
    return json.dumps({"host": "h", "event": {"n": number, **more}, "fields": {"rid": str(number)}})


def entry(number: int, line: str = "") -> str:
    return json.dumps({"stream": {"host": "h"}, "values": [[str(number), line or f"line {number}"]]})


def refused(result: api.Result) -> list[tuple[int, str]]:
    return [(refusal.row, refusal.reason) for refusal in result.refused]


# ── splunk_hec ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", ["", "/", "/services/collector", "/services/collector/event"])
def test_hec_takes_every_event(path: str) -> None:
    """At any spelling of the url."""
    stub = stubs.Hec()
    with collecting(stub) as server:
        (result,) = delivered(
            made(f"splunk_hec('{server.url}{path}', token: 't0ken')"), segment([event(n) for n in range(5)])
        )
    assert (result.accepted, dict(stub.index)) == (True, {f"h {n}": 1 for n in range(5)})


def test_hec_names_the_invalid_event_and_the_others_arrive() -> None:
    """Splunk may have indexed those before it: they come again, with the same id."""
    stub = stubs.Hec()
    with collecting(stub) as server:
        lines = [event(n, **({"bad": 1} if n in (3, 7) else {})) for n in range(10)]
        (result,) = delivered(made(f"splunk_hec('{server.url}', token: 't0ken')"), segment(lines))
    assert refused(result) == [(3, "refused"), (7, "refused")]
    assert result.refused[0].detail == "Invalid data format (code 6)"
    assert len(server.asked) == 5
    assert set(stub.index) == {f"h {n}" for n in range(10) if n not in (3, 7)}


def test_hec_waits_until_the_indexers_have_the_events() -> None:
    """Only then a segment is accepted; another one is asked for by its own numbers."""
    stub = stubs.Hec(acks=True)
    stub.slow = 3
    with collecting(stub) as server:
        output = made(f"splunk_hec('{server.url}', token: 't0ken', acks: true, events: 2)")
        segments = [segment([event(n) for n in range(first, first + 5)], first + 1) for first in (0, 5)]
        assert [result.accepted for result in delivered(output, *segments)] == [True, True]
    assert (stub.pending, stub.questions) == ([0] * 6, 8)
    assert dict(stub.index) == {f"h {n}": 1 for n in range(10)}


def test_hec_sends_again_what_is_not_acknowledged_in_time() -> None:
    stub = stubs.Hec(acks=True)
    stub.slow = 1_000_000
    ctx = FakeContext()
    with collecting(stub) as server:
        output = made(f"splunk_hec('{server.url}', token: 't0ken', acks: true, ack_timeout: 20s)")
        first, then = delivered(output, segment([event(1)]), tries=2, ctx=ctx)
    assert (first.accepted, then.accepted) == (False, False)
    assert first.reason == "1 requests were taken and not acknowledged in time, so all are sent again"
    assert 20 <= ctx.clock.monotonic() / 2 <= 30
    assert stub.index["h 1"] == 2


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (
            Answer(403, b'{"text":"Invalid token","code":4}'),
            "403 Forbidden (check the token: this server does not know it)",
        ),
        (Answer(400, b'{"text":"Incorrect index","code":7,"invalid-event-number":0}'), "check `index`"),
        (Answer(400, b'{"text":"ACK is disabled","code":14}'), "enable it, or leave `acks` out"),
        (Answer(400, b'{"text":"Data channel is missing","code":10}'), "write `acks: true`"),
        (Answer(503, b'{"text":"Server is busy","code":9}'), "it is busy, and asked again later"),
        (Answer(500, b"not json"), "500 Internal Server Error (the server failed): not json"),
        (Answer(404, b"{}"), "check the url"),
        (Answer(200, b'{"text":"Success","code":0}'), "enable it, or leave `acks` out"),
    ],
    ids=["token", "index", "no acks", "channel", "busy", "500", "404", "no ack id"],
)
def test_hec_says_what_is_wrong_and_loses_nothing(answer: Answer, told: str) -> None:
    stub = stubs.Hec(acks=True)
    with collecting(stub) as server:
        server.answers = [answer]
        output = made(f"splunk_hec('{server.url}', token: 't0ken', acks: true)")
        first, then = delivered(output, segment([event(1), event(2)]), tries=2)
    assert (first.accepted, told in first.reason, first.reason) == (False, True, first.reason)
    assert (then.accepted, then.refused, dict(stub.index)) == (True, (), {"h 1": 1, "h 2": 1})


@pytest.mark.parametrize(
    "fate", [Fate(reset=True), Fate(lost=True), Fate(endless=True)], ids=["reset", "lost", "endless"]
)
def test_hec_asks_again_when_the_answer_about_acknowledgements_is_lost(fate: Fate) -> None:
    """Without sending events again."""
    stub = stubs.Hec(acks=True)
    with collecting(stub) as server, proxied(server.port) as proxy:
        proxy.meets(fate, concerns=lambda line: "/ack?" in line)
        (result,) = delivered(made(f"splunk_hec('{proxy.url}', token: 't0ken', acks: true)"), segment([event(1)]))
    assert (result.accepted, stub.index["h 1"]) == (True, 1)


def test_hec_is_complete_after_kills_of_both_sides(agent: Pipe) -> None:
    """Our process is killed, and the server started anew, which forgets what it had not acknowledged: each event is there, and those
    that came twice have the same id."""
    stub = stubs.Hec(acks=True)
    (agent.folder / "in.log").write_text("".join(f"line {number}\n" for number in range(6_000)))
    with collecting(stub) as server:
        (agent.folder / "p.pipe").write_text(
            f"source log = file('in.log')\nsink away = log -> splunk_hec('{server.url}', token: 't0ken', acks: true, events: 100, ack_timeout: 1s)\n"
        )
        process = agent.start("run", "p.pipe", "--once")
        wait_until(lambda: len(stub.index) > 1000, 60, "some events")
        agent.end(process, signal.SIGKILL)
        process = agent.start("run", "p.pipe", "--once", "--timeout", "60s")
        before = sum(stub.index.values())
        wait_until(lambda: sum(stub.index.values()) >= before + 1000, 60, "some more")
        server.stop()
        stub.pending.clear()
        server.start()
        assert process.wait(90) == 0
    assert len(stub.index) == 6_000
    found = {stub.bodies[key]["event"]["@raw"] for key in stub.index}
    assert found == {f"line {number}" for number in range(6_000)}


# ── loki ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_loki_names_the_lines_that_it_does_not_take() -> None:
    """Too old and out of order, with its words; the others are there."""
    stub = stubs.Loki("team")
    lines = [entry(n, {3: "old", 8: "order"}.get(n, "")) for n in range(20)]
    with collecting(stub) as server:
        (result,) = delivered(made(f"loki('{server.url}', tenant: 'team')"), segment(lines))
    assert refused(result) == [(3, "too_old"), (8, "out_of_order")]
    assert "has timestamp too old: 1970-01-01" in result.refused[0].detail
    assert set(stub.entries) == {('{"host": "h"}', str(n), f"line {n}") for n in range(20) if n not in (3, 8)}


def test_loki_waits_at_its_rate_limit_and_without_a_tenant() -> None:
    stub = stubs.Loki("team")
    with collecting(stub) as server:
        server.answers = [Answer(429, b"Ingestion rate limit exceeded", {"Retry-After": "3"})]
        first, then = delivered(made(f"loki('{server.url}', tenant: 'team')"), segment([entry(1)]), tries=2)
        (without,) = delivered(made(f"loki('{server.url}')"), segment([entry(1)]))
    assert (first.accepted, first.after, then.accepted) == (False, 3.0, True)
    assert (without.accepted, "name the `tenant`" in without.reason) == (False, True)


def test_loki_gets_labels_that_templates_say(tmp_path: Path) -> None:
    """From the file to the stream: names, values, the record as the line."""
    stub = stubs.Loki()
    (tmp_path / "in.log").write_text("GET a b\nPOST c\n")
    with collecting(stub) as server:
        program = f"""source log = file("{tmp_path}/in.log")
transform parsed = log | dissect('%{{method}} %{{rest}}') | set {{ @timestamp = time('2026-01-31') }} | keep(method)
sink away = parsed -> loki('{server.url}', labels: {{app: 'shop', m: "m-{{method}}"}})
"""
        assert ran(program, tmp_path) == []
    labels = {"app": "shop", "host": socket.gethostname()}
    assert [(json.loads(stream), time, line) for stream, time, line in stub.entries] == [
        ({**labels, "m": "m-GET"}, "1769817600000000000", "GET a b"),
        ({**labels, "m": "m-POST"}, "1769817600000000000", "POST c"),
    ]


@pytest.mark.parametrize("label", ["host", "a-b"])
def test_loki_has_no_such_label(label: str) -> None:
    with pytest.raises(AssertionError, match=f"`{label}` cannot be a label of yours"):
        made(f"loki('http://h', labels: {{'{label}': 'x'}})")


# ── datadog ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_datadog_gets_at_most_a_thousand_logs_at_once(tmp_path: Path) -> None:
    """2,500 lines, packed, each with what the service sorts by."""
    stub = stubs.Datadog()
    (tmp_path / "in.log").write_text("".join(f'{{"n":{n},"service":"mine"}}\n' for n in range(2_500)))
    with collecting(stub) as server:
        program = f"""source log = file("{tmp_path}/in.log")
transform parsed = log | json(schema: {{n: int, service: string}})
sink away = parsed -> datadog(api_key: 'k3y', source: 'nginx', service: 'other', tags: ['env:test', 'team:web'], url: '{server.url}')
"""
        assert ran(program, tmp_path) == []
        assert [len(json.loads(asked.body)) for asked in server.asked] == [1000, 1000, 500]
    assert [log["n"] for log in stub.logs] == list(range(2_500))
    log = stub.logs[0]
    assert {name: log[name] for name in ("service", "ddsource", "ddtags", "message")} == {
        "service": "mine",
        "ddsource": "nginx",
        "ddtags": "env:test,team:web",
        "message": f'{{"n":{log["n"]},"service":"mine"}}',
    }
    assert len({(log["hostname"], log["rid"]) for log in stub.logs}) == 2_500


def test_datadog_says_that_the_key_is_wrong() -> None:
    """Without the key."""
    with collecting(stubs.Datadog()) as server:
        (result,) = delivered(made(f"datadog(api_key: 'geheim', url: '{server.url}')"), segment(["{}"]))
    assert (result.accepted, "check the credentials" in result.reason, "geheim" in result.reason) == (
        False,
        True,
        False,
    )


@pytest.mark.parametrize("option", ["events: 1001", "size: 6MiB"])
def test_datadog_takes_no_larger_requests(option: str) -> None:
    with pytest.raises(AssertionError, match="must be at most"):
        made(f"datadog(api_key: 'k', {option})")
