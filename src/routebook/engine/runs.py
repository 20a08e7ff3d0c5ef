"""Runs: those of one engine that are under way; closing waits for them, for a time."""

from __future__ import annotations

import asyncio
import logging
from types import TracebackType

from ..errors import EngineClosed

_LOG = logging.getLogger("routebook")


_RESULT = "result"


def leave_result(cancelled: asyncio.CancelledError, result: object) -> None:
    """Leave what there was of a run with what cancels it: where that is the engine's closing, its error has it."""
    setattr(cancelled, _RESULT, result)


class Runs:
    """Counts runs in and out."""

    def __init__(self) -> None:
        self._counted: set[_Counted] = set()
        self._idle = asyncio.Event()
        self._drain_s = 0.0

    def counted(self) -> _Counted:
        """Return a block that counts a run in, and that `drain` may end.

        Raises:
            EngineClosed: On leaving it, where the engine did not wait any longer.
        """
        return _Counted(self)

    def __len__(self) -> int:
        return len(self._counted)

    async def drain(self, drain_s: float) -> None:
        """Wait for all of them, *drain_s* seconds at most, then cancel the others."""
        if not self._counted:
            return
        self._drain_s = drain_s
        try:
            async with asyncio.timeout(drain_s):
                await self._idle.wait()
        except TimeoutError:
            _LOG.warning("closing: %d runs did not end within %g s and are cancelled", len(self._counted), drain_s)
            for run in self._counted:
                run.end()
            await self._idle.wait()

    def enter(self, run: _Counted) -> None:
        """Count *run* in."""
        self._counted.add(run)
        self._idle.clear()

    def leave(self, run: _Counted) -> EngineClosed | None:
        """Count *run* out; return the error of one that was ended."""
        self._counted.discard(run)
        if not self._counted:
            self._idle.set()
        if not run.is_ended:
            return None
        return EngineClosed(f"the engine was closed, and the run did not end within {self._drain_s:g} s")


class _Counted:
    """One run while it counts: what `asyncio.timeout` is to a moment, this is to the end of the wait."""

    __slots__ = ("_cancelling", "_runs", "_task", "is_ended")

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        self.is_ended = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task, self._cancelling = task, task.cancelling()
        self._runs.enter(self)

    def end(self) -> None:
        """Cancel the run, once."""
        if not self.is_ended:
            self.is_ended = True
            self._task.cancel()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        closed = self._runs.leave(self)
        # Whoever else cancelled the task is told so, not of the engine.
        if closed is not None and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            closed.result = getattr(error, _RESULT, None)
            raise closed from error
