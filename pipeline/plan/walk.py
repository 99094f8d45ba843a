"""A walk over what needs what, however long the chains are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator


def depth_first(roots: Iterable[str], needs: Callable[[str], Iterable[str]]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every name once, after all that it needs, as `(name, ())`.

    A name that is needed while what it needs is still being walked closes a circle: that comes as `(name, circle)`, with the
    names from it to the one that needs it, before any of them is given."""
    done: set[str] = set()
    for root in roots:
        path = {root: iter(needs(root))} if root not in done else {}
        while path:
            name, rest = next(reversed(path.items()))
            need = next(rest, None)
            if need is None:
                path.popitem()
                done.add(name)
                yield name, ()
            elif need in path:
                at = list(path)
                yield need, tuple(at[at.index(need) :])
            elif need not in done:
                path[need] = iter(needs(need))
