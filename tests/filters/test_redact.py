"""redact: exactly what is found goes, everything else stays, and nothing passes an allow-list unseen."""

import hmac
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pipeline_plugins.filters.redact import PRESETS, Options, Prefix, Redact

from pipeline import api

TEXT = api.Field(("text",), api.STRING)
GEO = api.record({"city": api.STRING, "n": api.INT})


def hashed(text, key="k"):
    return hmac.digest(key.encode(), text.encode(), "sha256").hex()[:16]


def done(batch, texts, **options):
    before = batch(types={"text": api.STRING}, text=texts)
    after = Redact(Options(fields=[TEXT], **options)).apply(before)
    assert before.frame["text"].to_list() == texts
    return after.frame["text"].to_list()


def test_what_is_found_is_masked(batch):
    """Everywhere in the text; null, empty and other texts stay; `$` in a mask is a dollar."""
    texts = ["token=a&x=1&token=b", "x", "", None, "\ufffd token=c"]
    assert done(batch, texts, patterns=["token=[^&]+"], mask="$1") == ["$1&x=1&$1", "x", "", None, "\ufffd $1"]
    assert done(batch, ["a", None]) == ["***", None]
    assert done(batch, []) == []


def test_a_keyed_hash_is_the_same_for_the_same_text(batch):
    """Of each find by itself, or of the whole text; another key gives another."""
    texts = ["a@b.org, c@d.org; a@b.org", None, "x", "\x00 a@b.org\x00"]
    one, two = hashed("a@b.org"), hashed("c@d.org")
    assert done(batch, texts, presets=["email"], key="k") == [f"{one}, {two}; {one}", None, "x", f"\x00 {one}\x00"]
    assert done(batch, ["ann", None, ""], key="k") == [hashed("ann"), None, hashed("")]
    assert done(batch, ["ann"], key="other") == [hashed("ann", "other")]


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("::ffff:203.0.113.77", "203.0.0.0"),
        ("::FFFF:cb00:714d", "203.0.0.0"),
        ("0:0:0:0:0:ffff:203.0.113.77", "203.0.0.0"),
        ("64:ff9b::203.0.113.77", "64:ff9b::"),
        ("2001:db8::5:203.0.113.77", "2001:db8::"),
        ("::203.0.113.77", "::"),
    ],
)
def test_an_address_with_a_dotted_tail_is_one(batch, address, network):
    """Within a text, by a mask or a network; IPv4 in IPv6 by the prefix of IPv4, as where it is the whole text."""
    text = f"client={address} x, {address}"
    assert done(batch, [text], presets=["ipv6"]) == ["client=*** x, ***"]
    assert done(batch, [text], presets=["ipv4", "ipv6"]) == ["client=*** x, ***"]
    assert done(batch, [text], presets=["ipv6"], key="k") == [f"client={hashed(address)} x, {hashed(address)}"]
    assert done(batch, [text, address], ip_prefix=Prefix(16, 48)) == [f"client={network} x, {network}", network]


def test_addresses_become_networks(batch):
    """Alone or in a text, of both versions; other finds are masked."""
    texts = ["10.1.2.3", "from 2001:db8:1:2::5 to ::1, 1.2.3.4.", "at 12:30:45", None, "a@b.org 9.8.7.6"]
    assert done(batch, texts, ip_prefix=Prefix(), presets=["email", "ipv4"]) == [
        "10.1.2.0",
        "from 2001:db8:1:: to ::, 1.2.3.0.",
        "at 12:30:45",
        None,
        "*** 9.8.7.0",
    ]
    assert done(batch, ["10.1.2.3", "2001:db8:1:2::5", "::ffff:10.1.2.3"], ip_prefix=Prefix()) == [
        "10.1.2.0",
        "2001:db8:1::",
        "10.1.2.0",
    ]
    assert done(batch, ["10.1.2.3 ::2"], ip_prefix=Prefix(8, 128)) == ["10.0.0.0 ::2"]


@pytest.mark.parametrize(
    ("preset", "found", "kept"),
    [
        ("email", ["a.b+c@mail.example.org"], ["a@b", "@x.org"]),
        (
            "credit_card",
            ["4111111111111111", "5500 0000 0000 0004", "3782-822463-10005"],
            ["1790000000000000", "41111111"],
        ),
        ("ipv4", ["255.255.255.255", "0.0.0.0"], ["256.1.1.1x", "1.2.3"]),
        ("ipv6", ["2001:db8::1", "fe80::", "::1", "1:2:3:4:5:6:7:8"], ["12:30:45", "std::vector", "a:b"]),
        ("mac", ["00:1a:2B:3c:4d:5e"], ["00:1a:2b"]),
        ("ssn", ["078-05-1120"], ["078-05-11201", "2026-01-31"]),
        ("iban", ["DE89 3704 0044 0532 0130 00", "GB29NWBK60161331926819"], ["DE89", "HELLO WORLD"]),
        ("jwt", ["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-_"], ["eyJ.x", "abc.def.ghi"]),
    ],
)
def test_presets_know_what_they_are_named_after(batch, preset, found, kept):
    """And what only looks a little like it stays."""
    assert done(batch, [f"<{text}>" for text in found], presets=[preset]) == ["<***>"] * len(found)
    assert done(batch, kept, presets=[preset]) == kept


def test_presets_have_examples():
    """The table above has all of them."""
    marks = test_presets_know_what_they_are_named_after.pytestmark
    assert {case[0] for case in marks[0].args[1]} == set(PRESETS)


def test_the_record_stays_as_it_came(batch):
    """`@raw` is never changed, and cannot be asked for."""
    after = Redact(Options(fields=[TEXT])).apply(batch(b"secret", text=["secret"]))
    assert after.frame["@raw"].to_list() == [b"secret"]
    with pytest.raises(api.OptionError, match="@raw is metadata and is never assigned"):
        Redact(Options(fields=[api.Field(("@raw",), api.BYTES)]))


def test_all_but_the_allowed_is_redacted(batch, rows):
    """Also members of records; numbers stay, and records that are null."""
    made = Redact(Options(allow=[TEXT]))
    columns = api.Columns({"text": api.STRING, "a": api.STRING, "geo": GEO, "n": api.INT})
    assert made.schema(columns) == columns
    geo = [{"city": "Oslo", "n": 1}, None, {"city": None, "n": 2}]
    after = made.apply(batch(types={"geo": GEO}, text=["t"] * 3, a=["x", None, ""], geo=geo, n=[1, 2, 3]))
    assert rows(after) == [
        {"text": "t", "a": "***", "geo": {"city": "***", "n": 1}, "n": 1},
        {"text": "t", "a": None, "geo": None, "n": 2},
        {"text": "t", "a": "***", "geo": {"city": None, "n": 2}, "n": 3},
    ]


@pytest.mark.parametrize("kind", [api.list_of(api.STRING), api.JSON, api.BYTES, api.record({}, open=True)])
def test_nothing_passes_an_allow_list_unseen(kind):
    """What cannot be redacted must be named or removed, and members that nobody named too."""
    made = Redact(Options(allow=[TEXT]))
    with pytest.raises(api.OptionError, match="may have texts in it that cannot be redacted"):
        made.schema(api.Columns({"x": kind}))
    with pytest.raises(api.OptionError, match="members that nobody named would pass"):
        made.schema(api.Columns({}, open=True))
    named = Redact(Options(allow=[api.Field(("x",), kind)]))
    assert named.schema(api.Columns({"x": kind})).fields == {"x": kind}


@pytest.mark.parametrize(
    ("options", "option", "message"),
    [
        ({}, None, "redact needs fields, or `allow`"),
        ({"fields": [TEXT], "allow": []}, "allow", "`allow` names the fields that stay"),
        ({"fields": [TEXT], "patterns": ["("]}, "patterns", "this regex cannot be used"),
        ({"fields": [TEXT], "patterns": ["x*"]}, "patterns", "/x*/ finds nothing everywhere"),
        ({"fields": [TEXT], "ip_prefix": Prefix(33)}, "ip_prefix", "an address has 32 bits, or 128"),
    ],
)
def test_wrong_options_say_what_is_wrong(options, option, message):
    """At the option, before anything runs."""
    with pytest.raises(api.OptionError) as caught:
        Redact(Options(**options))
    assert message in caught.value.message
    assert caught.value.option == option


def test_redact_changes_texts():
    """A number is none."""
    with pytest.raises(api.OptionError, match="redact changes texts, and n is of type int"):
        Redact(Options(fields=[api.Field(("n",), api.INT)])).schema(api.Columns({"n": api.INT}))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(st.none() | st.text("ab1 \x00\x01ä$", max_size=12), max_size=6),
    pattern=st.sampled_from(["a+", "b1|ä", "[0-9$]", "\x00"]),
    key=st.none() | st.just("k"),
)
def test_the_same_as_row_by_row(batch, texts, pattern, key):
    """Whatever the texts: what Python's `re` does."""

    def instead(found):
        return "<$1>" if key is None else hashed(found[0])

    expected = [None if text is None else re.sub(pattern, instead, text) for text in texts]
    assert done(batch, texts, patterns=[pattern], mask="<$1>", key=key) == expected
