"""What is said of a test that fails: where, what was expected and found, and what went through each node."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.lang.diagnostics import Diagnostic
from pipeline.lang.rendering import render
from pipeline.plan.graph import Graph
from pipeline.trials.difference import difference, visible
from pipeline.trials.judge import Verdict
from pipeline.trials.run import Outcome
from pipeline.trials.trace import trace
from pipeline.trials.wording import shown

_MOST = 20
_SAID = 10


def failure(outcome: Outcome, graph: Graph, *, colour: bool = False) -> str:
    """Several lines without a newline at the end."""
    parts = [_verdict(verdict, colour=colour) for verdict in outcome.verdicts if not verdict.held]
    if outcome.error:
        step = outcome.failed_at
        span = outcome.case.span if step is None else step.span
        parts.append(render(Diagnostic("P508", f"the test ended here: {outcome.error}", span), colour=colour))
    lines = "\n".join(parts).split("\n")
    lines += ["rows by node, at the end:", *(f"  {line}" for line in trace(outcome, graph))]
    if outcome.said:
        lines += ["the engine said:", *(f"  {line}" for line in outcome.said[:_SAID])]
    return "\n".join(lines)


def problem(outcome: Outcome) -> str:
    """The first thing that is wrong, on one line."""
    why = next((verdict.why for verdict in outcome.verdicts if not verdict.held), outcome.error)
    return " ".join(why.split())


def _verdict(verdict: Verdict, *, colour: bool) -> str:
    check = verdict.check
    message = f"expectation of {check.expectation.port} not met: {verdict.why}"
    return "\n".join([render(Diagnostic("P507", message, check.span), colour=colour), *_beside(verdict)])


def _beside(verdict: Verdict) -> Iterator[str]:
    expectation = verdict.check.expectation
    if expectation.how == "equals":
        yield "- expected, + found:"
        told = list(difference(expectation.events, verdict.found))
    else:
        marks = verdict.marks or (False,) * len(verdict.found)
        yield "found:" if verdict.found else "found nothing"
        told = [
            f"{'*' if mark else ' '} {shown(visible(event))}" for event, mark in zip(verdict.found, marks, strict=True)
        ]
    yield from (f"  {line}" for line in told[:_MOST])
    if len(told) > _MOST:
        yield f"  … {len(told) - _MOST} more"
