"""Filters that see one event at a time."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from pipeline import api
from pipeline.testing import batch, contract, events, rejected
from pipeline.testing.life import EPOCH


class Options(api.Options):
    """None."""


class Orders(api.EventFilter[Options], api=1):
    """One event for each item of an order, with its price; orders without items go, those without a number are rejected."""

    name = "orders"
    drops = makes = True
    options_model = Options
    metadata = ("@raw", "@timestamp")
    example = """
source lines = generate(count: 100, format: json)
transform bought = lines
  | json(schema: {status: int, request: string})
  | set { order = if status < 300 then request else null }
  | keep(order, status)
  | orders()
sink out = bought -> null()
"""

    def adds(self):
        return {
            "item": api.record({"name": api.STRING, "price": api.FLOAT}),
            "line": api.BYTES,
            "at": api.TIME,
            "tags": api.list_of(api.STRING),
        }

    def removes(self):
        return ("status",)

    def process(self, event):
        order, status = event["order"], event.pop("status")
        if status == 404:
            raise api.Reject("no_such_order", field="status", detail=str(status))
        if order is None:
            return None
        event |= {"line": event["@raw"], "at": event["@timestamp"], "tags": [order[:2], None]}
        return [event | {"item": {"name": order, "price": price}} for price in (1.5, None)]


TYPES = {"order": api.STRING, "status": api.INT}


def made(*rows):
    return Orders(Options()).apply(batch(*rows, types=TYPES))


def test_one_event_becomes_several_or_none():
    """A list gives events with the metadata of the one that came; None lets it go."""
    found = made({"order": "a", "status": 200}, {"order": None, "status": 200}, {"order": "b", "status": None})
    assert [(row["order"], row["item"]) for row in events(found)] == [
        ("a", {"name": "a", "price": 1.5}),
        ("a", {"name": "a", "price": None}),
        ("b", {"name": "b", "price": 1.5}),
        ("b", {"name": "b", "price": None}),
    ]
    assert found.frame.select("@offset", "@item").rows() == [(0, "0"), (0, "1"), (2, "0"), (2, "1")]
    assert rejected(found) == []


def test_an_event_that_is_not_given_back_is_a_mistake():
    """The commonest one: `process` changes the event and forgets to return it."""

    class Forgets(Orders):
        drops = False

    with pytest.raises(TypeError, match="process gave no event back; say `drops = True`"):
        Forgets(Options()).apply(batch({"order": None, "status": 200}, types=TYPES))


def test_values_keep_their_types():
    """Bytes, times, lists and records, in and out."""
    row = events(made({"order": "abc", "status": 200}))[0]
    assert row == {
        "order": "abc",
        "item": {"name": "abc", "price": 1.5},
        "line": b"line 0",
        "at": datetime.fromtimestamp(EPOCH / 1e6, UTC),
        "tags": ["ab", None],
    }


def test_each_rejected_event_has_its_own_detail():
    """Two of one reason say different things."""

    class Picky(Orders):
        def process(self, event):
            raise api.Reject("no", field="order", detail=event["order"])

    found = Picky(Options()).apply(batch({"order": "a"}, {"order": "b"}, {"order": None}, types=TYPES))
    assert rejected(found) == [
        (b"line 0", "no", "order", "a"),
        (b"line 1", "no", "order", "b"),
        (b"line 2", "no", "order", None),
    ]


def test_a_rejected_event_leaves_with_its_reason():
    """`Reject` says why; the others stay."""
    found = made({"order": "a", "status": 404}, {"order": "b", "status": 200})
    assert rejected(found) == [(b"line 0", "no_such_order", "status", "404")]
    assert {row["order"] for row in events(found)} == {"b"}


def test_all_rejected_and_none():
    """Without events the columns are those that were promised."""
    plugin = Orders(Options())
    for rows in ((), ({"order": "a", "status": 404},)):
        given = batch(*rows, types=TYPES)
        schema = plugin.apply(given).frame.select(pl.exclude("^@.*$")).schema
        promised = plugin.schema(api.Columns(TYPES))
        assert dict(schema) == {name: api.dtype(kind) for name, kind in promised.fields.items()}


@pytest.mark.parametrize(
    ("event", "told"),
    [
        ({"other": 1}, "process gave a field `other`, but it is not in `adds`"),
        ({"status": 1}, "process gave a field `status`, but `removes` names it"),
        ({"line": "text"}, "process gave `line` a value that is not Binary"),
        ({"at": 7.5}, r"process gave `at` a value that is not Datetime"),
    ],
)
def test_what_was_not_promised_is_a_type_error(event, told):
    """A mistake of the plugin's author is said as one; the engine rejects the record as `failed`."""

    class Wrong(Orders):
        def process(self, _event):
            return event

    with pytest.raises(TypeError, match=told):
        Wrong(Options()).apply(batch({"order": "a", "status": 1}))


def test_several_events_are_announced():
    """Without `makes` they would have one name, and nobody could count them."""

    class Quiet(Orders):
        makes = False

    with pytest.raises(TypeError, match="process gave list; say `makes = True` where it gives several events"):
        Quiet(Options()).apply(batch({"order": "a", "status": 1}, types=TYPES))


def test_the_contract():
    """A filter for events keeps what a filter for columns keeps."""
    contract.check(Orders)
