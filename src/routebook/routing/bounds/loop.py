"""Loop: how often, at most, a run of a feature asks its models, and how long its tools may take.

Comes in: a linked book and a feature. Each time a model is asked, a run may go along all attempts of its decision.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..linked import LinkedBook
from ..spec import BudgetSpec, FeatureSpec
from ..tool_spec import ServerSpec, ToolsSpec

_NO_BUDGET = BudgetSpec()


@dataclass(frozen=True, slots=True)
class ToolTime:
    """The most seconds of a run's tools: `start_s` until its servers have started, then `waves` of `wave_s`.

    A wave is as many calls as may be under way at once; in each, a server that was lost may have to start anew.
    `queued_at` names a server whose calls wait for those of other runs, for which there is no bound.
    """

    start_s: float = 0.0
    waves: int = 0
    wave_s: float = 0.0
    queued_at: str | None = None

    @property
    def seconds(self) -> float | None:
        """All of it; None is no bound."""
        return None if self.queued_at is not None else self.start_s + self.waves * self.wave_s


@dataclass(frozen=True, slots=True)
class Loop:
    """What bounds a run of a feature, whoever serves it.

    `turns` counts model calls until there is an answer, `finish` is 1 where one more without tools may follow.
    """

    turns: int
    finish: int
    repairs: int
    tools: ToolTime
    deadline_s: float | None
    budget: BudgetSpec

    @property
    def rounds(self) -> int:
        """How often the models are asked."""
        return (self.turns + self.finish) * (1 + self.repairs)

    @property
    def is_budgeted(self) -> bool:
        """Whether one run may spend only so much."""
        return self.budget.usd_per_run is not None or self.budget.tokens_per_run is not None


def loop_of(table: LinkedBook, feature: FeatureSpec) -> Loop:
    """Return what bounds a run of *feature*."""
    tools = feature.tools
    offered = None if tools is None or tools.allow == () else tools
    return Loop(
        turns=1 if offered is None else offered.max_turns,
        finish=1 if offered is not None and offered.on_limit == "finish" else 0,
        repairs=0 if feature.output is None else table.outputs[feature.output].repair_attempts,
        tools=ToolTime() if offered is None else _tool_time(table, offered),
        deadline_s=feature.deadline_s,
        budget=feature.budget or _NO_BUDGET,
    )


def _tool_time(table: LinkedBook, tools: ToolsSpec) -> ToolTime:
    servers = [table.servers[name] for name in tools.servers]
    start_s = max(server.start_timeout_s for server in servers)
    wave_s = max(server.start_timeout_s + _call_seconds(tools, server) for server in servers)
    queued_at = next((server.name for server in servers if server.parallel is not None), None)
    return ToolTime(start_s, _waves(tools), wave_s, queued_at)


def _call_seconds(tools: ToolsSpec, server: ServerSpec) -> float:
    return tools.timeout_s if server.timeout_s is None else min(tools.timeout_s, server.timeout_s)


def _waves(tools: ToolsSpec) -> int:
    """Return the most waves that a run's calls make: one a turn, and one more for each `parallel` further calls.

    Turns with one call each use the fewest calls for a wave; what is left makes waves where all places are taken.
    """
    alone = min(tools.max_calls, tools.max_turns)
    return alone + (tools.max_calls - alone) // tools.parallel
