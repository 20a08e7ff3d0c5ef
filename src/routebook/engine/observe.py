"""Observe: what a run tells the listeners of its engine, while it goes on and when it is over."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..errors import ProviderError
from ..records.attempt import Attempt
from ..records.ended import AttemptEnded, EngineRecord, RunEnded, ToolCallEnded, TurnEnded
from ..routing.spec import Kind
from ..tools.call import AnsweredCall
from .result import RunRecord

Observe = Callable[[EngineRecord], None]
"""Takes a record and comes back at once."""


class Watch:
    """Watches one run from its beginning to its `end`, and tells *observe*."""

    __slots__ = ("_began", "_call", "_observe", "_record", "_started_at", "_turn_at", "_turn_began")

    def __init__(self, observe: Observe, record: RunRecord, call: Kind) -> None:
        self._observe = observe
        self._record = record
        self._call = call
        self._started_at = self._turn_at = time.time()
        self._began = self._turn_began = time.perf_counter()

    def begin_turn(self) -> None:
        """Note that a model is called now."""
        self._turn_at, self._turn_began = time.time(), time.perf_counter()

    def attempt(self, attempt: Attempt) -> None:
        """Tell of an attempt."""
        record = self._record
        self._observe(AttemptEnded(record.run_id, record.decision.feature, record.turns + 1, attempt))

    def end_turn(self, finish_reason: str, tool_calls: int) -> None:
        """Tell of a turn: the model answered."""
        record = self._record
        last = record.attempts[-1]
        self._observe(
            TurnEnded(
                run_id=record.run_id,
                feature=record.decision.feature,
                turn=record.turns,
                provider=last.provider,
                model=last.model,
                started_at=self._turn_at,
                duration_s=time.perf_counter() - self._turn_began,
                finish_reason=finish_reason,
                tool_calls=tool_calls,
            )
        )

    def tool_call(self, answered: AnsweredCall) -> None:
        """Tell of a tool call that was answered, or that its run did not wait for."""
        record, result = self._record, answered.whole
        self._observe(
            ToolCallEnded(
                run_id=record.run_id,
                feature=record.decision.feature,
                turn=record.turns,
                call_id=result.call_id,
                tool=result.name,
                started_at=answered.started_at,
                duration_s=answered.duration_s,
                sent=answered.sent,
                is_error=result.is_error,
            )
        )

    def end(self, error: BaseException | None) -> None:
        """Tell of the run: it is over, by *error* if there is one."""
        record = self._record
        result = record.result()
        self._observe(
            RunEnded(
                run_id=record.run_id,
                feature=record.decision.feature,
                call=self._call,
                table=record.decision.table,
                profile=record.decision.profile,
                route=record.decision.route,
                arm=record.decision.arm,
                started_at=self._started_at,
                duration_s=time.perf_counter() - self._began,
                turns=record.turns,
                attempts=len(record.attempts),
                absorbed=0 if error is not None else len(result.absorbed),
                tool_calls=len(record.tool_calls),
                usage=result.usage,
                cost_microusd=result.cost_microusd,
                finish_reason=result.finish_reason,
                error=None if error is None else type(error).__name__,
                kind=error.kind if isinstance(error, ProviderError) else None,
            )
        )
