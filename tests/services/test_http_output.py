"""The `http` output: against a server in the test, with a bad network between."""

from __future__ import annotations

import json
import signal
import time
from collections import Counter
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import pytest
from collector import Answer, Asked, Collector, collecting
from delivering import delivered, made, numbered, segment
from proxy import Fate, Proxy, proxied
from real import Pipe, wait_until

from pipeline.lang import Source
from pipeline.plan.catalog import Catalog
from pipeline.plan.load import load
from pipeline.testing import FakeContext

SECRET = "s3cr3t-t0ken"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as made:
        yield made


@pytest.fixture
def proxy(collector: Collector) -> Iterator[Proxy]:
    with proxied(collector.port) as made:
        yield made


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Pipe]:
    made = Pipe(tmp_path, {"TOKEN": SECRET})
    yield made
    for process in made.running:
        process.kill()
        process.wait()


def numbers(collector: Collector) -> list[int]:
    return [event["n"] for event in collector.events]


@pytest.mark.parametrize(
    "options", ["", "compression: gzip", "compression: zstd", "body: array, compression: gzip", "method: 'PUT'"]
)
def test_every_event_arrives_once_in_order(collector: Collector, options: str) -> None:
    """Whatever the body is, over one connection that stays open; keys are names of the segment's parts."""
    output = made(f"http('{collector.url}/x?y=1', events: 100{f', {options}' if options else ''})")
    assert [result.accepted for result in delivered(output, segment(numbered(250)), segment(numbered(10, 250), 2))] == [
        True,
        True,
    ]
    assert numbers(collector) == list(range(260))
    assert list(collector.taken) == ["o-000001/0-99", "o-000001/100-199", "o-000001/200-249", "o-000002/0-9"]
    assert {asked.path for asked in collector.asked} == {"/x?y=1"}
    assert {asked.method for asked in collector.asked} == {"PUT" if "PUT" in options else "POST"}
    assert collector.connections == 1


def test_requests_are_bounded_by_bytes_and_events(collector: Collector) -> None:
    """An event that is larger than a request may be is sent alone."""
    lines = ['"aaaaaaa"'] * 5 + [f'"{"b" * 50}"'] + ['"aaaaaaa"'] * 2
    delivered(made(f"http('{collector.url}', events: 3, size: 30)"), segment(lines))
    assert [len(asked.events) for asked in collector.asked] == [3, 2, 1, 2]
    assert [event for asked in collector.asked for event in asked.events] == [json.loads(line) for line in lines]


def test_a_segment_is_cut_as_it_was_begun(collector: Collector) -> None:
    """A program with other limits gives each request the name that it had, so that a server knows it."""
    first = made(f"http('{collector.url}', events: 2)")
    sealed = segment(numbered(4), form=first.layout.form)
    delivered(first, sealed)
    delivered(made(f"http('{collector.url}', events: 3)"), sealed)
    assert [asked.headers["Idempotency-Key"] for asked in collector.asked] == ["o-000001/0-1", "o-000001/2-3"] * 2
    assert numbers(collector) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("fate", "told"),
    [
        (
            Fate(301, headers="Location: https://elsewhere/x?key=1\r\n"),
            "write the url that it redirects to, https://elsewhere/x)",
        ),
        (Fate(401), "check the credentials"),
        (Fate(403, body=b"no\nrights"), "what they may do): no rights"),
        (Fate(404), "check the url: nothing takes events there"),
        (Fate(415), "check format and compression"),
        (Fate(429, headers="Retry-After: 7\r\n"), "429 Fated (it is busy"),
        (Fate(500), "500 Fated (the server failed)"),
        (Fate(400, body=b"<title>400 No required SSL certificate was sent</title>"), "check certificates"),
        (Fate(reset=True), "127.0.0.1:"),
        (Fate(lost=True), "127.0.0.1:"),
        (Fate(endless=True), "has more than 1,048,576 bytes"),
    ],
    ids=["301", "401", "403", "404", "415", "429", "500", "mtls", "reset", "lost", "endless"],
)
def test_whatever_happens_to_a_request_it_is_sent_again_and_no_other(
    collector: Collector, proxy: Proxy, fate: Fate, told: str
) -> None:
    """The second of three requests meets it: the reason says what to do, and the next try goes on there, with the same key."""
    seen = Counter[str]()

    def second(line: str) -> bool:
        seen[line] += 1
        return seen[line] == 2

    proxy.meets(fate, concerns=second)
    first, then = delivered(made(f"http('{proxy.url}/x', events: 10)"), segment(numbered(30)), tries=2)
    assert (first.accepted, then.accepted, then.refused) == (False, True, ())
    assert told in first.reason
    assert first.after == (7 if fate.status == 429 else 1)
    assert numbers(collector) == list(range(30))
    assert len(proxy.seen) == 4
    assert len(collector.asked) == (4 if fate.lost else 3)


@pytest.mark.parametrize(
    ("header", "after"),
    [
        ("120", 120.0),
        ("99999999999999", 300.0),
        ("0", 0.0),
        ("soon", 1.0),
        ("-5", 1.0),
        ("²", 1.0),
        ("in 90 s", 90.0),
        ("a year ago", 0.0),
        ("Tue, 99 Nov 2026 00:00:00 GMT", 1.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(collector: Collector, header: str, after: float) -> None:
    """What is neither is one second; nobody may ask for more than five minutes."""
    ctx = FakeContext()
    now = ctx.clock.now() / 1e6
    dates = {"in 90 s": formatdate(now + 90, usegmt=True), "a year ago": formatdate(now - 3e7, usegmt=True)}
    told = dates.get(header, header).encode().decode("latin-1")
    collector.answers = [Answer(503, headers={"Retry-After": told})]
    (result,) = delivered(made(f"http('{collector.url}')"), segment(numbered(1)), ctx=ctx)
    assert (result.accepted, round(result.after)) == (False, after)


def refusing(collector: Collector, status: int = 400) -> None:
    """From now on a request with a `bad` event is refused."""

    def handle(asked: Asked) -> Answer:
        bad = b"bad" in asked.body
        return Answer(status, b"a bad one") if bad else collector.keep(asked)

    collector.handle = handle


@pytest.mark.parametrize("status", [400, 422])
def test_events_that_the_server_refuses_are_found_and_named(collector: Collector, status: int) -> None:
    """All others arrive once, in order; and so it is if it is all done again."""
    refusing(collector, status)
    lines = numbered(1000)
    for place in (0, 499, 500, 501, 999):
        lines[place] = '{"bad":1}'
    output = made(f"http('{collector.url}')")
    for _ in range(2):
        (result,) = delivered(output, segment(lines))
        assert result.accepted
        assert [(refusal.row, refusal.reason, refusal.detail) for refusal in result.refused] == [
            (place, "refused", f"{status} a bad one") for place in (0, 499, 500, 501, 999)
        ]
        assert numbers(collector) == [number for number in range(1000) if number not in (0, 499, 500, 501, 999)]


def test_a_segment_that_is_refused_altogether_is_set_aside_and_gone_on_with(collector: Collector) -> None:
    """After 200 events something else is wrong than they; what was found so far is kept for the next try."""
    refusing(collector)
    output = made(f"http('{collector.url}')")
    first, then = delivered(output, segment(['{"bad":1}'] * 300 + numbered(5)), tries=2)
    assert first.reason.startswith("set aside: more than 200 events of one segment are refused")
    assert len(collector.asked) < 1000
    assert [refusal.row for refusal in then.refused] == list(range(300))
    assert numbers(collector) == list(range(5))


def test_a_request_that_is_too_large_is_sent_in_halves(collector: Collector) -> None:
    """Down to an event, which the destination will never take. The log says it once."""

    def handle(asked: Asked) -> Answer:
        return Answer(413) if len(asked.body) > 60 else collector.keep(asked)

    collector.handle = handle
    lines = [*numbered(20), '{"n":"' + "x" * 100 + '"}', *numbered(20, 20)]
    ctx = FakeContext()
    (result,) = delivered(made(f"http('{collector.url}')"), segment(lines), ctx=ctx)
    assert [(refusal.row, refusal.reason) for refusal in result.refused] == [(20, "too_large")]
    assert numbers(collector) == list(range(40))
    assert [message for _, message, _ in ctx.log.said] == [
        "the server takes no requests of this size, so they are sent in halves: lower `size` or `events`"
    ]


def test_only_a_server_that_knows_keys_promises_exactly_once() -> None:
    assert made("http('http://h/')").guarantee()[0] == "at least once"
    assert made("http('http://h/', idempotent: true)").guarantee()[0] == "exactly once"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("'ftp://h/'", "this is no http url"),
        ("'http://u:p@h/'", "credentials do not belong into the url"),
        ("'http://h/', format: raw", "raw does not make a line of each event"),
        ("'http://h/', format: parquet", "parquet does not make a line of each event"),
        ("'http://h/', format: csv", "csv does not make a line of each event"),
        ("'http://h/', format: logfmt, body: array", "a JSON array is made of JSON"),
        ("'http://h/', token: 'a', user: 'b', password: 'c'", "a token and a user at once"),
        ("'http://h/', user: 'b'", "`user` and `password` belong together"),
        ("'http://h/', token: 'a\\nX: b'", "this cannot be in a header"),
        ("'http://h/', headers: {'X-A': 'a\\nB: c'}", "this cannot be in a header"),
        ("'http://h/', headers: {'X A': 'b'}", "`X A`: this is no name of a header"),
        ("'http://h/', headers: {'idempotency-key': 'b'}", "this output sets it"),
        ("'http://h/', proxy: 'socks5://h:1'", "this is no url of an http proxy"),
        ("'http://h/', key: 'k.pem'", "a key without its certificate"),
    ],
)
def test_what_cannot_be_is_told_before_anything_runs(options: str, told: str) -> None:
    """By the checker."""
    program = f"source s = generate(count: 1)\nsink o = s -> http({options.replace(chr(39), chr(34))})"
    found = load(Source("p", program), catalog=Catalog.installed())
    assert [diagnostic.message for diagnostic in found.diagnostics if told in diagnostic.message] != [], (
        found.diagnostics
    )


def program(agent: Pipe, url: str, options: str = "", count: int = 20_000) -> None:
    (agent.folder / "in.log").write_text("".join(f'{{"n":{number}}}\n' for number in range(count)))
    (agent.folder / "p.pipe").write_text(
        f"""source log = file("in.log")
transform parsed = log | json(schema: {{n: int}})
sink away = parsed -> http("{url}", token: env('TOKEN'), headers: {{'X-Key': env('TOKEN')}}{options})
sink kept = parsed -> file("kept.ndjson")
"""
    )


def test_secrets_are_never_told(collector: Collector, agent: Pipe) -> None:
    """A server that repeats them is quoted without; another sink goes on."""
    program(agent, f"{collector.url}/hooks/{SECRET}?key={SECRET}", count=10)
    collector.handle = lambda asked: Answer(401, json.dumps(asked.headers).encode(), {"Location": SECRET})
    done = agent.run("run", "p.pipe", "--once", "--timeout", "1s")
    explained = agent.run("explain", "p.pipe")
    assert (done.returncode, explained.returncode) == (75, 0)
    assert "check the credentials" in done.stderr
    assert "Bearer" in json.dumps([asked.headers for asked in collector.asked])
    assert SECRET not in done.stderr + done.stdout + explained.stdout + explained.stderr
    assert (agent.folder / "kept.ndjson").read_text().count("\n") == 10
    assert [
        path.name
        for path in (agent.folder / ".pipe").rglob("*")
        if path.is_file() and SECRET.encode() in path.read_bytes()
    ] == []
    output = made(
        f"http('http://h/?{SECRET}', token: '{SECRET}', headers: {{'X-Key': '{SECRET}'}}, proxy: 'http://u:{SECRET}@h:1')"
    )
    assert SECRET not in repr(output.options) + repr(output) + repr(output.describe())


def test_the_library_is_asked_for_when_it_is_missing(collector: Collector, agent: Pipe) -> None:
    """With the command that installs it."""
    (agent.folder / "aiohttp.py").write_text("raise ImportError(name='aiohttp')\n")
    agent.environment["PYTHONPATH"] = f"{agent.folder}:{agent.environment.get('PYTHONPATH', '')}"
    program(agent, collector.url, count=1)
    done = agent.run("run", "p.pipe", "--once")
    assert (done.returncode, "pip install 'pipe-engine[http]'" in done.stderr) == (78, True)


def test_kills_and_a_server_that_restarts_lose_nothing(collector: Collector, agent: Pipe) -> None:
    """20,000 events; the process is killed in the middle, the server stopped and started: complete, and exact by key."""
    program(agent, collector.url, ", events: 250, idempotent: true")
    slowly(collector)
    process = agent.start("run", "p.pipe", "--once")
    wait_until(lambda: len(collector.taken) >= 15, 60, "some requests")
    agent.end(process, signal.SIGKILL)
    killed_at = len(collector.asked)
    process = agent.start("run", "p.pipe", "--once", "--timeout", "60s")
    wait_until(lambda: len(collector.asked) >= killed_at + 20, 60, "some more")
    collector.stop()
    time.sleep(0.2)
    collector.start()
    assert process.wait(60) == 0
    assert sorted(numbers(collector)) == list(range(20_000))
    assert len(collector.asked) > len(collector.taken)


def slowly(collector: Collector) -> None:
    """A server that takes its time, so that there is a middle."""

    def handle(asked: Asked) -> Answer:
        time.sleep(0.005)
        return collector.keep(asked)

    collector.handle = handle
