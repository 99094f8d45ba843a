"""What each codec writes."""

import polars as pl
import pytest
from codec_made import CATALOG

from pipeline import api


def test_logfmt_quotes_what_needs_it(encoded):
    fields = {"a": ["x", "", "a b"], "b": ['q"\\', None, "1=2"]}
    assert encoded("logfmt", fields).splitlines() == [
        r'@timestamp=2026-01-31T12:00:00.5Z a=x b="q\"\\"',
        '@timestamp=2026-01-31T12:00:00.5Z a=""',
        '@timestamp=2026-01-31T12:00:00.5Z a="a b" b="1=2"',
    ]


def test_gelf_puts_a_line_before_other_names(encoded):
    fields = {"message": ["hi", None], "level": [3, None], "n": ["x", "y"]}
    assert encoded("gelf", fields, types={"level": api.INT}).splitlines() == [
        '{"version":"1.1","host":"web1","short_message":"hi","timestamp":1769860800.5,"level":3,"_n":"x"}',
        '{"version":"1.1","host":"web1","short_message":"record �","timestamp":1769860800.5,"_n":"y"}',
    ]


def test_syslog_is_rfc_5424(encoded):
    fields = {"severity": ["err", "Warn"], "appname": ["my app", None], "message": ["two\nlines", None]}
    assert encoded("syslog", fields).splitlines() == [
        "<11>1 2026-01-31T12:00:00.5Z web1 my_app - - - two lines",
        "<12>1 2026-01-31T12:00:00.5Z web1 - - - - record �",
    ]


def test_cef_escapes(encoded):
    fields = {"deviceVendor": ["a|b"], "name": ["n"], "msg": ["x=1\\\ny"]}
    assert encoded("cef", fields) == "CEF:0|a\\|b||||n||msg=x\\=1\\\\\\ny\n"


def test_loki_has_labels_and_a_line(encoded):
    labels = [api.Field(("env",), api.STRING)]
    assert encoded("loki", {"env": ["prod"]}, labels=labels) == (
        '{"stream":{"host":"web1","env":"prod"},"values":[["1769860800500000000","record �"]]}\n'
    )


def test_hec_has_an_event(encoded):
    assert encoded("hec", {"n": [1]}, types={"n": api.INT}, index="main") == (
        '{"time":1769860800.5,"host":"web1","source":"access","index":"main","event":{"n":1}}\n'
    )


def test_hec_indexes_metadata(encoded):
    assert encoded("hec", {"n": [1]}, ["@source"], types={"n": api.INT}) == (
        '{"time":1769860800.5,"host":"web1","source":"access","event":{"n":1},"fields":{"source":"access"}}\n'
    )


def test_text_is_a_template(encoded):
    hole = api.Hole(api.Field(("a",), api.STRING))
    template = api.Template(("<", hole, "/>"), "")
    assert encoded("text", {"a": ["x/y", None, "1\n2"]}, template=template).splitlines() == ["<x/y/>", "</>", "<1 2/>"]


@pytest.mark.parametrize(
    ("name", "fields", "told"),
    [
        ("logfmt", {"a b": api.STRING, "a_b": api.STRING}, "a b and a_b would both be written as a_b"),
        ("logfmt", {"a": api.record({"b": api.INT}), "a.b": api.INT}, None),
        ("cef", {"a b": api.STRING, 'a"b': api.STRING}, 'a b and a"b would both be written as a_b'),
        ("cef", {"name": api.STRING, "name ": api.STRING}, None),
        ("gelf", {"a": api.STRING, "_a": api.STRING}, "a and _a would both be written as _a"),
        ("gelf", {"message": api.STRING, "_message": api.STRING}, None),
    ],
)
def test_fields_that_would_have_one_name_are_refused(name, fields, told):
    codec = CATALOG.codec(name)
    found = None
    try:
        codec(codec.options_model()).accept(api.Columns(fields), ())
    except api.OptionError as error:
        found = str(error)
    assert found == told


def test_labels_that_would_have_one_name_are_refused():
    labels = [api.Field(("a b",), api.STRING), api.Field(("a", "b"), api.STRING)]
    codec = CATALOG.codec("loki")
    with pytest.raises(api.OptionError, match=r"^a b and a\.b would both be written as a_b$"):
        codec(codec.options_model(labels=labels)).accept(api.Columns({}), ())


def test_names_are_legal_in_their_format(encoded):
    """Letters of ASCII, digits, `_`, and but for Loki `.` and `-`; a label begins with no digit."""
    fields = {"1é b.c-d": ["x"]}
    labels = [api.Field(("1é b.c-d",), api.STRING)]
    assert '"_1__b.c-d":"x"' in encoded("gelf", fields)
    assert '{"host":"web1","_1__b_c_d":"x"}' in encoded("loki", fields, labels=labels)
    assert encoded("cef", fields) == "CEF:0|||||||1__b.c-d=x\n"


def test_no_rows_are_no_bytes():
    """Whatever the writing."""
    frame = pl.DataFrame(
        schema={"@timestamp": pl.Datetime("us", "UTC"), "@raw": pl.Binary, "@host": pl.String, "a": pl.String}
    )
    for name in ("json", "csv", "raw", "logfmt", "gelf", "syslog", "cef", "hec"):
        codec = CATALOG.codec(name)
        assert codec(codec.options_model()).encode(frame, api.Columns({"a": api.STRING}), ()) == b"", name
