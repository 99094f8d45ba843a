"""Names with values as JSON: the native kernel gives what its twin gives, and both what a plain reference gives."""

import json

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.columns.pairs import objects, objects_twin

ODD = st.text(alphabet='ab= "\\][\n\t\x01é.|nru0', max_size=24)
PIECES = st.lists(st.sampled_from(["[", "a", 'b"', '="', " ", '\\"', "\\]", '"', "]", "=", "x", "\\", "\\n", "\\="]))
GRAMMARS = ["logfmt", "cef", "structured"]

NAMES = st.text(alphabet="abcé_.-", min_size=1, max_size=5)
VALUES = st.text(max_size=12)
RECORDS = st.dictionaries(NAMES, VALUES, min_size=1, max_size=4)


@pytest.mark.native
@pytest.mark.parametrize("grammar", GRAMMARS)
@given(st.lists(st.none() | ODD | PIECES.map("".join), max_size=6), st.integers(0, 6))
@settings(max_examples=400, deadline=None)
def test_native_equals_its_twin(grammar, texts, cut):
    """Any texts, in one chunk or two."""
    chunks = pl.Series("x", texts[:cut], dtype=pl.String).append(pl.Series("x", texts[cut:], dtype=pl.String))
    assert objects(chunks, grammar).to_list() == objects_twin(chunks, grammar).to_list()


@given(RECORDS)
@settings(deadline=None)
def test_logfmt_is_read_as_it_was_written(record):
    """Values in quotes, with the escapes of JSON."""
    line = " ".join(f"{name}={json.dumps(value)}" for name, value in record.items())
    assert json.loads(objects(pl.Series([line]), "logfmt")[0]) == record


@given(st.dictionaries(NAMES, RECORDS, min_size=1, max_size=3))
@settings(deadline=None)
def test_structured_data_is_read_as_it_was_written(elements):
    """Escaped as RFC 5424 says: the quote, the backslash, the bracket."""

    def escaped(value):
        return value.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")

    inner = {
        name: "".join(f' {key}="{escaped(value)}"' for key, value in record.items())
        for name, record in elements.items()
    }
    line = "".join(f"[{name}{text}]" for name, text in inner.items())
    assert json.loads(objects(pl.Series([line]), "structured")[0]) == elements


@given(st.dictionaries(st.text(alphabet="abc_.-", min_size=1, max_size=5), VALUES, max_size=4))
@settings(deadline=None)
def test_an_extension_is_read_as_it_was_written(record):
    """Escaped as CEF says; spaces at the end of a value are not part of it."""

    def escaped(value):
        for sign, written in (("\\", "\\\\"), ("=", "\\="), ("\n", "\\n"), ("\r", "\\r")):
            value = value.replace(sign, written)
        return value

    line = " ".join(f"{name}={escaped(value)}" for name, value in record.items())
    wanted = {name: value.rstrip(" ") for name, value in record.items()}
    assert json.loads(objects(pl.Series([line]), "cef")[0]) == wanted
