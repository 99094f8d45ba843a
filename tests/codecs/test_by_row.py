"""Codecs against a loop over the records, with the standard library's json and csv: any texts, any of them missing."""

from __future__ import annotations

import csv
import io
import json

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline import api

any_records = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

LINE = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=12)
TEXT = LINE | st.text(st.sampled_from('a"\\|=]\n\t ü😀'), max_size=8)
WORD = st.text(st.sampled_from("abcXYZ019.-_/"), min_size=1, max_size=8).filter(lambda word: word != "-")
NUMBER = st.integers(-(2**63), 2**63 - 1)
STAMP = "2026-01-31T12:00:00.5Z"


def some(item):
    return st.lists(item, min_size=1, max_size=8)


def told(record):
    """Without what is missing, as the fixtures show it."""
    return {name: value for name, value in record.items() if value is not None}


@given(some(LINE))
@any_records
def test_lines(decoded, texts):
    assert decoded("lines", *texts) == ([{"message": text} for text in texts], [None] * len(texts))


@given(some(st.tuples(TEXT, st.booleans(), st.sampled_from(["stdout", "stderr"]))))
@any_records
def test_docker(decoded, records):
    """The end of a line says whether it is whole."""
    lines = [
        json.dumps({"log": text + "\n" * whole, "stream": stream, "time": STAMP}) for text, whole, stream in records
    ]
    rows, reasons = decoded("docker", *lines)
    found = [(row["message"], row["stream"], row["partial"]) for row in rows]
    assert found == [
        (text.removesuffix("\n") if not whole else text, stream, not (whole or text.endswith("\n")))
        for text, whole, stream in records
    ]
    assert reasons == [None] * len(records)


@given(some(st.tuples(st.none() | LINE, st.sampled_from(["F", "P", "F:x"]), st.sampled_from(["stdout", "stderr"]))))
@any_records
def test_cri(decoded, records):
    lines = [
        f"{STAMP} {stream} {tag}" + ("" if text is None else f" {text.strip(chr(13))}") for text, tag, stream in records
    ]
    rows, _ = decoded("cri", *lines)
    assert [(row["message"], row["stream"], row["partial"]) for row in rows] == [
        (text or "", stream, tag == "P") for text, tag, stream in records
    ]


FIELDS = st.fixed_dictionaries(
    {"short_message": TEXT, "level": st.none() | st.integers(0, 7), "_n": st.none() | NUMBER}
)


@given(some(FIELDS))
@any_records
def test_gelf_is_read(decoded, records):
    rows, _ = decoded("gelf", *map(json.dumps, records), demand={("_n",): api.INT})
    assert [told({name: row.get(name) for name in ("short_message", "level", "_n")}) for row in rows] == [
        told(record) for record in records
    ]


def columns(records, *names):
    kinds = {"n": pl.Int64}
    return {name: pl.Series([record[name] for record in records], dtype=kinds.get(name, pl.String)) for name in names}


ROWS = some(st.fixed_dictionaries({"message": TEXT, "n": st.none() | NUMBER, "s": st.none() | TEXT}))
TYPES = {"n": api.INT}


@given(ROWS)
@any_records
def test_gelf_is_written(encoded, records):
    lines = encoded("gelf", columns(records, "message", "n", "s"), types=TYPES).split("\n")[:-1]
    fixed = {"version": "1.1", "host": "web1", "timestamp": 1769860800.5}
    assert [json.loads(line) for line in lines] == [
        told({**fixed, "short_message": row["message"], "_n": row["n"], "_s": row["s"]}) for row in records
    ]


@given(ROWS)
@any_records
def test_hec(encoded, records):
    lines = encoded("hec", columns(records, "message", "n", "s"), types=TYPES).split("\n")[:-1]
    assert [json.loads(line) for line in lines] == [
        {"time": 1769860800.5, "host": "web1", "source": "access", "event": told(row)} for row in records
    ]


@given(ROWS)
@any_records
def test_loki(encoded, records):
    line, label = api.Field(("message",), api.STRING), api.Field(("s",), api.STRING)
    lines = encoded("loki", columns(records, "message", "s"), labels=[label], line=line).split("\n")[:-1]
    assert [json.loads(line) for line in lines] == [
        {"stream": told({"host": "web1", "s": row["s"]}), "values": [["1769860800500000000", row["message"]]]}
        for row in records
    ]


@given(some(st.tuples(st.none() | LINE, st.none() | NUMBER)))
@any_records
def test_text(encoded, records):
    """What is missing is nothing."""
    holes = [api.Hole(api.Field(("a",), api.STRING)), api.Hole(api.Field(("n",), api.INT))]
    fields = columns([{"a": a, "n": n} for a, n in records], "a", "n")
    template = api.Template(("<", holes[0], "|", holes[1], ">"), "")
    assert encoded("text", fields, types=TYPES, template=template) == "".join(
        f"<{a or ''}|{'' if n is None else n}>\n" for a, n in records
    )


@given(some(st.lists(LINE, min_size=2, max_size=4)))
@any_records
def test_csv(decoded, records):
    """As the standard library writes it, everything in quotes."""
    lines = []
    for record in records:
        file = io.StringIO()
        csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="").writerow(record)
        lines.append(file.getvalue())
    rows, reasons = decoded("csv", *lines, columns=["a", "b", "c"])
    fit = [len(record) == 3 for record in records]
    assert reasons == [None if right else "wrong_columns" for right in fit]
    assert rows == [
        dict(zip("abc", record, strict=True)) if right else {} for record, right in zip(records, fit, strict=True)
    ]


@given(some(st.lists(st.just("-") | WORD, min_size=3, max_size=4)))
@any_records
def test_w3c(decoded, records):
    rows, reasons = decoded("w3c", *map(" ".join, records), fields=["a", "cs-b", "cs(C)"])
    fit = [len(record) == 3 for record in records]
    assert reasons == [None if right else "wrong_columns" for right in fit]
    assert rows == [
        {name: cell for name, cell in zip(("a", "cs_b", "cs_c"), record, strict=False) if cell != "-"} if right else {}
        for record, right in zip(records, fit, strict=True)
    ]


SYSLOG = st.fixed_dictionaries(
    {
        "facility": st.sampled_from(["kern", "cron", "local7"]),
        "severity": st.sampled_from(["emerg", "err", "debug"]),
        "appname": st.none() | WORD,
        "procid": st.none() | WORD,
        "message": LINE,
    }
)


@given(some(SYSLOG))
@any_records
def test_syslog_is_read_as_it_was_written(decoded, encoded, records):
    """But for an empty message, which is none."""
    lines = encoded("syslog", columns(records, *records[0])).split("\n")[:-1]
    rows, reasons = decoded("syslog", *lines)
    assert [{name: row.get(name) for name in records[0]} for row in rows] == [
        {**record, "message": record["message"] or None} for record in records
    ]
    assert reasons == [None] * len(records)


CEF = st.fixed_dictionaries(
    {"deviceVendor": TEXT.map(lambda text: text.replace("\n", " ")), "x": TEXT.map(str.strip), "y": WORD}
)


@given(some(CEF))
@any_records
def test_cef_is_read_as_it_was_written(decoded, encoded, records):
    """But for an empty part of the header, which is none, and blanks around a value, which the format does not keep."""
    lines = encoded("cef", columns(records, "deviceVendor", "x", "y")).split("\n")[:-1]
    rows, _ = decoded("cef", *lines, demand={("x",): api.STRING, ("y",): api.STRING})
    assert [{name: row.get(name, "") for name in ("deviceVendor", "x", "y")} for row in rows] == records


ACCESS = st.fixed_dictionaries(
    {
        "remote_addr": st.ip_addresses().map(str),
        "remote_user": st.text(st.sampled_from("abcXYZ019"), min_size=1, max_size=8),
        "path": WORD.map(lambda word: f"/{word}"),
        "status": st.integers(100, 599),
        "user_agent": LINE,
    }
).filter(lambda record: not set('"\\') & set(record["user_agent"]) and record["user_agent"] not in ("", "-"))


APACHE = {
    "remote_addr": "clientip",
    "remote_user": "auth",
    "path": "request",
    "status": "response",
    "user_agent": "agent",
}


@given(some(ACCESS), st.sampled_from([("nginx", {}), ("apache", APACHE)]))
@any_records
def test_access_logs(decoded, records, codec):
    """By both of their names for the fields."""
    kind, names = codec
    lines = [
        f"{r['remote_addr']} - {r['remote_user']} [31/Jan/2026:12:00:00 +0100] "
        f'"GET {r["path"]} HTTP/1.1" {r["status"]} 12 "-" "{r["user_agent"]}"'
        for r in records
    ]
    rows, reasons = decoded(kind, *lines)
    assert reasons == [None] * len(records)
    assert [{name: row.get(names.get(name, name)) for name in records[0]} for row in rows] == records
