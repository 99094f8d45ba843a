"""A codec of a source, and the same as a filter: where rows go, what is told, what is wrong."""

import json
import pickle

import polars as pl
import pytest
from codec_made import CATALOG, NOW, made

from pipeline import api
from pipeline.columns.batch import stamp
from pipeline.lang import Source
from pipeline.plan.asking import alone
from pipeline.plan.flow import Flow
from pipeline.plan.load import load
from pipeline.plan.reentry import again

RAW = api.Field(("@raw",), api.BYTES)


def graph(program):
    found = load(Source("p", program), catalog=CATALOG)
    assert found.graph is not None, found.diagnostics
    return found.graph


def wrong(program):
    return [(found.code, found.message) for found in load(Source("p", program), catalog=CATALOG).diagnostics]


def batch(*records):
    offsets = pl.Series(range(len(records)), dtype=pl.Int64)
    return api.lines(list(records), offsets, partition="p", start=0, end=len(records))


def effects(program, *records):
    flow = Flow(graph(program), "web1")
    return flow, flow.run("s", batch(*records), 5_000_000)


def outcomes(found):
    return {key: rows for key, rows in found.counts.items() if rows}


def test_what_a_source_cannot_decode_is_in_its_rejected_port():
    """With the record, a reason, and the codec's name; the others have fields."""
    _, found = effects(
        "source s = stdin(codec: logfmt) sink a = s -> file('a') sink b = s.rejected -> file('b')",
        b"x=1",
        b"?",
        b"x=2\r",
    )
    assert outcomes(found) == {
        ("s", "in"): 3,
        ("s", "rejected"): 1,
        ("a", "in"): 2,
        ("a", "out"): 2,
        ("b", "in"): 1,
        ("b", "out"): 1,
    }
    good, bad = ([json.loads(line) for line in out.data.splitlines()] for out in found.outs)
    assert [row["x"] for row in good] == ["1", "2"]
    assert [(row["@raw"], row["@error"]) for row in bad] == [
        ("?", {"filter": "logfmt", "reason": "not_logfmt", "field": "@raw"})
    ]


def test_directives_are_filtered_by_the_source():
    """They are no events, and no mistake."""
    _, found = effects("source s = stdin(codec: w3c(['c-ip'])) sink a = s -> file('a')", b"#Version: 1.0", b"10.0.0.1")
    assert outcomes(found) == {("s", "in"): 2, ("s", "filtered"): 1, ("a", "in"): 1, ("a", "out"): 1}


def test_a_letter_of_a_source_is_decoded_again():
    """It is put in where it was rejected, and comes out where the program has learned to read it."""
    _, first = effects("source s = stdin(codec: json) sink a = s -> file('a')", b"x=1")
    ((stage, rows),) = first.dead
    flow = Flow(graph("source s = stdin(codec: logfmt) sink a = s -> file('a')"), "web1")
    found = alone(again(flow, stage, "s", rows))
    assert outcomes(found) == {("s", "retried"): 1, ("s", "in"): 1, ("a", "in"): 1, ("a", "out"): 1}
    assert json.loads(found.outs[0].data)["x"] == "1"


def test_a_codec_of_a_source_equals_the_filter():
    """The same rows with the same fields, in the same file."""
    records = [b'{"a":1,"b":"x"}', b"no", b'{"a":2}']
    one = effects("source s = stdin(codec: json) sink o = s | where(a > 1) -> file('a')", *records)[1]
    two = effects("source s = stdin() sink o = s | decode(json) | where(a > 1) -> file('a')", *records)[1]
    three = effects("source s = stdin() sink o = s | json() | where(a > 1) -> file('a')", *records)[1]
    assert one.outs == two.outs == three.outs


def test_decode_nests_under_into():
    """And members that the program names have their types there."""
    _, found = effects(
        "source s = stdin() sink o = s | decode(logfmt, into: m) | where(m.n > 1) | keep(m) -> file('a')",
        b"n=2 k=v",
        b"n=1",
    )
    assert [json.loads(line)["m"] for line in found.outs[0].data.splitlines()] == [{"n": 2, "k": "v"}]


@pytest.mark.parametrize("name", [name for name in CATALOG.names("codecs") if CATALOG.codec(name).decodes()])
def test_the_answer_does_not_depend_on_the_batch(name):
    """Nothing, one record, and halves give what the whole gives; a pickled filter gives the same."""
    texts = [
        b"a=1 b=2", b'{"a":1}', b'{"log":"x\\n","short_message":"m"}', b"a,b", b"#Fields: date", b"\xff", b"",
        b"<34>Oct 11 22:14:15 h su: x", b"2016-10-06T00:17:09Z stdout F x", b"CEF:0|a|b|c|d|e|f|x=1",
        b'1.2.3.4 - - [31/Jan/2026:12:00:00 +0100] "GET /a HTTP/1.1" 200 12 "-" "curl"',
    ]  # fmt: skip
    options = {"csv": {"columns": ["x", "y"]}}.get(name, {})
    plugin = pickle.loads(pickle.dumps(api.Decoding(api.DecodingOptions(codec=made(name, **options), field=RAW))))
    whole = stamp(batch(*texts), source="s", host="h", now=int(NOW.timestamp()) * 1_000_000)
    after = plugin.apply(whole)
    columns = plugin.schema(api.Columns({}))
    for parts in ([whole.frame[:5], whole.frame[5:]], [whole.frame[at : at + 1] for at in range(len(texts))]):
        pieces = [plugin.apply(whole.with_frame(part)) for part in parts]
        assert pl.concat([piece.frame for piece in pieces], how="vertical_relaxed").equals(after.frame)
        bad = [frame for piece in pieces for frame in piece.rejected]
        key = "@offset"
        assert (pl.concat(bad).sort(key) if bad else None) is None or pl.concat(bad).sort(key).equals(
            pl.concat(after.rejected).sort(key)
        )
    nothing = plugin.apply(whole.with_frame(whole.frame.clear()))
    assert nothing.frame.schema == after.frame.schema
    fields = {name: kind for name, kind in after.frame.schema.items() if not name.startswith("@")}
    assert fields == {name: api.dtype(kind) for name, kind in columns.fields.items()}


@pytest.mark.parametrize(
    ("charset", "text"), [("latin-1", "né"), ("cp1252", "„x“"), ("shift_jis", "日本"), ("utf-8", "é")]
)
def test_a_charset_is_for_the_text_and_not_for_the_record(charset, text):
    """`@raw` has the bytes as they came."""
    raw = text.encode(charset)
    _, found = effects(
        f"source s = stdin(codec: lines, charset: '{charset}') sink o = s -> file('a', metadata: [@raw])", raw, b"plain"
    )
    assert [json.loads(line)["message"] for line in found.outs[0].data.splitlines()] == [text, "plain"]
    _, found = effects(
        f"source s = stdin(codec: lines, charset: '{charset}') sink o = s -> file('a', format: raw)", raw
    )
    assert found.outs[0].data == raw + b"\n"


@pytest.mark.parametrize(
    ("codec", "first", "messages"),
    [
        ("lines", b"a", ["a", "b"]),
        ("json", b'{"message": "a"}', ["a", "b"]),
        ("csv(['message'])", b"message", ["b"]),
    ],
)
@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig"])
def test_a_byte_order_mark_is_none_of_the_text(codec, first, messages, charset):
    """`@raw` has it."""
    second = b'{"message": "b"}' if codec == "json" else b"b"
    program = f"source s = stdin(codec: {codec}, charset: '{charset}') sink o = s -> file('a', metadata: [@raw])"
    _, found = effects(program, b"\xef\xbb\xbf" + first, second)
    rows = [json.loads(line) for line in found.outs[0].data.splitlines()]
    assert [row["message"] for row in rows] == messages
    if len(rows) == 2:
        assert rows[0]["@raw"] == "\ufeff" + first.decode()


def test_texts_of_a_charset_with_newlines_and_nulls():
    """One by one where they cannot be read in one go."""
    from pipeline.columns.lines import transcode

    texts = pl.Series([b"a\nb", None, b"\xe9"], dtype=pl.Binary)
    assert transcode(texts, "latin-1").to_list() == ["a\nb", None, "é"]
    assert transcode(texts[1:], "latin-1").to_list() == [None, "é"]
    assert transcode(texts[:0], "latin-1").to_list() == []
    odd = pl.Series([b"\x93", b"\x1b$B", b"a"], dtype=pl.Binary)
    for charset in ("shift_jis", "iso2022_jp"):
        assert transcode(odd, charset).to_list() == [transcode(odd[at : at + 1], charset)[0] for at in range(3)]


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("source s = stdin(codec: jsn)", "`codec` of `stdin` is"),
        ("source s = stdin(codec: raw)", "`codec` of `stdin` is"),
        ("source s = stdin(codec: csv)", "csv is read with the names of its columns"),
        ("source s = stdin(codec: csv(['a', 'a']))", "name each column once"),
        ("source s = stdin(codec: csv(['@timestamp']))", "'@timestamp' begins with `@`, as metadata does"),
        ("source s = stdin(codec: csv(['a'], types: {b: int}))", "there is no column 'b'"),
        ("source s = stdin(codec: json(schem: {a: int}))", "`json` has no option `schem`"),
        ("source s = stdin(charset: 'latin-1')", "without a codec nothing is decoded"),
        ("source s = stdin(codec: lines, charset: 'x-y')", "there is no charset 'x-y'"),
        ("source s = stdin(codec: lines, charset: 'hex')", "there is no charset 'hex'"),
        ("source s = stdin(codec: lines, charset: 'rot13')", "there is no charset 'rot13'"),
        ("source s = stdin(codec: lines, charset: 'idna')", "there is no charset 'idna'"),
        ("source s = stdin(codec: lines, charset: 'utf-16')", "records end at the byte 10"),
        ("source s = stdin(codec: syslog(zone: 'Mars'))", "there is no time zone 'Mars'"),
    ],
)
def test_wrong_codecs_are_told_when_the_program_is_checked(program, told):
    assert any(message.startswith(told) for _, message in wrong(program + " sink o = s -> console()"))


def test_formats_that_only_read_are_no_formats():
    assert any(
        "`format` of `file` is" in told for _, told in wrong("source s = stdin() sink o = s -> file('a', format: cri)")
    )


def test_a_template_is_a_format():
    _, found = effects("source s = stdin(codec: lines) sink o = s -> file('a', format: \"<{message}>\")", b"x", b"y")
    assert found.outs[0].data == b"<x>\n<y>\n"
