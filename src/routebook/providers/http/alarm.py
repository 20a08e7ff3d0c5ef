"""Alarm: cuts a wait off when the clock says so; one timer serves all the waits of an exchange, and of the next ones.

A timer that rings too early is set again, so that a deadline that moves on costs nothing; one that rings while nobody
waits is forgotten. As `asyncio.timeout`, it never takes a cancellation for its own that is somebody else's.
"""

from __future__ import annotations

import asyncio
from types import TracebackType

from .clock import Clock
from .exchange import ExchangeFault


class Alarm:
    """Bounds each wait inside `with alarm:` by its `clock`, which may be another one for the next wait; `end` has to be
    called when there will be none.

    Raises:
        ExchangeFault: On leaving the block: the wait was too long, and what was waited for was cancelled.
    """

    __slots__ = ("_cancelling", "_deadline", "_has_rung", "_loop", "_task", "_timer", "clock")

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[object] | None = None
        self._deadline = 0.0
        self._cancelling = 0
        self._has_rung = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("requests are sent from tasks only")
        self._task, self._cancelling = task, task.cancelling()
        self._deadline = self.clock.deadline()
        if self._timer is None or self._deadline < self._timer.when():
            self.end()
            self._timer = self._loop.call_at(self._deadline, self._ring)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        task, self._task = self._task, None
        if not self._has_rung:
            return
        self._has_rung = False
        if task is not None and task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise ExchangeFault("timeout", self.clock.sentence) from error

    def end(self) -> None:
        """Never ring again."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        self._timer = None
        if self._task is None:
            return
        if self._loop.time() < self._deadline:
            self._timer = self._loop.call_at(self._deadline, self._ring)
            return
        self._has_rung = True
        self._task.cancel()
