"""The `opensearch` output against a real cluster, with a bad network between."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opensearch_server import Cluster
from proxy import Fate, Proxy, proxied
from real import Pipe, wait_until
from servers import free_port

from pipeline.plan.catalog import Catalog

COUNT = 20_000
LINES = b"".join(b'{"n":%d,"text":"%s"}\n' % (number, b"x" * (number % 97)) for number in range(COUNT))


@pytest.fixture
def cluster(opensearch: Cluster) -> Cluster:
    opensearch.clean()
    return opensearch


@pytest.fixture
def proxy(cluster: Cluster) -> Iterator[Proxy]:
    with proxied(cluster.port) as made:
        yield made


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Pipe]:
    made = Pipe(tmp_path, {})
    (tmp_path / "in.log").write_bytes(LINES)
    yield made
    for process in made.running:
        process.kill()
        process.wait()


def program(agent: Pipe, url: str, options: str = "", schema: str = "n: int") -> None:
    (agent.folder / "p.pipe").write_text(
        f'source log = file("in.log")\ntransform parsed = log | json(schema: {{{schema}}})\n'
        f'sink search = parsed -> opensearch("{url}", index: "logs"{options})\n'
    )


def once(agent: Pipe, code: int = 0, timeout: str = "60s") -> str:
    done = agent.run("run", "p.pipe", "--once", "--timeout", timeout)
    assert done.returncode == code, done.stderr
    return done.stderr


def numbers(cluster: Cluster) -> list[int]:
    return sorted(document["n"] for document in cluster.documents("logs"))


def letters(agent: Pipe) -> list[dict[str, Any]]:
    done = agent.run("dlq", "show", "p.pipe")
    return [json.loads(line) for line in done.stdout.splitlines()]


def refused(agent: Pipe) -> dict[str, int]:
    """The row of the sink in a balance that adds up."""
    done = agent.run("audit", "p.pipe", "--format", "json")
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)["sinks"]
    return {name: count for name, count in row.items() if isinstance(count, int) and count}


def test_the_example_runs_with_an_index_template(cluster: Cluster, agent: Pipe) -> None:
    """As it is on the plugin's page, at this cluster. The template maps the columns."""
    example = Catalog.installed().output("opensearch").example.replace("http://localhost:9200", cluster.url)
    (agent.folder / "p.pipe").write_text(example.replace("index:", 'template: "access", metadata: [@rid], index:'))
    once(agent)
    found = cluster.documents("access-*")
    assert len(found) >= 98
    mappings = cluster.ask("GET", "/access-*/_mapping")
    (properties,) = [told["mappings"]["properties"] for told in mappings.values()]
    assert (properties["status"], properties["@timestamp"]) == ({"type": "long"}, {"type": "date"})
    assert {properties[name]["type"] for name in ("remote_addr", "path", "@rid")} == {"keyword"}
    cluster.ask("DELETE", "/_index_template/access")


def test_facts_are_documents_of_their_highest_revision(cluster: Cluster, agent: Pipe) -> None:
    """By their id; a later revision takes the place of the earlier, and a session that is taken back is gone."""
    (agent.folder / "p.pipe").write_text(f"""
source log = file("in.log")
transform timed = log | json(schema: {{ts: string, who: string}}) | set {{ @timestamp = time(ts) }}
transform counts = timed | window(10s) by who {{ n = count() }}
transform visits = timed | session(30s) by who {{ n = count() }}
sink a = counts -> opensearch("{cluster.url}", index: "facts-{{window_start:%Y.%m.%d}}")
sink b = visits -> opensearch("{cluster.url}", index: "facts-visits")
sink kept = [counts, visits] -> file("facts.ndjson")
""")

    def line(second: int, who: str) -> bytes:
        return b'{"ts":"2026-01-01T00:%02d:%02dZ","who":"%s"}\n' % (second // 60, second % 60, who.encode())

    first = [line(second, "ann") for second in (0, 1, 15, 60, 61)] + [line(second, "bob") for second in (2, 70)]
    (agent.folder / "in.log").write_bytes(b"".join(first))
    once(agent)
    with (agent.folder / "in.log").open("ab") as log:
        log.write(line(40, "ann") + line(3, "bob"))
    once(agent)
    told = [json.loads(row) for row in (agent.folder / "facts.ndjson").read_bytes().splitlines()]
    last = {row["id"]: row for row in sorted(told, key=lambda row: row["revision"])}
    wanted = {id: row for id, row in last.items() if not row.get("retracted")}
    found = cluster.documents("facts-*")
    assert {row["_id"]: row["_version"] for row in found} == {id: row["revision"] for id, row in wanted.items()}
    for row in found:
        assert {name: value for name, value in row.items() if not name.startswith("_")} == wanted[row["_id"]]
    assert len(told) > len(last) > len(wanted) == 9


def test_each_event_is_there_once_whoever_is_killed(cluster: Cluster, agent: Pipe, proxy: Proxy) -> None:
    """The server in the middle, and pipe in the middle; and a log that goes on comes behind."""
    program(agent, proxy.url, ", request_events: 500")
    process = agent.start("run", "p.pipe")
    wait_until(lambda: len(proxy.seen) > 3, 60, "some requests")
    cluster.server.kill()
    seen = len(proxy.seen)
    wait_until(lambda: len(proxy.seen) > seen, 60, "it tries again")
    cluster.server.start()
    seen = len(proxy.seen)
    wait_until(lambda: len(proxy.seen) > seen + 3, 90, "it goes on")
    agent.end(process, signal.SIGKILL)
    once(agent)
    assert numbers(cluster) == list(range(COUNT))
    assert refused(agent) == {"out": COUNT, "delivered": COUNT}


NONSENSE = Fate(200, body=b'{"took":1,"items":[]}')


@pytest.mark.parametrize(
    ("fates", "told"),
    [
        ([Fate(401), Fate(403, body=b"no permissions for [indices:data/write/bulk]"), Fate(404)], [
            "401 (the cluster does not accept the credentials: check `user` and `password`, or `api_key`)",
            "403 no permissions for [indices:data/write/bulk] (the account may not do this",
            "404 (there is no such thing: check `url` and `index`",
        ]),
        ([Fate(429, headers="Retry-After: 2\r\n"), Fate(500, body=b"broken"), Fate(503)], ["429", "500 broken", "503"]),
        ([*[Fate(reset=True)] * 2, *[Fate(endless=True)] * 2, NONSENSE], [
            "onnect", "has more than 16,777,216 bytes", "200, but it answers for 0 of",
        ]),
    ],
    ids=["asks", "busy", "broken"],
)  # fmt: skip
def test_whatever_the_cluster_answers_each_event_arrives_once(
    cluster: Cluster, agent: Pipe, proxy: Proxy, fates: list[Fate], told: list[str]
) -> None:
    """The log says what was wrong and what to do; the events come when it is over."""
    (agent.folder / "in.log").write_bytes(b"".join(LINES.splitlines(keepends=True)[:1000]))
    program(agent, proxy.url)
    proxy.meets(*fates)
    said = once(agent)
    assert [text for text in told if text not in said] == []
    assert "Traceback" not in said
    assert numbers(cluster) == list(range(1000))
    assert not proxy.fates


def test_events_whose_reply_is_lost_are_there_once(cluster: Cluster, agent: Pipe, proxy: Proxy) -> None:
    """The second try finds them; those behind them come."""
    program(agent, proxy.url, ", request_events: 7000")
    proxy.meets(Fate(lost=True), Fate(), Fate(lost=True))
    once(agent)
    assert numbers(cluster) == list(range(COUNT))


def test_a_request_that_is_too_large_is_sent_in_parts(cluster: Cluster, agent: Pipe, proxy: Proxy) -> None:
    """The cluster of the tests takes a megabyte. One event of more is a dead letter, and the others are there."""
    (agent.folder / "in.log").write_bytes(LINES + b'{"n":%d,"text":"%s"}\n' % (COUNT, b'\\"' * 450_000))
    program(agent, proxy.url, ", metadata: [@raw]")
    said = once(agent)
    assert numbers(cluster) == list(range(COUNT))
    assert "the destination refuses events, which are dead letters now" in said
    assert refused(agent) == {"out": COUNT + 1, "delivered": COUNT, "refused": 1}
    (letter,) = letters(agent)
    assert letter["@error"]["reason"] == "too_large"


def test_events_that_do_not_fit_are_dead_letters_and_may_be_sent_again(cluster: Cluster, agent: Pipe) -> None:
    """With the words of the cluster; the others are delivered. In an index that takes them they arrive once."""
    cluster.ask("PUT", "/logs", {"mappings": {"properties": {"n": {"type": "long"}, "size": {"type": "long"}}}})
    odd = b"".join(
        b'{"n":%d,"size":"%s"}\n' % (number, b"large" if number % 10 == 3 else b"%d" % number) for number in range(100)
    )
    (agent.folder / "in.log").write_bytes(odd)
    program(agent, cluster.url, schema="n: int, size: string")
    assert "mapper_parsing_exception" in once(agent)
    bad = [number for number in range(100) if number % 10 == 3]
    assert numbers(cluster) == [number for number in range(100) if number not in bad]
    assert refused(agent) == {"out": 100, "delivered": 90, "refused": 10}
    listed = agent.run("dlq", "list", "p.pipe").stdout.splitlines()[2].split()
    assert listed[:4] == ["search", "opensearch", "mapper_parsing_exception", "10"]
    letter = letters(agent)[0]
    assert letter["@raw"].splitlines()[1].endswith('"n":93,"size":"large"}')
    assert "failed to parse field [size] of type [long]" in letter["@error"]["detail"]
    assert (letter["stage"], letter["path"]) == ("search", "logs")
    cluster.ask("DELETE", "/logs")
    agent.run("dlq", "retry", "p.pipe", "--all")
    once(agent)
    assert numbers(cluster) == bad
    assert letters(agent) == []
    assert refused(agent) == {"out": 110, "delivered": 100, "refused": 10}


def test_only_events_that_the_cluster_is_too_busy_for_are_sent_again(
    cluster: Cluster, agent: Pipe, proxy: Proxy
) -> None:
    """At once, and without the others."""
    (agent.folder / "in.log").write_bytes(b'{"n":0}\n{"n":1}\n{"n":2}\n')
    program(agent, proxy.url)
    busy = {"type": "rejected_execution_exception", "reason": "queue is full"}
    items = [{"create": {"status": status, "error": busy}} for status in (201, 429, 409)]
    proxy.meets(Fate(200, body=json.dumps({"errors": True, "items": items}).encode()))
    assert once(agent) == ""
    assert numbers(cluster) == [1]
    assert len(proxy.seen) == 2


def test_what_can_be_mended_at_the_cluster_is_waited_for(cluster: Cluster, agent: Pipe) -> None:
    """A closed index is no fault of the events: none is a dead letter, and the log says what is wrong."""
    cluster.ask("PUT", "/logs")
    cluster.ask("POST", "/logs/_close")
    program(agent, cluster.url)
    said = once(agent, 75, timeout="2s")
    assert "index_closed_exception" in said
    assert letters(agent) == []
    cluster.ask("POST", "/logs/_open")
    cluster.ask("PUT", "/logs/_settings", {"index.blocks.write": True})
    assert "403 cluster_block_exception" in once(agent, 75, timeout="2s")
    cluster.ask("PUT", "/logs/_settings", {"index.blocks.write": False})
    once(agent)
    assert numbers(cluster) == list(range(COUNT))
    assert letters(agent) == []


def test_without_a_network_or_the_library_nothing_is_lost(cluster: Cluster, agent: Pipe) -> None:
    """The first is waited for, the second is asked for."""
    program(agent, f"http://127.0.0.1:{free_port()}")
    assert "not everything was delivered" in once(agent, 75, timeout="1s")
    program(agent, cluster.url)
    missing = agent.folder / "aiohttp.py"
    missing.write_text("raise ImportError(name='aiohttp')\n")
    assert "pip install 'pipe-engine[opensearch]'" in once(agent, 78)
    assert agent.run("check", "p.pipe").returncode == 0
    missing.unlink()
    assert once(agent) == ""
    assert numbers(cluster) == list(range(COUNT))
