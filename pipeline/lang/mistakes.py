"""What a person probably meant where the parser cannot go on.

Each rule looks at one place and either recognises a mistake or passes. The first that does speaks. A rule that knows
what was meant also says which tokens to read instead, so that the rest of the statement is still checked.
"""

from __future__ import annotations

from collections.abc import Callable

from pipeline.lang.expected import expected
from pipeline.lang.expression_mistakes import (
    chained_comparison,
    clause_word_as_name,
    else_if_in_one_word,
    no_comma,
    no_then_or_else,
    not_closed,
    two_commas,
    unbracketed,
)
from pipeline.lang.mixups import colon_for_define, compare_for_define, define_for_colon, define_outside
from pipeline.lang.place import Mistake, Place
from pipeline.lang.statement_mistakes import (
    arrow_elsewhere,
    block_elsewhere,
    input_as_upstream,
    no_arrow,
    no_define,
    no_parentheses,
    no_pipe,
    pipe_elsewhere,
    several_names,
    template_pattern,
)

Rule = Callable[[Place], Mistake | None]


def explain(place: Place) -> Mistake:
    """Say what is wrong at a place where the parser refused a token."""
    for rule in _RULES:
        mistake = rule(place)
        if mistake is not None:
            return mistake
    return Mistake(expected(place.found, place.before, place.accepts, place.statement))


_RULES: tuple[Rule, ...] = (
    several_names,
    define_for_colon,
    compare_for_define,
    colon_for_define,
    define_outside,
    input_as_upstream,
    arrow_elsewhere,
    pipe_elsewhere,
    else_if_in_one_word,
    no_then_or_else,
    not_closed,
    no_arrow,
    no_pipe,
    no_define,
    no_parentheses,
    block_elsewhere,
    template_pattern,
    chained_comparison,
    unbracketed,
    clause_word_as_name,
    no_comma,
    two_commas,
)
