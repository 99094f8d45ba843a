"""kv: exact fields and types, what is carried, what is rejected, and the same as row by row."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pipeline_plugins.filters.kv import Kv, Options

from pipeline import api

TEXT = api.Field(("text",), api.STRING)


def test_kv_takes_what_is_demanded_and_carries_the_rest(batch, rows):
    """Demanded keys are converted to the demanded types; others are texts in `@rest`."""
    made = Kv(Options())
    assert made.schema(api.Columns({})) == api.Columns({}, open=True)
    made.demand({("took",): api.INT, ("ok",): api.BOOL, ("msg",): api.STRING})
    after = made.apply(batch(b'took=12 ok=yes msg="it is \\"late\\"" n=1.10\r', b"hello took=x"))
    assert rows(after) == [
        {"took": 12, "ok": True, "msg": 'it is "late"', "@rest": '{"n":"1.10"}'},
        {"took": None, "ok": None, "msg": None, "@rest": None},
    ]
    assert made.schema(api.Columns({})).fields == {"took": api.INT, "ok": api.BOOL, "msg": api.STRING}


def test_kv_knows_all_types(batch, rows):
    """Those that `schema` states; what a text cannot be is null."""
    schema = {"i": "int", "f": "float", "t": "time", "d": "duration", "b": "bytes", "j": "json", "r": "string"}
    made = Kv(Options(schema=schema))
    made.demand({("l",): api.list_of(api.INT), ("x", "y"): api.INT})
    after = made.apply(batch(b"i=7 f=1e3 t=2026-01-31T12:00:00Z d=1m30s b=a j=5 r=5 l=[1] x={}"))
    found = rows(after)[0]
    assert found == {
        "i": 7,
        "f": 1000.0,
        "t": datetime(2026, 1, 31, 12, tzinfo=UTC),
        "d": timedelta(seconds=90),
        "b": b"a",
        "j": '"5"',
        "r": "5",
        "l": None,
        "x": None,
        "@rest": None,
    }
    assert {name: kind for name, kind in after.frame.schema.items() if not name.startswith("@")} == {
        name: api.dtype(kind) for name, kind in made.schema(api.Columns({})).fields.items()
    }


def test_kv_nests_prefixes_and_chooses(batch, rows):
    """`into`, `prefix` and `keys` say where fields go and which there are."""
    options = Options(field=TEXT, pairs="&", values=":", into="q", prefix="p_", keys=["a", "b"], schema={"p_a": "int"})
    made = Kv(options)
    after = made.apply(batch(text=["a:1&b:2&c:3"]))
    assert rows(after) == [{"text": "a:1&b:2&c:3", "q": {"p_a": 1, "@rest": '{"p_b":"2"}'}}]
    assert not made.schema(api.Columns({"text": api.STRING})).open


def test_of_a_key_that_is_there_twice_the_last_wins(batch, rows):
    """Also among those that are only carried; names of metadata land under `fields`."""
    made = Kv(Options(schema={"a": "int"}))
    assert rows(made.apply(batch(b"a=1 b=1 a=2 b=2 @raw=x"))) == [{"a": 2, "@rest": '{"b":"2","fields":{"@raw":"x"}}'}]


def test_kv_after_another_open_filter_adds_to_the_rest(batch, rows):
    """Members that were carried before stay, and of the same name the new ones win."""
    after = Kv(Options()).apply(Kv(Options(field=TEXT)).apply(batch(b"a=2 c=3", text=["a=1 b=1"])))
    assert rows(after)[0]["@rest"] == '{"a":"2","b":"1","c":"3"}'


def test_rows_without_pairs_are_rejected(batch, rows, errors):
    """Null too; the others keep their order. Bytes that are not UTF-8 are U+FFFD."""
    made = Kv(Options(schema={"a": "string"}))
    after = made.apply(batch(b"a=\xff", b"nothing", b"", b"a=2"))
    assert [row["a"] for row in rows(after)] == ["\ufffd", "2"]
    assert errors(after) == [(b"nothing", "no_pairs", "@raw", None), (b"", "no_pairs", "@raw", None)]
    after = Kv(Options(field=TEXT)).apply(batch(types={"text": api.STRING}, text=[None]))
    assert errors(after) == [(b"line 0", "no_pairs", "text", None)]


@pytest.mark.parametrize(
    ("options", "option", "message"),
    [
        ({"values": " "}, "values", "pairs and values are separated by the same text"),
        ({"pairs": '"'}, "pairs", "a quote cannot separate"),
        ({"into": "@x"}, "into", "'@x' is no name for a field"),
        ({"keys": ["a"], "schema": {"b": "int"}}, "schema", "`schema` has b, which is not among `keys`"),
    ],
)
def test_wrong_options_say_what_is_wrong(options, option, message):
    """At the option, before anything runs."""
    with pytest.raises(api.OptionError) as caught:
        Kv(Options(**options))
    assert message in caught.value.message
    assert caught.value.option == option


def test_kv_reads_text():
    """A number is none."""
    with pytest.raises(api.OptionError, match="kv reads a text, and this is of type int"):
        Kv(Options(field=api.Field(("n",), api.INT))).schema(api.Columns({"n": api.INT}))


NAMES = st.sampled_from(["a", "b", "c"])
PLAIN = st.text("xy019.-ä", max_size=5)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(st.lists(st.tuples(NAMES, PLAIN | st.integers(-(2**65), 2**65).map(str)), max_size=5), max_size=5)
)
def test_the_same_as_row_by_row(batch, lines):
    """Whatever the pairs: what Python's own split finds."""
    made = Kv(Options(field=TEXT, schema={"a": "int", "b": "string"}))
    texts = [" ".join(f"{name}={value}" for name, value in pairs) for pairs in lines]
    after = made.apply(batch(types={"text": api.STRING}, text=texts))

    def number(value):
        digits = (value or "").removeprefix("-")
        return int(value) if digits.isascii() and digits.isdigit() and -(2**63) <= int(value) < 2**63 else None

    found = [dict(pair.partition("=")[::2] for pair in text.split(" ")) for text in texts if text]
    assert after.frame.select("a", "b").to_dicts() == [{"a": number(row.get("a")), "b": row.get("b")} for row in found]
    assert sum(part.height for part in after.rejected) == texts.count("")
