"""lookup: exact answers from every kind of table, tables that cannot be used, and tables that change."""

import asyncio
import pickle

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pipeline_plugins.filters.lookup import Lookup, Options

from pipeline import api
from pipeline.env.real import RealEnv

HOST = api.Field(("host",), api.STRING)
COLUMNS = ["team", "racks:int"]
ROWS = [("a", "red", 1), ("b", "", None), ("ä,", "blue", 3)]


class World:
    """A context on real files whose clock stands still until `tick`."""

    def __init__(self, *, once=False):
        self.once = once
        self.files = RealEnv(1).files
        self.told = []
        self.log = self
        self.clock = self
        self._asleep = asyncio.Queue()

    async def run(self, work, *arguments):
        return work(*arguments)

    async def sleep(self, seconds):
        awake = asyncio.Event()
        self._asleep.put_nowait(awake)
        await awake.wait()

    async def tick(self):
        """Let one look at the file happen, from its beginning to its end."""
        (await self._asleep.get()).set()
        self._asleep.put_nowait(await self._asleep.get())

    def info(self, message, **fields):
        self.told.append(message)

    warning = info


def opened(file, columns=COLUMNS, on=HOST, **options):
    made = Lookup(Options(file=str(file), on=on, columns=columns, **options))

    async def open():
        await made.open(World(once=True))
        await made.close()

    asyncio.run(open())
    return made


def tables(folder):
    """The same rows in every format."""
    frame = pl.DataFrame(ROWS, schema={"host": pl.String, "team": pl.String, "racks": pl.Int64}, orient="row")
    frame.write_csv(folder / "t.csv", null_value="x")
    frame.write_csv(folder / "t.tsv", separator="\t", null_value="x")
    frame.write_ndjson(folder / "t.ndjson")
    frame.write_parquet(folder / "t.parquet")
    return [folder / f"t.{kind}" for kind in ("csv", "tsv", "ndjson", "parquet")]


def test_every_format_gives_the_same_answers(batch, rows, tmp_path):
    """A key that is not there, or null, gives null; values that are none are null; order stays."""
    for file in tables(tmp_path):
        made = opened(file)
        events = batch(types={"host": api.STRING}, host=["b", "zzz", None, "ä,", "a", "b"])
        after = made.apply(events)
        found = [(row["team"], row["racks"]) for row in rows(after)]
        assert found == [("", None), (None, None), (None, None), ("blue", 3), ("red", 1), ("", None)]
        assert made.schema(api.Columns({"host": api.STRING})).fields == {
            "host": api.STRING,
            "team": api.STRING,
            "racks": api.INT,
        }
        assert after.frame.schema["racks"] == pl.Int64
        assert made.apply(batch(types={"host": api.STRING}, host=[])).frame.schema["racks"] == pl.Int64


def test_answers_nest_and_keys_are_ints(batch, rows, tmp_path):
    """With `into` a miss is a record that is null; the column of keys may have another name."""
    file = tmp_path / "t.csv"
    file.write_text("code,meaning\n200,OK\nx,nothing\n,empty\n")
    made = opened(file, ["meaning"], api.Field(("status",), api.INT), key="code", into="s")
    assert rows(made.apply(batch(status=[200, 404]))) == [
        {"status": 200, "s": {"meaning": "OK"}},
        {"status": 404, "s": None},
    ]
    assert made.schema(api.Columns({})).fields == {"s": api.record({"meaning": api.STRING})}


def test_of_duplicate_keys_one_counts_where_it_says_so(batch, rows, tmp_path):
    """Else the table is refused."""
    file = tmp_path / "t.csv"
    file.write_text("host,team\na,red\nb,x\na,blue\n")
    for which, team in (("first", "red"), ("last", "blue")):
        assert rows(opened(file, ["team"], duplicates=which).apply(batch(host=["a"])))[0]["team"] == team
    with pytest.raises(api.ConfigurationError, match="the key a is there several times"):
        opened(file, ["team"])


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("t.csv", None, "there is no such file|it cannot be read"),
        ("t.csv", "host,group\na,b\n", "it has no column team; it has host, group"),
        ("t.csv", 'host,team\n"a\nb",red\nc,d,e\n', "line 4 has 3 values, and there are 2 columns"),
        ("t.tsv", "host\tteam\tteam\na\tb\tc\n", "it has two columns team"),
        ("t.csv", "", "lookup cannot use the table"),
        ("t.ndjson", '{"host":"a"}\nno\n', "line 2 is no JSON object"),
        ("t.parquet", "no", "lookup cannot use the table"),
    ],
)
def test_tables_that_cannot_be_used_end_the_start(tmp_path, name, text, message):
    """With the file and the reason."""
    file = tmp_path / name
    if text is not None:
        file.write_text(text)
    with pytest.raises(api.ConfigurationError, match=message):
        opened(file, ["team"])


class Growing:
    """Real files, each with one more byte whenever somebody looks."""

    def __init__(self, files):
        self.read = files.read
        self._files = files

    def stat(self, path):
        with path.open("a") as file:
            file.write("\n")
        return self._files.stat(path)


def test_a_table_that_changes_while_it_is_read_is_refused(tmp_path):
    """Half of a file is no table."""
    file, world = tmp_path / "t.csv", World(once=True)
    file.write_text("host,team\na,red")
    world.files = Growing(world.files)
    with pytest.raises(api.ConfigurationError, match="it changed while it was read"):
        asyncio.run(Lookup(Options(file=str(file), on=HOST, columns=["team"])).open(world))


def test_a_missing_file_is_a_warning_of_the_check(tmp_path):
    """At the option."""
    made = Lookup(Options(file=str(tmp_path / "no.csv"), on=HOST, columns=["a"]))
    assert [(option, message) for option, message, _ in made.warnings()] == [
        ("file", f"there is no file {tmp_path}/no.csv")
    ]
    (tmp_path / "no.csv").write_text("host,a\n")
    assert made.warnings() == ()


def test_a_table_that_changes_is_read_anew(batch, rows, tmp_path):
    """Between two batches; one that cannot be used leaves the one before in place, and one that can takes it again."""
    file, other = tmp_path / "t.csv", tmp_path / "new"
    file.write_text("host,team\na,red\n")

    async def life():
        ctx = World()
        made = Lookup(Options(file=str(file), on=HOST, columns=["team"]))
        await made.open(ctx)
        teams = []
        for text in (None, "host,team\na,green\n", "broken", "host,team\na,blue\n"):
            if text is not None:
                other.write_text(text)
                other.replace(file)
            await ctx.tick()
            teams.append(rows(made.apply(batch(host=["a"])))[0]["team"])
        await made.close()
        await made.close()
        return teams, ctx.told

    teams, told = asyncio.run(life())
    assert teams == ["red", "green", "green", "blue"]
    assert told == [
        "the table was read anew",
        "the table could not be read again; the previous one stays in use",
        "the table was read anew",
    ]


def test_a_copy_reads_the_table_for_itself(batch, tmp_path):
    """A pickle is made of the options; it answers when it was opened."""
    file = tmp_path / "t.csv"
    file.write_text("host,team\na,red\n")
    copy = pickle.loads(pickle.dumps(opened(file, ["team"])))
    with pytest.raises(api.ConfigurationError, match="was not read"):
        copy.apply(batch(host=["a"]))


@pytest.mark.parametrize(
    ("options", "option", "message"),
    [
        ({"file": "t.txt"}, "file", "what t.txt is cannot be told from its name"),
        ({"columns": ["a:date"]}, "columns", "'a:date': there is no type date"),
        ({"columns": ["@raw"]}, "columns", "'@raw' is no column"),
        ({"columns": ["a", "a:int"]}, "columns", "a is there twice"),
        ({"columns": ["host"]}, "columns", "host is the key"),
    ],
)
def test_wrong_options_say_what_is_wrong(options, option, message):
    """At the option, before anything runs."""
    with pytest.raises(api.OptionError) as caught:
        Lookup(Options(**{"file": "t.csv", "on": HOST, "columns": ["team"], **options}))
    assert message in caught.value.message
    assert caught.value.option == option


def test_lookup_finds_strings_and_ints():
    """A float is no key."""
    made = Lookup(Options(file="t.csv", on=api.Field(("x",), api.FLOAT), columns=["team"]))
    with pytest.raises(api.OptionError, match="lookup finds strings and ints, and this is of type float"):
        made.schema(api.Columns({"x": api.FLOAT}))


KEYS = st.text("ab\xe9 ", min_size=1, max_size=2)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=st.lists(st.tuples(KEYS, st.integers(-9, 9)), max_size=6), keys=st.lists(st.none() | KEYS, max_size=6))
def test_the_same_as_row_by_row(batch, tmp_path, table, keys):
    """Whatever the table: what a dict finds."""
    file = tmp_path / "t.parquet"
    pl.DataFrame(table, schema={"host": pl.String, "n": pl.Int64}, orient="row").write_parquet(file)
    made = opened(file, ["n:int"], duplicates="last")
    after = made.apply(batch(types={"host": api.STRING}, host=keys))
    assert after.frame["n"].to_list() == [dict(table).get(key) for key in keys]
