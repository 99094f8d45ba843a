"""Whether a destination is still ours: copies of one state must not deliver both.

A destination that can be fenced remembers one writer (`pipeline.api.Writer`) for each state. A copy of the state is the same
state to it, in another life. The one that claims the destination last has it; the other one finds out before its next
delivery, and delivers nothing more.
"""

from __future__ import annotations

from collections.abc import Callable

from pipeline.agent.telemetry import NodeLog, NodeMeter
from pipeline.api import Writer
from pipeline.plan.graph import AnyOutput

TAKEN = "a copy of this state delivers to it; this one stopped"


class Fence:
    """The claim of one sink. `writer` gives who we are now. `claimed`: the sinks whose destination this life has had, with
    whatever output; the sink is added once it is."""

    def __init__(
        self,
        sink: str,
        output: AnyOutput,
        writer: Callable[[], Writer],
        claimed: set[str],
        log: NodeLog,
        meter: NodeMeter,
    ) -> None:
        self._sink = sink
        self._output = output
        self._writer = writer
        self._claimed = claimed
        self._log = log
        self._meter = meter
        self.lost = False
        """A copy has the destination now."""
        self.behind: int | None = None
        """The epoch at the destination, where ours must rise above it before the next claim."""

    async def holds(self) -> bool:
        """Claim the destination. False where it is not ours: `lost` for good, or `behind`. Raises what the output raises."""
        ours = self._writer()
        self.behind = None
        found = await self._output.fence(ours)
        if found == ours:
            self._claimed.add(self._sink)
            return True
        if self._sink in self._claimed:
            self.lost = True
            self._meter.count("fence.lost")
            told = (
                "a copy of this state took over the destination: nothing more is delivered to it from here. Stop one of the "
                "two; a restart takes the destination back"
            )
        else:
            # First contact of this life: the state is an older copy of one that was here before, or still is.
            self.behind = found.epoch
            self._meter.count("fence.regressed")
            told = (
                "the destination knows a later life of this state: it was restored from a copy, or a copy of it runs. What was "
                "delivered after the copy was made may be delivered again"
            )
        self._log.error(told, epoch=found.epoch)
        return False
