"""Second upstreams: what the checker finds out about their fields, and where they are in the graph."""

from __future__ import annotations

import pytest

from pipeline.lang.spans import Source
from pipeline.plan.explain import explain
from pipeline.plan.graph import Graph, Port
from pipeline.plan.load import load
from pipeline.plan.picture import Format, picture

PROGRAM = """
source access = file('access.log')
source users  = file('users.log', codec: json)
transform facts = users | set { @timestamp = time(at) }
transform known = access | json() | join(facts, on: OPTIONS) | set { more = seats + 1  name = lower(user) }
sink out = known -> null()
"""


def graph(options: str) -> Graph:
    loaded = load(Source("t.pipe", PROGRAM.replace("OPTIONS", options)))
    assert loaded.graph is not None, [each.message for each in loaded.diagnostics]  # type: ignore[union-attr]
    return loaded.graph


def test_members_of_open_records_have_the_types_that_their_uses_demand() -> None:
    """On both sides of the join: the key has the type of the field, a column that which is demanded behind it."""
    made = graph("user, key: id, columns: [seats, plan]").stages
    assert {name: str(kind) for name, kind in made["users"].columns[""].fields.items()} == {
        "at": "json", "id": "string", "plan": "json", "seats": "int",
    }  # fmt: skip
    assert str(made["known"].columns[""].fields["seats"]) == "int"


def test_a_key_that_is_left_out_is_called_like_the_field() -> None:
    (step,) = (step for step in graph("user, columns: seats").stages["known"].steps if step.table)
    assert step.plugin.options.key.path == ("user",)  # type: ignore[attr-defined]


def test_a_table_is_read_and_feeds_no_events() -> None:
    """It reaches the stage and those below; its source is none of theirs, holds no window back, and goes first."""
    made = graph("user, key: id, columns: seats")
    assert made.stages["known"].reads == (Port("access"), Port("facts"))
    assert [stage.name for stage in made.reached("users")] == ["facts", "known", "out"]
    assert (made.sources_of("out"), made.sinks_of("users")) == (("access",), ())
    assert made.known_first == {"users"}


@pytest.mark.parametrize(
    ("form", "edge"),
    [("text", "◀─ access  ◁─ facts"), ("mermaid", "n2 -.-> n3"), ("dot", '"facts" -> "known" [style=dashed];'), ("json", '"tables": [\n        "facts"')],
)  # fmt: skip
def test_a_picture_shows_the_table(form: Format, edge: str) -> None:
    assert edge in picture(graph("user, key: id, columns: seats"), form)


def test_explain_says_what_the_table_is_and_what_comes_late() -> None:
    told = explain(graph("user, key: id, columns: seats, version: latest, count: 7"))
    assert "table         facts by id, the latest; 7 events of it at most" in told
    assert "What comes late changes later events only" in told
