"""file, null and s3: layouts, bytes and refusals."""

import gzip
import io
from dataclasses import replace

import polars as pl
import pytest
from pipeline_plugins.outputs import file, null, s3

from pipeline import api
from pipeline.plan.catalog import Catalog

CATALOG = Catalog.installed()
HOUR = 3_600_000_000
HEADED = {"header": True}
COLUMNS = api.Columns({"x": api.INT, "s": api.STRING})
FRAME = pl.DataFrame(
    {
        "@timestamp": pl.Series([0, 1_500_000]).cast(pl.Datetime("us", "UTC")),
        "@raw": [b"one\xff", b"two"],
        "@host": ["web1", "web1"],
        "x": [1, None],
        "s": ["a", "b"],
    }
)


def path(*parts):
    """Literals, or (name, type, format) holes."""
    made = [part if isinstance(part, str) else api.Hole(api.Field((part[0],), part[1]), *part[2:]) for part in parts]
    return api.Template(tuple(made), "".join(part if isinstance(part, str) else "{}" for part in parts))


def cut(data, size=7):
    """The same bytes in parts."""
    return (data[at : at + size] for at in range(0, len(data), size))


def output(*parts, **options):
    options = dict(options)
    form = CATALOG.codec(options.pop("format", "json"))
    codec = form(form.options_model(**options.pop("written", {})))
    made = file.File(file.Options(path=path(*parts), format=codec, **options))
    made.schema(COLUMNS)
    return made


@pytest.mark.parametrize(
    ("parts", "options", "compression", "age", "extension"),
    [
        (("a.ndjson",), {}, "none", None, ".ndjson"),
        (("a.ndjson.zst",), {}, "zstd", None, ".ndjson"),
        (("a.log.gz",), {"format": "raw"}, "gzip", None, ".log"),
        (("a.zst",), {"compression": "none"}, "none", None, ".ndjson"),
        (("raw/",), {"format": "raw"}, "none", HOUR, ".log"),
        (("raw/", ("@host", api.STRING), "/"), {"compression": "gzip"}, "gzip", HOUR, ".ndjson"),
        (("a.csv",), {"format": "csv"}, "none", None, ".csv"),
        (("a.zst",), {"roll": api.Roll(size=10)}, "zstd", None, ".ndjson"),
    ],
)
def test_appended_files_say_how_they_are_laid_out(parts, options, compression, age, extension):
    """The extension tells the compression; generated names roll every hour unless told otherwise."""
    layout = output(*parts, **options).layout
    assert (layout.compression, layout.extension, layout.in_place, layout.whole) == (
        compression,
        extension,
        True,
        False,
    )
    assert layout.roll == replace(options.get("roll", api.Roll(age=age)), idle=600_000_000)
    assert layout.path == path(*parts)
    assert layout.exact == (options.get("format") == "raw")


@pytest.mark.parametrize(
    ("name", "options", "extension"),
    [
        ("a.parquet", {"format": "parquet"}, ".parquet"),
        ("a.csv", {"format": "csv", "written": HEADED}, ".csv"),
        ("a.csv.gz", {"format": "csv", "written": HEADED}, ".csv.gz"),
        ("a/", {"format": "csv", "written": HEADED, "compression": "zstd"}, ".csv.zst"),
    ],
)
def test_whole_files_are_encoded_once(name, options, extension):
    """Their bytes are final after `finish`, so the engine compresses nothing more."""
    layout = output(name, **options).layout
    assert (layout.whole, layout.in_place, layout.compression, layout.extension) == (True, True, "none", extension)
    assert layout.roll == api.Roll(age=HOUR, size=128 << 20, idle=600_000_000)


def test_a_whole_file_is_bounded_whatever_else_makes_it_roll():
    """A roll by age has a size, too; a size that the program names is the one."""
    made = output("a.parquet", format="parquet", roll=api.Roll(age=24 * HOUR))
    assert (made.layout.roll.age, made.layout.roll.size) == (24 * HOUR, 128 << 20)
    assert output("a.parquet", format="parquet", roll=api.Roll(size=1 << 30)).layout.roll.size == 1 << 30


def test_formats_write_what_they_say():
    """JSON with the metadata asked for, raw bytes, CSV without a header."""
    assert output("a", metadata=["@host"]).encode(FRAME).decode().splitlines() == [
        '{"@timestamp":"1970-01-01T00:00:00Z","@host":"web1","x":1,"s":"a"}',
        '{"@timestamp":"1970-01-01T00:00:01.5Z","@host":"web1","s":"b"}',
    ]
    assert output("a", format="raw").encode(FRAME) == b"one\xff\ntwo\n"
    assert output("a", format="csv").encode(FRAME) == b"1970-01-01T00:00:00Z,1,a\r\n1970-01-01T00:00:01.5Z,,b\r\n"


def test_finished_files_are_whole():
    """Parquet reads back; CSV gets its header once and is compressed as the name says."""
    made = output("a.parquet", format="parquet")
    rows = pl.read_parquet(io.BytesIO(b"".join(made.finish(cut(made.encode(FRAME) * 2), made.layout.form))))
    assert rows.select("x", "s").rows() == [(1, "a"), (None, "b")] * 2
    made = output("a.csv.gz", format="csv", written=HEADED)
    whole = gzip.decompress(b"".join(made.finish(cut(made.encode(FRAME) * 2), made.layout.form)))
    assert whole.startswith(b"@timestamp,x,s\r\n1970-01-01T00:00:00Z,1,a\r\n")
    assert whole.count(b"\r\n") == 5


def test_raw_reads_only_what_it_writes():
    """Other columns need not be carried to it: the record, and what the path is made of."""
    assert output("r/", ("geo", api.STRING), "/", format="raw").uses() == {"@raw", "geo"}
    assert output("a").uses() is None


@pytest.mark.parametrize(
    ("parts", "options", "culprit", "message"),
    [
        (("",), {}, "path", "the path is empty"),
        (
            ("a",),
            {"format": "parquet", "compression": "gzip"},
            "compression",
            "parquet is compressed already; gzip around it",
        ),
        (("a",), {"format": "raw", "metadata": ["@host"]}, "metadata", "raw writes the records as they came"),
        (("a", ("x", api.INT, "%Y")), {}, "path", "x is int: only times have a format"),
    ],
)
def test_options_that_do_not_fit_are_refused(parts, options, culprit, message):
    """Each error names its option."""
    with pytest.raises(api.OptionError, match=message) as caught:
        output(*parts, **options)
    assert caught.value.option == culprit


def test_csv_needs_fixed_columns():
    """Members that nobody named have no column."""
    with pytest.raises(api.OptionError, match="csv has fixed columns"):
        output("a.csv", format="csv").schema(api.Columns({}, open=True))


def test_files_are_exactly_once():
    """The guarantee is the engine's: bytes are committed with the progress."""
    assert output("a").guarantee()[0] == "exactly once"
    assert output("a", format="parquet").guarantee()[0] == "exactly once"


def test_null_writes_nothing():
    """No column is needed and no byte is made."""
    made = null.Null(null.Options())
    assert (made.encode(FRAME), made.uses()) == (b"", frozenset())


def test_remote_outputs_check_their_places():
    """A bucket is the program's to say."""
    for parts in (("/tmp/x",), (("x", api.STRING),), ("s3://",)):
        with pytest.raises(api.OptionError, match="this is no S3 url"):
            s3.S3(s3.Options(url=path(*parts)))
