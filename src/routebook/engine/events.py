"""StreamEvents: what a run tells while it goes on, and who is told.

A run begins with `RunStarted` and, unless it raises, ends with `RunFinished`. Between them each model call has its
`TurnStarted`, an `AttemptFailed` for each attempt in vain, and the deltas of the answer; then each tool call that the
model made is requested once and finished once.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from ..canonical.event import ReasoningDelta, RefusalDelta, TextDelta, ToolCallDelta
from ..canonical.tool import ToolCall, ToolResult
from ..errors import RequestError
from ..records.attempt import Attempt
from ..routing.decision import Decision
from ..telemetry.listener import is_awaited
from .result import RunResult

_LOG = logging.getLogger("routebook")


@dataclass(frozen=True, slots=True)
class RunStarted:
    """It is decided what serves the run."""

    run_id: str
    decision: Decision
    type: ClassVar[str] = "run_started"

    def to_dict(self) -> dict[str, Any]:
        """Return the event as plain data."""
        return {"run_id": self.run_id, "decision": self.decision.to_dict()}


@dataclass(frozen=True, slots=True)
class TurnStarted:
    """The model is called, for the `turn`-th time, from 1."""

    turn: int
    type: ClassVar[str] = "turn_started"

    def to_dict(self) -> dict[str, Any]:
        """Return the event as plain data."""
        return {"turn": self.turn}


@dataclass(frozen=True, slots=True)
class ToolCallRequested:
    """The model's answer is whole and calls a tool."""

    call: ToolCall
    type: ClassVar[str] = "tool_call_requested"

    def to_dict(self) -> dict[str, Any]:
        """Return the event as plain data."""
        return {"call": self.call.to_dict()}


@dataclass(frozen=True, slots=True)
class ToolFinished:
    """A tool call is answered; `result` is whole and uncut. Calls of one turn finish in any order."""

    result: ToolResult
    type: ClassVar[str] = "tool_finished"

    def to_dict(self) -> dict[str, Any]:
        """Return the event as plain data."""
        return {"result": self.result.to_dict()}


@dataclass(frozen=True, slots=True)
class AttemptFailed:
    """A provider's call failed; where another attempt answers its kind, that one comes next."""

    attempt: Attempt
    type: ClassVar[str] = "attempt_failed"

    def to_dict(self) -> dict[str, Any]:
        """Return the event as plain data."""
        return {"attempt": self.attempt.to_dict()}


@dataclass(frozen=True, slots=True)
class RunFinished:
    """The run is over: the last event."""

    result: RunResult
    type: ClassVar[str] = "run_finished"

    def to_dict(self) -> dict[str, Any]:
        """Return the event as plain data."""
        return {"result": self.result.to_dict()}


StreamEvent = (
    RunStarted
    | TurnStarted
    | TextDelta
    | ReasoningDelta
    | RefusalDelta
    | ToolCallDelta
    | ToolCallRequested
    | ToolFinished
    | AttemptFailed
    | RunFinished
)

Tell = Callable[[StreamEvent], Awaitable[None]]
"""Passes an event on, and comes back when there is room for the next."""

Listener = Callable[[StreamEvent], object]
"""A caller's own function; what it returns is awaited where it can be."""


def check_listener(listener: Any) -> None:
    """Raise where *listener* cannot be called.

    Raises:
        RequestError: It cannot.
    """
    if not callable(listener):
        raise RequestError(f"on_event must be a function, not {type(listener).__name__}", "on_event")


def check_plain_listener(listener: Any) -> None:
    """Raise where *listener* cannot be called, or would have to be awaited then.

    Raises:
        RequestError: It is such a one.
    """
    check_listener(listener)
    if is_awaited(listener):
        what = "on_event must be a plain function here: only Engine, not SyncEngine, awaits a coroutine function"
        raise RequestError(what, "on_event")


def telling(listener: Listener) -> Tell:
    """Return what tells *listener*; where it raises, that is logged and changes nothing.

    Raises:
        RequestError: It cannot be called.
    """
    check_listener(listener)

    async def tell(event: StreamEvent) -> None:
        try:
            answer = listener(event)
            if inspect.isawaitable(answer):
                await answer
        except asyncio.CancelledError:
            if _is_being_cancelled():
                raise
            _LOG.exception("on_event was cancelled by itself, which changes nothing")
        except Exception:  # noqa: BLE001, a host's mistake is no reason to stop
            _LOG.exception("on_event failed, which changes nothing")

    return tell


def _is_being_cancelled() -> bool:
    """Tell whether somebody wants the run to end; what a listener waits for may be cancelled for reasons of its own."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0
