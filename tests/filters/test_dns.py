"""dns: exact answers from a name server on this machine, and what is asked of it."""

from __future__ import annotations

import asyncio
import pickle
import socket
import threading
from collections.abc import Iterator

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import polars as pl
import pytest
from pipeline_plugins.filters.dns import Dns, Options

from pipeline import api
from pipeline.agent.resolving import Asker
from pipeline.env.real import RealClock
from pipeline.testing import FakeContext, contract

ZONE = {
    ("7.2.0.192.in-addr.arpa.", "PTR"): ["web1.example.", "alias.example."],
    ("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.", "PTR"): ["six.example."],
    ("web1.example.", "A"): ["192.0.2.9", "192.0.2.7"],
    ("web1.example.", "AAAA"): ["2001:db8::1"],
}
"""Names that have nothing of a type are known all the same; `broken.example` fails, `slow.example` never answers."""


class Server(threading.Thread):
    """A name server on UDP."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.asked: list[tuple[str, str]] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"

    def run(self) -> None:
        while True:
            data, peer = self._socket.recvfrom(4096)
            if data == b"stop":
                return
            answer = self._answer(dns.message.from_wire(data))
            if answer is not None:
                self._socket.sendto(answer.to_wire(), peer)

    def _answer(self, query: dns.message.Message) -> dns.message.Message | None:
        (question,) = query.question
        name, kind = question.name.to_text(), dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind))
        if name == "slow.example.":
            return None
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        if name == "broken.example.":
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif (name, kind) in ZONE:
            answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *ZONE[name, kind]))
        elif not any(name == known for known, _ in ZONE):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer

    def stop(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
            end.sendto(b"stop", self._socket.getsockname())
        self.join()
        self._socket.close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    made.start()
    yield made
    made.stop()


def options(server: Server | None = None, **others: object) -> Options:
    at = {} if server is None else {"server": server.address}
    return Options(field=api.Field(("x",), api.STRING), **at, **others)


def answers(made: Dns, *values: str | None) -> list[object]:
    """What rows with these values get, by key as the engine asks."""

    async def work() -> list[object]:
        with FakeContext(clock=RealClock()) as ctx:
            await made.open(ctx)
            try:
                asker = Asker(made, ctx)
                keys = made.keys(pl.DataFrame({"x": pl.Series(values, dtype=pl.String)}))
                found = await asker.answers(keys.drop_nulls().unique().to_list(), asker.now + asker.timeout)
            finally:
                await made.close()
        return [None if key is None else told if isinstance(told := found[key], str) else told[0] for key in keys]

    return asyncio.run(work())


def test_addresses_have_names(server: Server) -> None:
    """The first by the alphabet; an address in another writing is the same, what is none asks for nothing."""
    found = answers(
        Dns(options(server)), "192.0.2.7", "2001:DB8:0::1", " ::ffff:192.0.2.7", "192.0.2.8", "no", "", None
    )
    assert found == ["alias.example", "six.example", "alias.example", None, None, None, None]
    assert sorted(kind for _, kind in server.asked) == ["PTR", "PTR", "PTR"]


def test_names_have_addresses(server: Server) -> None:
    """Sorted, whatever the server's order; a name that is not there, or has none of this kind, gives null."""
    assert answers(Dns(options(server, record="a")), "web1.example", "WEB1.example.", "none.example") == [
        ["192.0.2.7", "192.0.2.9"], ["192.0.2.7", "192.0.2.9"], None,
    ]  # fmt: skip
    assert answers(Dns(options(server, record="aaaa")), "web1.example") == [["2001:db8::1"]]
    assert len(server.asked) == 3


def test_what_is_no_name_gives_null(server: Server) -> None:
    """Nobody is asked for it."""
    assert answers(Dns(options(server, record="a")), "a..b", "x" * 64, "", None) == [None] * 4
    assert server.asked == []


def test_a_server_that_fails_or_is_silent_is_no_answer(server: Server) -> None:
    """Which is not the same as that there is none."""
    made = Dns(options(server, record="a", timeout=300_000))
    broken, slow = answers(made, "broken.example", "slow.example")
    assert broken == "failed"
    assert slow in ("failed", "timeout")


def test_the_contract(server: Server) -> None:
    """Its own example, with a server that is there."""
    contract.check(Dns, Dns.example.replace("127.0.0.1:5353", server.address).replace("200ms", "10s"))


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("192.0.2.53", "192.0.2.53, port 53"),
        ("127.0.0.1:5353", "127.0.0.1, port 5353"),
        ("2001:db8::53", "2001:db8::53, port 53"),
        ("[2001:db8::53]:5353", "2001:db8::53, port 5353"),
        (None, "the name servers of the system"),
    ],
)
def test_a_server_is_named_by_address(text: str | None, server: str) -> None:
    assert Dns(options().model_copy(update={"server": text})).describe() == {"asks": server}


@pytest.mark.parametrize("text", ["ns.example", "127.0.0.1:0", "127.0.0.1:70000", "127.0.0.1:", "", "[::1]:x"])
def test_what_is_no_address_of_a_server_is_refused(text: str) -> None:
    with pytest.raises(api.OptionError, match="is no address of a name server") as caught:
        Dns(options().model_copy(update={"server": text}))
    assert caught.value.option == "server"


def test_only_texts_are_asked_for() -> None:
    made = Dns(Options(field=api.Field(("x",), api.INT)))
    with pytest.raises(api.OptionError, match="dns reads a string, and this is of type int"):
        made.schema(api.Columns({"x": api.INT}))


def test_the_field_is_the_first_argument_and_what_all_resolvers_have_comes_last() -> None:
    assert list(Options.named())[:4] == ["field", "into", "record", "server"]
    assert list(Options.named())[4:] == list(api.ResolverOptions.model_fields)


def test_a_copy_is_made_of_the_options() -> None:
    made = Dns(options(record="a"))
    assert pickle.loads(pickle.dumps(made)).options == made.options
    assert made.schema(api.Columns({"x": api.STRING})).fields["host"] == api.list_of(api.STRING)
