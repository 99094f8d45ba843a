"""Simulations from the command line.

python tests/simulation/run.py --seeds 10000            from seed 0 on, until one fails
python tests/simulation/run.py --seed 17 --only 0,3,7   one of them again, or some of its actions
python tests/simulation/run.py --crashes                every crash of one life, and how many there are
"""

from __future__ import annotations

import argparse
import sys
import time

from explore import explore
from small import small
from storm import StormError, actions, check, failure, play, told


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=300)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--only", help="Numbers of the actions to play, or `none`.")
    parser.add_argument("--crashes", action="store_true")
    given = parser.parse_args()
    with small():
        if given.crashes:
            print(explore())
            return 0
        if given.seed is not None:
            return one(given.seed, given.only)
        began = time.monotonic()
        for seed in range(given.start, given.start + given.seeds):
            try:
                check(seed)
            except StormError as error:
                print(error)
                return 1
        print(f"{given.seeds} seeds from {given.start} on in {time.monotonic() - began:.0f} s: nothing was broken")
        return 0


def one(seed: int, given: str | None) -> int:
    only = list(range(len(actions(seed)[1]))) if given is None else []
    only = only if given in (None, "none") else [int(number) for number in str(given).split(",")]
    error = failure(seed, only)
    if error is not None:
        print(told(seed, only, error))
        return 1
    storm = play(seed, only)
    print(f"seed {seed}: exact; {storm.lives} lives, {storm.passed} points, trace {storm.trace.hexdigest()[:16]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
