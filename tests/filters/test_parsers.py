"""json, grok, geoip and user_agent on batches; and what every filter must do with nothing."""

import asyncio
import pickle
from types import SimpleNamespace

import polars as pl
import pytest
from pipeline_plugins.filters import (
    csv,
    dissect,
    drop,
    flatten,
    geoip,
    grok,
    json,
    keep,
    kv,
    redact,
    remove,
    rename,
    route,
    sample,
    user_agent,
    where,
)
from pipeline_plugins.filters import set as assign

from pipeline import api
from pipeline.agent.telemetry import NodeMeter, PluginMeter
from pipeline.columns.native import kernels
from pipeline.env.real import RealEnv

RAW = api.Field(("@raw",), api.BYTES)
TEXT = api.Field(("text",), api.STRING)


def schema_holds(plugin, columns, made):
    after = plugin.schema(columns)
    fields = {name: kind for name, kind in made.frame.schema.items() if not name.startswith("@")}
    assert fields == {name: api.dtype(kind) for name, kind in after.fields.items()}
    assert ("@rest" in made.frame.columns) == after.open


# ── json ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_json_takes_what_is_demanded_and_carries_the_rest(batch, rows):
    """Demanded paths have the demanded types; all other members are in `@rest` as they came."""
    made = json.Json(json.Options())
    assert made.schema(api.Columns({})) == api.Columns({}, open=True)
    made.demand({("status",): api.INT, ("user", "id"): api.INT})
    after = made.apply(batch(b'{"status":200,"user":{"id":7,"n":1.10},"t":1e2}', b'{"status":"x"}'))
    assert rows(after) == [
        {"status": 200, "user": {"id": 7, "@rest": '{"n":1.10}'}, "@rest": '{"t":1e2}'},
        {"status": None, "user": None, "@rest": None},
    ]
    schema_holds(made, api.Columns({}), after)


def test_json_nests_under_into(batch, rows):
    """With `into` the members are a record, and the events stay closed."""
    made = json.Json(json.Options(field=TEXT, into="body", schema={"n": "int"}))
    made.demand({("body", "s"): api.STRING, ("other",): api.INT})
    after = made.apply(batch(text=['{"n":1,"s":"a","x":2}', "{}"]))
    assert rows(after) == [
        {"text": '{"n":1,"s":"a","x":2}', "body": {"n": 1, "s": "a", "@rest": '{"x":2}'}},
        {"text": "{}", "body": {"n": None, "s": None, "@rest": None}},
    ]
    columns = api.Columns({"text": api.STRING})
    after_columns = made.schema(columns)
    assert after_columns.fields["body"].open
    assert set(dict(after_columns.fields["body"].fields)) == {"n", "s"}
    assert not after_columns.open


def test_a_stated_type_wins_over_a_demand(batch, rows):
    """`schema` is the program's word."""
    made = json.Json(json.Options(schema={"a.b": "float"}))
    made.demand({("a", "b"): api.STRING})
    assert rows(made.apply(batch(b'{"a":{"b":2}}')))[0]["a"]["b"] == 2.0


def test_json_rejects_what_is_no_object(batch, rows, errors):
    """Bad rows leave with the reason and the place; the order of the others is kept."""
    deep = b'{"a":' + b"[" * 64 + b"]" * 64 + b"}"
    made = json.Json(json.Options(schema={"a": "int"}))
    after = made.apply(batch(b'{"a":1}', b"no", deep, b'{"a":2}', b'{"a":3'))
    assert [row["a"] for row in rows(after)] == [1, 2]
    assert errors(after) == [
        (b"no", "not_json", "@raw", "a value is missing, or the text ends too early"),
        (deep, "too_deep", "@raw", "objects and arrays nest deeper than 64"),
        (b'{"a":3', "not_json", "@raw", "a value is missing, or the text ends too early"),
    ]


def test_json_twice_merges_the_rests(batch, rows):
    """A second `json` adds its members; of the same names its own win."""
    first = json.Json(json.Options(field=TEXT))
    after = first.apply(
        batch(text=['{"a":1.10,"b":1}', '{"c":3}']).with_columns(pl.Series("@rest", ['{"b":0,"z":0}', None]))
    )
    assert [row["@rest"] for row in rows(after)] == ['{"b":1,"z":0,"a":1.10}', '{"c":3}']


def test_json_invalid_utf8_is_replaced(batch, rows):
    """Text is U+FFFD where the bytes are not UTF-8; the record itself stays as it is."""
    after = json.Json(json.Options(schema={"a": "string"})).apply(batch(b'{"a":"x\xff"}'))
    assert rows(after)[0]["a"] == "x\ufffd"
    assert after.frame["@raw"].item() == b'{"a":"x\xff"}'


def test_json_reads_text_only():
    """A number is no JSON text, and metadata names are not for `into`."""
    with pytest.raises(api.OptionError, match="json reads a text, and this is of type int"):
        json.Json(json.Options(field=api.Field(("n",), api.INT))).schema(api.Columns({"n": api.INT}))
    with pytest.raises(api.OptionError, match="'@x' is no name for a field"):
        json.Json(json.Options(into="@x"))


# ── grok ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_grok_makes_typed_fields_and_records(batch, rows, errors):
    """Types of the pattern, dots as records; what does not match is rejected."""
    made = grok.Grok(grok.Options(patterns=[r"^%{WORD:verb} %{INT:http.status:int}"]))
    after = made.apply(batch(b"GET 200 x", b"nothing", b"PUT 500\xff"))
    assert rows(after) == [{"verb": "GET", "http": {"status": 200}}, {"verb": "PUT", "http": {"status": 500}}]
    assert errors(after) == [(b"nothing", "no_match", "@raw", "no match")]
    schema_holds(made, api.Columns({}), after)


def test_grok_replaces_fields_and_uses_the_programs_patterns(batch, rows):
    """A field that exists is overwritten; members beside a captured one stay."""
    options = grok.Options(patterns=["%{PAIR}"], on=TEXT, definitions={"PAIR": "%{WORD:text}=%{INT:geo.n:int}"})
    made = grok.Grok(options)
    after = made.apply(batch(text=["a=1"], geo=[{"c": "DE"}]))
    assert rows(after) == [{"text": "a", "geo": {"c": "DE", "n": 1}}]


FASTEST = "polars" if kernels is None else "native"


def test_grok_counts_what_it_matches(batch, errors, tmp_path):
    """In an agent: lines matched, not matched and too slow, and the kinds of those that do not match, when somebody asks."""
    meter = NodeMeter()
    made = grok.Grok(grok.Options(patterns=["^(?:a|aa)+b$"]))
    ctx = SimpleNamespace(metrics=PluginMeter(meter), clock=SimpleNamespace(monotonic=lambda: 0.0))
    asyncio.run(made.open(ctx))
    found = made.apply(batch(b"ab", b"x 1", b"x 2", b"aab"))
    assert len(errors(found)) == 2
    assert meter.values() == {"grok.matched": 2, "grok.no_match": 2, "grok.timeout": 0}
    (row,) = meter.tables()["grok.misses"]
    assert (row["kind"], row["lines"], row["share"], row["saw"]) == ("x <num>", 2, 1.0, "x 1")


def test_grok_outside_of_an_agent_counts_nothing(batch, rows):
    """A filter that was never opened works, and so does its pickle."""
    made = pickle.loads(pickle.dumps(grok.Grok(grok.Options(patterns=["^%{INT:n:int}"]))))
    assert rows(made.apply(batch(b"5"))) == [{"n": 5}]


def test_grok_tells_its_engine():
    """A pattern in linear time has nothing to warn of; one that looks back does."""
    fast = grok.Grok(grok.Options(patterns=["%{INT:n:int}"]))
    slow = grok.Grok(grok.Options(patterns=[r"(?<n>\d+)(?=.*x)"]))
    assert (fast.describe(), fast.warnings()) == ({"engine": FASTEST}, ())
    assert slow.describe()["engine"] == "python"
    assert [warning[0] for warning in slow.warnings()] == ["patterns"]


def test_a_wrong_pattern_is_an_error_of_its_option():
    """The caret goes to the pattern."""
    with pytest.raises(api.OptionError) as caught:
        grok.Grok(grok.Options(patterns=["%{NOSUCH:x}"]))
    assert caught.value.option == "patterns"
    assert "NOSUCH" in caught.value.message


# ── geoip ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def located(**options):
    return geoip.GeoIP(geoip.Options(field=TEXT, **options))


def test_geoip_knows_the_sample_networks(batch, rows):
    """A hit is a record; a miss, what is no address, and null are null."""
    made = located()
    after = made.apply(batch(text=["198.18.64.1", "10.0.0.1", "nonsense", None, "2001:db8:500::1"]))
    found = [row["geo"] for row in rows(after)]
    assert found[0] == {
        "country": "DE",
        "country_name": "Germany",
        "continent": None,
        "city": "Berlin",
        "latitude": 52.52,
        "longitude": 13.4,
        "asn": None,
        "organization": None,
    }
    assert found == [found[0], None, None, None, found[0]]
    schema_holds(made, api.Columns({"text": api.STRING}), after)


@pytest.mark.parametrize(
    ("record", "answer"),
    [
        ({"country_code": "US"}, {"country": "US"}),
        (
            {"country": "US", "asn": "AS15169", "as_name": "Google"},
            {"country": "US", "asn": 15169, "organization": "Google"},
        ),
        (
            {"country": {"iso_code": "FR", "names": {"en": "France"}}, "continent": {"code": "EU"}},
            {"country": "FR", "country_name": "France", "continent": "EU"},
        ),
        ({"autonomous_system_number": 7, "autonomous_system_organization": "x"}, {"asn": 7, "organization": "x"}),
        ({"city": "Oslo", "latitude": "59.9", "longitude": 10}, {"city": "Oslo", "latitude": 59.9, "longitude": 10.0}),
        ({"asn": "none", "latitude": "north", "country": ""}, None),
    ],
)
def test_geoip_reads_nested_and_flat_databases(record, answer):
    """All usual shapes give the same fields."""
    found = geoip.flat(record)
    assert (found and {name: value for name, value in found.items() if value is not None}) == answer


def test_geoip_warns_of_the_sample_and_of_a_missing_file(tmp_path):
    """`pipe check` says so; opening a file that is not there, or no database, is an error."""
    assert [warning[1] for warning in located().warnings()] == [
        "no database is given: the bundled sample knows made-up addresses only"
    ]
    missing = located(db=str(tmp_path / "no.mmdb"))
    assert [warning[1] for warning in missing.warnings()] == [f"there is no file {tmp_path}/no.mmdb"]
    (tmp_path / "bad.mmdb").write_bytes(b"not a database")
    for made in (missing, located(db=str(tmp_path / "bad.mmdb"))):
        with pytest.raises(api.ConfigurationError, match="geoip cannot read the database"):
            asyncio.run(made.open(World()))
        asyncio.run(made.close())


class World:
    """A context that runs work where it is asked to."""

    files = RealEnv(1).files
    once = True

    async def run(self, work, *arguments):
        return work(*arguments)


def test_geoip_and_user_agent_open_and_travel(batch, rows):
    """They open, and a pickled copy gives the same answers."""
    for made, text in ((located(), "198.18.64.1"), (browsers(), "curl/8.5.0")):
        asyncio.run(made.open(World()))
        copy = pickle.loads(pickle.dumps(made))
        assert rows(copy.apply(batch(text=[text]))) == rows(made.apply(batch(text=[text])))
        asyncio.run(made.close())


# ── user_agent ───────────────────────────────────────────────────────────────────────────────────────────────────────

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.6099.71 Safari/537.36"
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def browsers():
    return user_agent.UserAgent(user_agent.Options(field=TEXT))


def test_user_agent_recognises_browsers_and_bots(batch, rows):
    """A browser has version and system, a bot is marked, and what nobody knows is null."""
    made = browsers()
    after = made.apply(batch(text=[CHROME, GOOGLEBOT, "zzz", None, "", CHROME * 10_000]))
    found = [row["ua"] for row in rows(after)]
    assert found[0] == {
        "family": "Chrome",
        "version": "120.0.6099",
        "os": "Windows",
        "os_version": "10",
        "device": None,
        "bot": False,
    }
    assert (found[1]["family"], found[1]["version"], found[1]["bot"]) == ("Googlebot", "2.1", True)
    assert found[2:5] == [None, None, None]
    assert found[5]["family"] == "Chrome"
    schema_holds(made, api.Columns({"text": api.STRING}), after)


@pytest.mark.parametrize("made", [located, browsers])
def test_lookups_read_strings(made):
    """A number is no address and no user agent."""
    plugin = made()
    number = type(plugin)(plugin.options_model(field=api.Field(("n",), api.INT)))
    with pytest.raises(api.OptionError, match="reads a string, and this is of type int"):
        number.schema(api.Columns({"n": api.INT}))


# ── nothing ──────────────────────────────────────────────────────────────────────────────────────────────────────────

EXPR = api.Expr(pl.col("text").is_not_null(), api.BOOL, "text != null")

FILTERS = {
    "keep": lambda: keep.Keep(keep.Options(fields=[TEXT])),
    "remove": lambda: remove.Remove(remove.Options(fields=[TEXT])),
    "rename": lambda: rename.Rename(rename.Options(block=api.Renames((api.Rename(("a", "b"), TEXT),)))),
    "set": lambda: assign.Set(assign.Options(block=api.Assignments((api.Assign(("a", "b"), EXPR),)))),
    "where": lambda: where.Where(where.Options(condition=EXPR)),
    "drop": lambda: drop.Drop(drop.Options(condition=EXPR)),
    "route": lambda: route.Route(route.Options(block=api.Cases((api.Case("a", EXPR),)))),
    "json": lambda: json.Json(json.Options(field=TEXT, schema={"a": "int", "b.c": "time"})),
    "json into": lambda: json.Json(json.Options(field=TEXT, into="body", schema={"a": "int"})),
    "grok": lambda: grok.Grok(grok.Options(patterns=["%{INT:a:int} %{WORD:b.c}"], on=TEXT)),
    "dissect": lambda: dissect.Dissect(dissect.Options(pattern="%{a:int} %{b.c} %{+d}-%{d}", on=TEXT)),
    "kv": lambda: kv.Kv(kv.Options(field=TEXT, schema={"a": "int", "b.c": "time"})),
    "kv into": lambda: kv.Kv(kv.Options(field=TEXT, into="body", schema={"a": "int"})),
    "csv": lambda: csv.Csv(csv.Options(field=TEXT, columns=["a", "b"], types={"a": "int"})),
    "csv into": lambda: csv.Csv(csv.Options(field=TEXT, columns=["a", "b"], types={"a": "int"}, into="body")),
    "sample": lambda: sample.Sample(sample.Options(every=1, weight="w", by=(TEXT,))),
    "redact": lambda: redact.Redact(redact.Options(fields=[TEXT], presets=["email"], key="k")),
    "redact all": lambda: redact.Redact(redact.Options(fields=[TEXT])),
    "flatten": lambda: flatten.Flatten(flatten.Options()),
    "geoip": located,
    "user_agent": browsers,
}


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("texts", [[], [None, None]], ids=["no rows", "all null"])
def test_filters_stand_nothing(batch, name, texts):
    """No rows and columns of nulls give the columns of the schema; every row is kept, rejected or filtered; input stays."""
    made = FILTERS[name]()
    before = batch(types={"text": api.STRING}, text=texts)
    kept = before.frame.clone()
    after = made.apply(before)
    schema_holds(made, api.Columns({"text": api.STRING}), after)
    assert after.frame.height + sum(frame.height for frame in after.rejected) in (
        {0, 2} if name == "where" else {len(texts)}
    )
    assert after.span == before.span
    assert before.frame.equals(kept)
    for part in made.split(before).values() if made.ports else ():
        assert part.frame.columns == before.frame.columns


@pytest.mark.parametrize("name", ["dissect", "kv", "csv", "sample", "redact", "redact all", "flatten"])
def test_pickled_filters_do_the_same(batch, name):
    """Also when they have run before: a flow travels to other processes."""
    made = FILTERS[name]()
    events = batch(types={"text": api.STRING}, text=["1 a b-c", "a=1 b.c=x", "1,b", "x@y.org", None])
    after = made.apply(events)
    copy = pickle.loads(pickle.dumps(made)).apply(events)
    assert copy.frame.equals(after.frame)
    assert len(copy.rejected) == len(after.rejected)


@pytest.mark.parametrize("name", FILTERS)
def test_filters_leave_their_input_as_it_is(batch, name):
    """A batch that is shared by several stages is never changed."""
    before = batch(types={"text": api.STRING}, text=['{"a":1,"@x":2}', "1 b", "198.18.64.1", None])
    copy = pl.DataFrame([column.to_list() for column in before.frame.get_columns()], schema=before.frame.schema)
    FILTERS[name]().apply(before)
    assert before.frame.equals(copy)
