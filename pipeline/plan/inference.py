"""Types of members that the data brings and the program only uses.

After `json`, a field that nobody declared has the type that its uses demand. The checker walks the program once with a
`Variable` in place of each such type and notes every demand; `solve` then decides, and the second walk has types only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.columns.types import FLOAT, INT, JSON, Columns, Type, list_of
from pipeline.lang.diagnostics import Label
from pipeline.lang.spans import Span
from pipeline.plan.findings import Findings

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Origin:
    """The filter whose open record has the member: the stage's name and the filter's place in its chain."""

    stage: str
    step: int


@dataclass(frozen=True, slots=True)
class Place:
    """A member of the record that a filter opens."""

    origin: Origin
    path: Path = ()

    def member(self, *parts: str) -> Place:
        return Place(self.origin, (*self.path, *parts))


@dataclass(frozen=True, slots=True)
class Variable(Type):
    """A type that is not known yet. To plugins it is `json`."""

    index: int = -1


@dataclass(frozen=True, slots=True)
class OpenRecord(Type):
    """An open record that remembers where its members come from."""

    places: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class Demand:
    """What a use asks for: a type, or (`type` None) any number."""

    type: Type | None
    span: Span


@dataclass(frozen=True, slots=True)
class Broken(Type):
    """The type of a field whose definition is wrong: uses of it are not reported again."""


BROKEN = Broken("json")

Demands = Mapping[Origin, Mapping[Path, Type]]


class Unknowns:
    """All variables of a program, which of them are the same, and what is demanded of each."""

    def __init__(self) -> None:
        self._parent: list[int] = []
        self._place: list[Place | None] = []
        self._of: dict[Place, int] = {}
        self._demands: list[list[Demand]] = []
        self._deciding: set[int] = set()

    @property
    def any(self) -> bool:
        return bool(self._parent)

    def member(self, places: tuple[Place, ...], *parts: str) -> Variable:
        """The type of a member, which is the same in all these places."""
        numbers = [self._number(place.member(*parts)) for place in places]
        for number in numbers[1:]:
            self._join(numbers[0], number)
        return Variable("json", index=numbers[0])

    def element(self, of: Variable, span: Span) -> Variable:
        """The type of an element of a list whose type is unknown: demands that it is a list."""
        for demand in self._demands[self._root(of.index)]:
            if demand.type is not None and isinstance(demand.type.item, Variable):
                return demand.type.item
        item = Variable("json", index=self._new(None))
        self.demand(of, list_of(item), span)
        return item

    def places(self, variable: Variable) -> tuple[Place, ...]:
        root = self._root(variable.index)
        return tuple(
            place for number, place in enumerate(self._place) if place is not None and self._root(number) == root
        )

    def demand(self, variable: Variable, kind: Type | None, span: Span) -> None:
        """A use needs this type; None asks for a number of any kind."""
        if isinstance(kind, Variable):
            self._join(variable.index, kind.index)
        elif kind is None or kind.kind != "null":
            self._demands[self._root(variable.index)].append(Demand(kind, span))

    def solve(self, findings: Findings) -> Demands:
        """Decide every member's type: what is demanded, else `json`. Conflicting demands are reported (P308) and give
        BROKEN. A member that is used both whole and by its own members becomes an open record."""
        found: dict[Origin, dict[Path, Type]] = {}
        for number, place in enumerate(self._place):
            if place is not None:
                found.setdefault(place.origin, {})[place.path] = self._decide(number, findings)
        for members in found.values():
            for path in [path for path in members if any(other[: len(path)] == path != other for other in members)]:
                self._whole(members, path, findings)
        return found

    def _whole(self, members: dict[Path, Type], path: Path, findings: Findings) -> None:
        """A path that has demanded members of its own: it is a record, so nothing else may be demanded of it."""
        kind = members.pop(path)
        if isinstance(kind, Broken):
            members[path] = kind
        elif kind != JSON and kind.kind != "record":
            number = next(number for place, number in self._of.items() if place.path == path)
            demand = self._demands[self._root(number)][0]
            inner = next(other for other in members if other[: len(path)] == path)
            findings.error(
                "P308",
                f"`{'.'.join(path)}` is used as {kind} and as a record",
                demand.span,
                f"{kind} is needed here",
                help=f"`{'.'.join(inner)}` is a member of it: use one or the other",
            )
            members[path] = BROKEN
        if path in members:
            for other in [other for other in members if other != path and other[: len(path)] == path]:
                del members[other]

    def _decide(self, number: int, findings: Findings) -> Type:
        root = self._root(number)
        if root in self._deciding:  # a list that would be an element of itself
            return JSON
        self._deciding.add(root)
        demands = self._demands[root]
        typed = [(demand, self._known(demand.type, findings)) for demand in demands if demand.type is not None]
        self._deciding.discard(root)
        numeric = [demand for demand in demands if demand.type is None]
        if not typed:
            return FLOAT if numeric else JSON
        first, kind = typed[0]
        for demand, other in typed[1:]:
            if other == kind:
                continue
            if {other, kind} == {INT, FLOAT}:
                kind = FLOAT
                continue
            return self._conflict(number, first, kind, demand, other, findings)
        if numeric and kind not in (INT, FLOAT):
            return self._conflict(number, first, kind, numeric[0], None, findings)
        return kind

    def _conflict(
        self, number: int, first: Demand, kind: Type, second: Demand, other: Type | None, findings: Findings
    ) -> Type:
        place = self._place[number]
        name = ".".join(place.path) if place else "the element"
        needed = str(other) if other is not None else "a number"
        findings.error(
            "P308",
            f"`{name}` cannot be both {kind} and {needed}",
            second.span,
            f"{needed} is needed here",
            labels=(Label(first.span, f"{kind} is needed here"),),
            help="state its type with `schema: {…}` where it is read, and convert it where another type is needed",
        )
        return BROKEN

    def _known(self, kind: Type | None, findings: Findings) -> Type:
        """A demanded type with its own variables decided."""
        if kind is None:
            return JSON
        if isinstance(kind, Variable):
            return self._decide(kind.index, findings)
        return list_of(self._known(kind.item, findings)) if kind.kind == "list" else kind

    def _number(self, place: Place) -> int:
        if place not in self._of:
            self._of[place] = self._new(place)
        return self._of[place]

    def _new(self, place: Place | None) -> int:
        number = len(self._parent)
        self._parent.append(number)
        self._place.append(place)
        self._demands.append([])
        return number

    def _root(self, number: int) -> int:
        while self._parent[number] != number:
            number = self._parent[number]
        return number

    def _join(self, one: int, other: int) -> None:
        keep, gone = self._root(one), self._root(other)
        if keep != gone:
            self._parent[gone] = keep
            self._demands[keep] += self._demands[gone]
            self._demands[gone] = []


def named(columns: Columns, path: Path, variable: Variable, places: tuple[Place, ...]) -> Columns:
    """The columns with a member that the program has named for the first time; its parents are open records.

    `places` are those of the unnamed members of `columns`."""
    kind: Type = variable
    for at in range(len(path) - 1, 0, -1):
        inside = tuple(place.member(*path[:at]) for place in places)
        kind = OpenRecord("record", fields=((path[at], kind),), open=True, places=inside)
    return Columns({**columns.fields, path[0]: kind}, columns.open)


def plain(columns: Columns) -> Columns:
    """The columns with the types of the language only: what the checker notes for itself is left out."""

    def clean(kind: Type) -> Type:
        item = None if kind.item is None else clean(kind.item)
        return Type(kind.kind, item, tuple((name, clean(inner)) for name, inner in kind.fields), kind.open)

    return Columns({name: clean(kind) for name, kind in columns.fields.items()}, columns.open)


def opened(columns: Columns, before: Columns, origin: Origin, *, opens: bool) -> Columns:
    """The columns with the origin of every open record noted: this filter if it `opens` records, else as before."""

    def mark(kind: Type, path: Path) -> Type:
        if kind.kind != "record":
            return kind
        fields = tuple((name, mark(inner, (*path, name))) for name, inner in kind.fields)
        if not kind.open:
            return Type("record", fields=fields)
        old = before.get(path)
        places = kind.places if isinstance(kind, OpenRecord) else old.places if isinstance(old, OpenRecord) else ()
        if not places and opens:
            places = (Place(origin, path),)
        return OpenRecord("record", fields=fields, open=True, places=places)

    return Columns({name: mark(kind, (name,)) for name, kind in columns.fields.items()}, columns.open)
