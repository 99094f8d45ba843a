"""geoip: a database that changes is opened anew between two batches, one that is broken is not."""

import asyncio
import shutil

import mmdb_writer
import netaddr
import pytest
from pipeline_plugins.filters.geoip import SAMPLE, GeoIP, Options

from pipeline import api
from pipeline.testing import FakeContext, batch, events

FIELD = api.Field(("ip",), api.STRING)


def write(path, country):
    """A database that knows one network, put in place in one step."""
    writer = mmdb_writer.MMDBWriter()
    writer.insert_network(netaddr.IPSet(["192.0.2.0/24"]), {"country": {"iso_code": country}})
    writer.to_db_file(str(path.with_suffix(".new")))
    path.with_suffix(".new").replace(path)


class Ticking:
    """A clock on which one sleep ends at a time."""

    def __init__(self):
        self._asleep = asyncio.Queue()

    async def sleep(self, seconds):
        awake = asyncio.Event()
        self._asleep.put_nowait(awake)
        await awake.wait()

    async def tick(self):
        """Let one look at the file happen, from its beginning to its end."""
        (await self._asleep.get()).set()
        self._asleep.put_nowait(await self._asleep.get())


def test_a_database_that_changes_is_opened_anew(tmp_path):
    """And asked anew for addresses that were known; a broken or missing file leaves the one before in place."""
    path = tmp_path / "geo.mmdb"
    write(path, "DE")

    def broken():
        (tmp_path / "bad").write_bytes(b"nothing")
        (tmp_path / "bad").replace(path)

    changes = [None, lambda: write(path, "FR"), broken, path.unlink, lambda: write(path, "US")]

    async def life(ctx):
        made = GeoIP(Options(field=FIELD, db=str(path)))
        await made.open(ctx)
        found = []
        for change in changes:
            if change is not None:
                change()
            await ctx.clock.tick()
            found.append(events(made.apply(batch({"ip": "192.0.2.1"})))[0]["geo"]["country"])
        await made.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return found

    with FakeContext(once=False, clock=Ticking()) as ctx:
        assert asyncio.run(life(ctx)) == ["DE", "FR", "FR", "FR", "US"]
    assert [(level, message) for level, message, _ in ctx.log.said] == [
        ("info", "the database was read anew"),
        ("warning", "the database could not be read again; the previous one stays in use"),
        ("warning", "the database could not be read again; the previous one stays in use"),
        ("info", "the database was read anew"),
    ]
    assert "there is no such file" in str(ctx.log.said[2][2]["why"])


@pytest.mark.parametrize("options", [{"reload": None}, {"db": None}])
def test_a_file_that_nobody_wants_to_be_looked_at_is_not(tmp_path, options):
    """The sample never changes."""
    shutil.copy(SAMPLE, tmp_path / "geo.mmdb")

    async def life(ctx):
        made = GeoIP(Options(**{"field": FIELD, "db": str(tmp_path / "geo.mmdb"), **options}))
        await made.open(ctx)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        await made.close()

    with FakeContext(once=False) as ctx:
        asyncio.run(life(ctx))
