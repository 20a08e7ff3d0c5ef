"""Awaited: what a thread waits for while the engine's thread does it: a call, and a stream between its calls.

All but what says otherwise is called in the engine's thread.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncGenerator, Coroutine
from typing import Any, Generic, TypeVar

from ..errors import EngineClosed
from .events import StreamEvent

T = TypeVar("T")

CLOSED_MEANWHILE = "the engine was closed before this call was done"


class Call(Generic[T]):
    """A coroutine, and the thread that waits for its end: `waiter`, which makes it."""

    __slots__ = ("_ended", "_task", "_under_way", "_work", "waiter")

    def __init__(self, work: Coroutine[Any, Any, T]) -> None:
        self.waiter = threading.current_thread()
        self._work = work
        self._task: asyncio.Task[T] | None = None
        self._ended = threading.Lock()
        self._ended.acquire()

    def start(self, under_way: set[Call[Any]]) -> None:
        """Begin; it is one of those *under_way* until it has ended."""
        self._under_way = under_way
        under_way.add(self)
        self._task = asyncio.get_running_loop().create_task(self._work)
        self._task.add_done_callback(self._has_ended)

    def cancel(self) -> None:
        """Cancel it, if it has begun and not ended."""
        if self._task is not None:
            self._task.cancel()

    def wait(self) -> None:
        """Wait for its end, in the waiter's thread."""
        self._ended.acquire()

    def result(self) -> T:
        """Return or raise what came of it, once, in the waiter's thread."""
        task, self._task = self._task, None
        assert task is not None
        try:
            return task.result()
        finally:
            del task  # the error it holds would hold this frame, and so the task

    def _has_ended(self, _: asyncio.Task[T]) -> None:
        self._under_way.discard(self)
        self._ended.release()


class OpenStream:
    """A stream's events, and the thread that last read one: `reader`."""

    def __init__(self, events: AsyncGenerator[StreamEvent, None]) -> None:
        self.reader = threading.current_thread()
        self._events = events
        self._turn = asyncio.Lock()
        self._rest: deque[StreamEvent | Exception | None] = deque()
        self._reading: asyncio.Task[Any] | None = None
        self._closing: asyncio.Task[None] | None = None

    @property
    def has_rest(self) -> bool:
        """Whether something can be read without the engine's thread, in whichever thread."""
        return bool(self._rest)

    async def next(self, streams: set[OpenStream]) -> StreamEvent | None:
        """Return the next event, None after the last; it is one of *streams* from the first on, until it is closed.

        Raises:
            EngineClosed: It was cut.
            RoutebookError: What its run raised.
        """
        if self._closing is not None:
            raise EngineClosed(CLOSED_MEANWHILE)
        streams.add(self)
        self._reading = asyncio.current_task()
        try:
            async with self._turn:
                return self.next_of_rest() if self._rest else await anext(self._events, None)
        finally:
            self._reading = None

    async def take_rest(self) -> None:
        """Take what is left of a run that has ended, so that it can be read without the engine's thread."""
        async with self._turn:
            if self._closing is None and not self._rest:
                try:
                    self._rest += [event async for event in self._events]
                    self._rest.append(None)
                except Exception as error:  # noqa: BLE001, it is raised in the reader's thread
                    self._rest.append(error)

    def next_of_rest(self) -> StreamEvent | None:
        """Return the next event of the rest, in whichever thread.

        Raises:
            RoutebookError: What its run raised.
        """
        found = self._rest.popleft()
        if isinstance(found, Exception):
            raise found
        return found

    async def close(self, streams: set[OpenStream]) -> None:
        """Cancel its run; come back when its connections and tools are closed."""
        streams.discard(self)
        if self._reading is not None:
            # Its reader was interrupted, which is on its way.
            await asyncio.wait([self._reading])
        async with self._turn:
            await self._events.aclose()

    def cut(self) -> None:
        """Cancel its run, and let there be no more events; nobody waits."""
        if self._reading is not None:
            self._reading.cancel()
        elif self._closing is None and not self._turn.locked():
            self._closing = asyncio.get_running_loop().create_task(self._events.aclose())
