"""dissect: exact fields, what does not fit, and the same as cutting row by row."""

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pipeline_plugins.filters.dissect import Dissect, Options

from pipeline import api

TEXT = api.Field(("text",), api.STRING)


def dissect(pattern, **options):
    return Dissect(Options(pattern=pattern, **options))


def test_keys_take_what_is_between_the_texts(batch, rows):
    """Skipped keys take nothing, the last key takes the rest, dots make records."""
    made = dissect("%{client.ip} - %{user} [%{ts}] %{?id} %{} %{rest}")
    after = made.apply(batch(b"10.0.0.1 - ann [today] 7 8 a b  c\r", b"- - - [] 1 2 "))
    assert rows(after) == [
        {"user": "ann", "ts": "today", "rest": "a b  c", "client": {"ip": "10.0.0.1"}},
        {"user": "-", "ts": "", "rest": "", "client": {"ip": "-"}},
    ]
    assert made.schema(api.Columns({})).fields == {
        "client": api.record({"ip": api.STRING}),
        "user": api.STRING,
        "ts": api.STRING,
        "rest": api.STRING,
    }


def test_typed_keys_are_null_where_they_are_none(batch, rows):
    """A number that is none, or too large, is missing; the row stays."""
    made = dissect("%{a:int} %{b:float} %{c:bool}", on=TEXT)
    after = made.apply(batch(text=["12 1.5 yes", "99999999999999999999 inf no", "x  maybe"]))
    assert [tuple(row.values())[1:] for row in rows(after)] == [
        (12, 1.5, True),
        (None, None, False),
        (None, None, None),
    ]
    assert after.frame.schema["a"] == pl.Int64
    assert made.schema(api.Columns({})).fields["a"] == api.INT


@pytest.mark.parametrize(
    ("pattern", "options", "text", "joined"),
    [
        ("%{ts} %{+ts}|%{+ts}", {}, "Feb 10|12:00", "Feb 10|12:00"),
        ("%{+ts} %{+ts} %{}", {}, "a b c", "a b"),
        ("%{+ts/2} %{+ts/1} %{}", {}, "a b c", "b a"),
        ("%{+ts/3}-%{+ts/1},%{ts}", {}, "c-b,a", "a-b-c"),
        ("%{ts} %{+ts}", {"append_separator": ""}, "a b", "ab"),
    ],
)
def test_parts_are_joined_in_their_order(batch, rows, pattern, options, text, joined):
    """By the text before each part, or by `append_separator`; numbered parts come last, by their numbers."""
    assert rows(dissect(pattern, on=TEXT, **options).apply(batch(text=[text])))[0]["ts"] == joined


@pytest.mark.parametrize(
    ("pattern", "text", "values"),
    [
        ("%{level->} %{message}", "WARN    it is  late", ("WARN", "it is  late")),
        ("%{level} %{message}", "WARN  late", ("WARN", " late")),
        ("[%{a}]%{->} [%{b}]", "[x]    [y]", ("x", "y")),
        ("%{a->}, %{b}", "x, , , y", ("x", "y")),
        ("%{a->}", "x", ("x",)),
    ],
)
def test_an_arrow_passes_over_repeated_text(batch, rows, pattern, text, values):
    """Only where it is asked for; the whole text that follows the key is what repeats."""
    found = rows(dissect(pattern, on=TEXT).apply(batch(text=[text])))[0]
    assert tuple(value for name, value in found.items() if name != "text") == values


def test_a_long_run_of_padding_is_passed_over_at_once(batch, rows):
    """Its cost is linear: a megabyte of padding is nothing."""
    after = dissect("%{a->}, %{b}", on=TEXT).apply(batch(text=["x" + ", " * 500_000 + "y"]))
    assert (rows(after)[0]["a"], rows(after)[0]["b"]) == ("x", "y")


def test_rows_that_do_not_fit_are_rejected_with_the_text_they_lack(batch, rows, errors):
    """The others keep their order; what follows the last text is not looked at."""
    made = dissect("<%{a} - %{}: %{b:int};")
    after = made.apply(batch(b"<1 - x: 7;rest", b"1 - x: 7;", b"<1 x: 7;", b"<1 - x 7;", b"<1 - x: 7", b"<2 - y: 8;"))
    assert rows(after) == [{"a": "1", "b": 7}, {"a": "2", "b": 8}]
    assert [(reason, field, detail) for _, reason, field, detail in errors(after)] == [
        ("no_match", "@raw", "the text does not begin with `<`"),
        ("no_match", "@raw", "there is no ` - ` after `a`"),
        ("no_match", "@raw", "there is no `: ` after key 2, which is passed over"),
        ("no_match", "@raw", "there is no `;` after `b`"),
    ]


def test_null_and_broken_text(batch, rows, errors):
    """Null fits nothing; bytes that are not UTF-8 are U+FFFD in the fields and stay in the record."""
    after = dissect("%{a} %{b}").apply(batch(b"\xff \xc3\xa4"))
    assert rows(after) == [{"a": "\ufffd", "b": "ä"}]
    assert after.frame["@raw"].item() == b"\xff \xc3\xa4"
    after = dissect("%{a}", on=TEXT).apply(batch(text=[None, ""]))
    assert [row["a"] for row in rows(after)] == [""]
    assert [error[1:] for error in errors(after)] == [("no_match", "text", "there is no text")]


def test_fields_that_exist_are_replaced(batch, rows):
    """Also the one that is read; members beside a member that is set stay."""
    after = dissect("%{text} %{geo.n}", on=TEXT).apply(batch(text=["a b"], geo=[{"c": "DE"}]))
    assert rows(after) == [{"text": "a", "geo": {"c": "DE", "n": "b"}}]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("no keys", "the pattern has no key"),
        ("%{a}%{b}", "there is no text between %{a} and %{b}"),
        ("%{*a} %{&a}", "takes the name of a field from the data"),
        ("%{a:date}", "there is no type date"),
        ("%{+} x", "does not say what to append to"),
        ("%{a} %{+a:int}", "what is joined is a text"),
        ("%{a:int} %{+a}", "a is joined, and what is joined is a text"),
        ("%{a/2}", "only parts that are joined have a place"),
        ("%{@raw}", "metadata is never assigned"),
        ("%{a..b}", "'a..b' is no name for a field"),
        ("%{[a][b]}", "is no name for a field"),
        ("%{a} %{a}", "the pattern names a twice"),
        ("%{a} %{a.b}", "a.b is a member of a, which is a text"),
        ("%{a:int:x}", "is no key"),
    ],
)
def test_wrong_patterns_say_what_is_wrong(pattern, message):
    """At the option, before anything runs."""
    with pytest.raises(api.OptionError) as caught:
        dissect(pattern)
    assert message in caught.value.message
    assert caught.value.option == "pattern"
    assert caught.value.help


def test_dissect_reads_text():
    """A number is none."""
    with pytest.raises(api.OptionError, match="dissect reads a text, and this is of type int"):
        dissect("%{a}", on=api.Field(("n",), api.INT)).schema(api.Columns({"n": api.INT}))


# ── the same, row by row ─────────────────────────────────────────────────────────────────────────────────────────────

KEYS = st.sampled_from(["{n}", "{n}->", "", "?x", "+j", "+j/1", "->"])
PIECES = st.lists(st.tuples(KEYS, st.sampled_from([" ", ", ", "-", "][", "aa", "ä"])), min_size=1, max_size=5)
TEXTS = st.lists(st.none() | st.text(" ,-[]aäb", max_size=24), max_size=6)


def one(text, prefix, keys, last):
    """The fields of a text, or None where it does not fit."""
    if text is None or not text.startswith(prefix):
        return None
    rest, found = text[len(prefix) :], []
    for at, (key, after) in enumerate(keys):
        if at == len(keys) - 1 and last:
            found.append((key, rest, after))
            break
        value, there, rest = rest.partition(after)
        if not there:
            return None
        if "->" in key:
            while rest.startswith(after):
                rest = rest[len(after) :]
        found.append((key, value, after))
    fields, parts = {}, []
    for at, (key, value, after) in enumerate(found):
        if key.startswith("f"):
            fields[key.removesuffix("->")] = value
        elif key.startswith("+"):
            before = keys[at - 1][1] if at else prefix
            parts.append(
                (
                    int(key.partition("/")[2] or 0),
                    at,
                    (before or ("" if last and at == len(keys) - 1 else after)),
                    value,
                )
            )
    parts.sort()
    if parts:
        fields["j"] = parts[0][3] + "".join(before + value for _, _, before, value in parts[1:])
    return fields


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(prefix=st.sampled_from(["", "[", "aa"]), pieces=PIECES, last=st.booleans(), texts=TEXTS)
def test_the_same_as_row_by_row(batch, prefix, pieces, last, texts):
    """Whatever the pattern and the texts."""
    keys = [(key.format(n=f"f{at}"), after) for at, (key, after) in enumerate(pieces)]
    written = [f"%{{{key}}}{after}" for key, after in keys]
    pattern = prefix + "".join(written)
    if last:
        pattern = pattern[: len(pattern) - len(keys[-1][1])]
    after = dissect(pattern, on=TEXT).apply(batch(types={"text": api.STRING}, text=texts))
    expected = [one(text, prefix, keys, last) for text in texts]
    fields = [name for name in after.frame.columns if not name.startswith("@") and name != "text"]
    assert after.frame.select("@offset", *fields).to_dicts() == [
        {"@offset": at, **found} for at, found in enumerate(expected) if found is not None
    ]
    assert sum(part.height for part in after.rejected) == expected.count(None)
