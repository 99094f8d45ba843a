"""One suite that every plugin must pass: `contract.check(MyPlugin)`.

check.py       which rules a plugin is held to, and what it is told
every.py       docs, example, pickling, closing         filters.py, folds.py, windows.py, inputs.py, outputs.py, codecs.py, aggregates.py, functions.py
cases.py       a plugin in a program                    rows.py    odd values for any columns
world.py       cancelled at any await, watched loops    kept.py    what a plugin still holds
folded.py      what a fold makes of rows
rules.py       a rule, and a rule that is broken
"""

from pipeline.testing.contract.check import SUITES, check
from pipeline.testing.contract.rules import ContractError

__all__ = ["SUITES", "ContractError", "check"]
