"""Relay: a run's events, as it tells them → an iterator of them. The run goes on in a task of its own.

Closing the iterator cancels the run, and comes back when its connections and tools are closed. A run whose events
nobody reads waits once a few of them are unread, so memory is bounded.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any

from .events import StreamEvent, Tell
from .result import RunResult

_MOST_UNREAD = 64


async def relayed(play: Callable[[Tell], Coroutine[Any, Any, RunResult]]) -> AsyncGenerator[StreamEvent, None]:
    """Yield what the run *play* tells, to its end; what it raises is raised after its last event."""
    relay = _Relay()
    run = asyncio.create_task(play(relay.put), name="routebook-run")
    run.add_done_callback(relay.end)
    try:
        while (event := await relay.next()) is not None:
            yield event
        await run
    finally:
        run.cancel()
        await asyncio.wait([run])


class _Relay:
    """Keeps the events that are not read yet."""

    def __init__(self) -> None:
        self._events: deque[StreamEvent] = deque()
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._over = False

    async def put(self, event: StreamEvent) -> None:
        """Hand over *event*; wait while too many are unread."""
        while len(self._events) >= _MOST_UNREAD:
            self._room.clear()
            await self._room.wait()
        self._events.append(event)
        self._news.set()

    def end(self, _: object) -> None:
        """Note that no event will follow."""
        self._over = True
        self._news.set()

    async def next(self) -> StreamEvent | None:
        """Return the next event, None after the last one."""
        while not self._events:
            if self._over:
                return None
            self._news.clear()
            await self._news.wait()
        self._room.set()
        return self._events.popleft()
