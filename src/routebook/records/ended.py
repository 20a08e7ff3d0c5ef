"""Ended: what is told of a run and its parts when each of them is over, to whoever observes an engine.

Frozen, without prompts, answers or keys. `run_id` ties the parts of a run together, `turn` counts its model calls from
1. Times are seconds, moments seconds since the epoch, costs millionths of a US dollar.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..canonical.record import Record
from ..canonical.usage import Usage
from ..routing.spec import Kind
from .attempt import Attempt


@dataclass(frozen=True, slots=True)
class AttemptEnded(Record):
    """A target was tried, or passed over; with `shadow`, beside the run and not for it."""

    run_id: str
    feature: str
    turn: int
    attempt: Attempt
    shadow: bool = False
    type: ClassVar[str] = "attempt"


@dataclass(frozen=True, slots=True)
class TurnEnded(Record):
    """A model answered: `finish_reason` says why it stopped, `tool_calls` how many tools it called."""

    run_id: str
    feature: str
    turn: int
    provider: str
    model: str
    started_at: float
    duration_s: float
    finish_reason: str
    tool_calls: int
    type: ClassVar[str] = "turn"


@dataclass(frozen=True, slots=True)
class ToolCallEnded(Record):
    """A tool call was answered, or its run ended first. `tool` is `server.tool`, or what the model called where there
    is none such; `sent` tells that a server was asked, `is_error` that there is no good answer.
    """

    run_id: str
    feature: str
    turn: int
    call_id: str
    tool: str
    started_at: float
    duration_s: float
    sent: bool
    is_error: bool
    type: ClassVar[str] = "tool_call"


@dataclass(frozen=True, slots=True)
class RunEnded(Record):
    """A run is over. `error` is None, or the name of the error that ended it (`CancelledError` where it was cancelled),
    `kind` the kind of a ProviderError.

    `attempts` counts what was tried or passed over, `absorbed` those among them in vain, where the run has a result all
    the same. `usage` and `cost_microusd` are sums (None: unpriced); what a caller's key paid for costs nothing.
    """

    run_id: str
    feature: str
    call: Kind
    table: str
    profile: str
    route: str
    arm: str | None
    started_at: float
    duration_s: float
    turns: int
    attempts: int
    absorbed: int
    tool_calls: int
    usage: Usage
    cost_microusd: int | None
    finish_reason: str
    error: str | None = None
    kind: str | None = None
    type: ClassVar[str] = "run"


EngineRecord = RunEnded | TurnEnded | AttemptEnded | ToolCallEnded
"""What an engine tells its listeners."""
