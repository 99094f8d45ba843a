"""Prints the table of planted defects for docs/reliability.md: python tests/simulation/table.py"""

from __future__ import annotations

from hunt import hunt
from planted import PLANTED
from small import small


def main() -> None:
    print("| planted | found by | where | what broke |\n|---|---|---|---|")
    with small():
        for what in PLANTED:
            hit = hunt(what)
            row = (what, hit.by, hit.where, hit.broke.replace("|", "/")) if hit else (what, "**not found**", "", "")
            print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
