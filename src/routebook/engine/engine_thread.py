"""EngineThread: an event loop in a thread of its own, the engine that lives there, and the way to it.

It begins as the engine opens, and ends when that is closed or dropped, or with the program; whoever still waits then
is told. In the child of a fork it is not there, and says so.
"""

from __future__ import annotations

import asyncio
import selectors
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from ..errors import EngineClosed
from .awaited import CLOSED_MEANWHILE, Call, OpenStream
from .engine import NOT_OPEN, Engine
from .events import StreamEvent
from .lives import LIVES, PROGRAM_ENDED
from .workers import Workers

T = TypeVar("T")

FORKED = (
    "the engine was opened before this process was forked, and works in the parent process alone; "
    "open one after the fork: `with SyncEngine(...)`"
)
OWN_THREAD = (
    "a SyncEngine cannot be called in its own thread, which would wait for itself; call it in another, or use Engine"
)
_LAST_S = 3.0
_LOOK_EVERY_S = 0.02
_DAEMONS_PAUSE_S = 5.0


class EngineThread:
    """Where the engine of a SyncEngine lives. It does not know the SyncEngine, which may be dropped.

    *at_end* is called as its thread ends.
    """

    def __init__(self, engine: Engine, at_end: Callable[[], None] | None = None) -> None:
        self.engine = engine
        self._at_end = at_end
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._live, name="routebook-engine", daemon=True)
        self._workers = Workers()
        # Taken again while it is held: what is collected as garbage just then may be an unfinished stream.
        self._submitting = threading.RLock()
        self._why_closed: str | None = None
        self._is_leaving = False
        self._is_over = False
        self._left_behind: object = None
        self._failure: Exception | None = None
        self._ended = threading.Event()
        # The engine's thread alone looks at these.
        self._leave = asyncio.Event()
        self._calls: set[Call[Any]] = set()
        self._streams: set[OpenStream] = set()
        self._last: asyncio.Task[None] | None = None

    @property
    def has_ended(self) -> bool:
        """Whether there is nothing to be closed: its thread has ended, or runs in another process."""
        return self._ended.is_set() or self._left_behind is not None

    def open(self) -> None:
        """Begin, and open the engine.

        Raises:
            RouteFileError: The book or the script is not good.
            EngineClosed: The program is ending.
        """
        try:
            LIVES.begin(self)
            self._thread.start()
        except BaseException:
            self._end()
            raise
        try:
            self.wait(self.engine.__aenter__())
        except BaseException:
            self.close()
            raise

    def check(self) -> None:
        """Raise where no new work is taken.

        Raises:
            EngineClosed: The engine was closed, or lives in another process.
        """
        if self._why_closed is not None:
            raise self._closed(self._why_closed)

    def wait(self, work: Coroutine[Any, Any, T], why_not: str = NOT_OPEN) -> T:
        """Have *work* done by the engine's thread; it is cancelled where this thread is interrupted.

        *why_not* is said where the engine is closed.

        Raises:
            EngineClosed: The engine was closed before it was done.
            RuntimeError: This is the engine's thread.
        """
        call = self._submit(work, why_not)
        try:
            call.wait()
        except BaseException:
            # Ctrl-C in the waiting thread: the run must not go on behind the caller's back.
            self._do(call.cancel)
            raise
        try:
            return call.result()
        except asyncio.CancelledError:
            if not self._is_over:
                raise
            raise self._closed(CLOSED_MEANWHILE) from None
        except EngineClosed as error:
            if self._why_closed is not PROGRAM_ENDED:
                raise
            raise self._closed(PROGRAM_ENDED) from error

    def next_of(self, stream: OpenStream) -> StreamEvent | None:
        """Return the next event of *stream*, None after the last; of a run that has ended, after the end as well."""
        stream.reader = threading.current_thread()
        try:
            return self.wait(stream.next(self._streams), CLOSED_MEANWHILE)
        except EngineClosed:
            if self._left_behind is not None or not stream.has_rest:
                raise
            return stream.next_of_rest()

    def leave(self, stream: OpenStream) -> None:
        """Close *stream*, and wait until its connections are closed; the engine's thread itself does not wait."""
        if self._is_here():
            self._do(stream.cut)
        elif not self._is_over:
            with suppress(EngineClosed):  # and the stream with it
                self.wait(stream.close(self._streams))

    def close(self) -> None:
        """Close the engine, and wait for its thread to end; the engine's thread itself does not wait.

        Streams that this thread was reading are cut at once: it cannot read on while it waits here.
        """
        if self.has_ended:
            return
        self._is_leaving = True
        self._do(self._cut_streams_of, threading.current_thread())
        self._do(self._leave.set)
        if self._is_here():
            return
        try:
            self._ended.wait()
        except BaseException:
            # Ctrl-C: there is no more time for other threads' runs.
            self._do(self._cut_all)
            raise
        self._thread.join()
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def drop(self) -> bool:
        """Close the engine and do not wait; return whether nobody had closed it."""
        if self.has_ended or self._is_leaving:
            return False
        self._is_leaving = True
        self._do(self._leave.set)
        return True

    def end_with_program(self) -> None:
        """Begin to close the engine; runs that the program waits for have a little time to end."""
        if not self._is_leaving:
            self._why_closed, self._is_leaving = PROGRAM_ENDED, True
        self._do(self._end_soon)

    def wait_for_end(self, longest_s: float) -> None:
        """Wait until the thread has ended, *longest_s* seconds at most."""
        self._ended.wait(longest_s)

    def stay_behind(self) -> None:
        """Be over in this process, and forget what the loop watches: the kernel's list is the parent's as well."""
        self._submitting = threading.RLock()
        self._why_closed, self._is_over = FORKED, True
        selector = getattr(self._loop, "_selector", None)
        if isinstance(selector, selectors.BaseSelector):
            self._left_behind = dict(selector.get_map() or {})
            type(selector).__init__(selector)
        else:
            self._left_behind = self._loop

    def _is_here(self) -> bool:
        return threading.get_ident() == self._thread.ident and self._left_behind is None

    def _closed(self, why: str) -> EngineClosed:
        """Return what to raise. At the program's end a daemon thread is frozen in the pause, if nobody waits for it."""
        if self._why_closed is PROGRAM_ENDED and threading.current_thread().daemon:
            time.sleep(_DAEMONS_PAUSE_S)
        return EngineClosed(self._why_closed if self._why_closed in (FORKED, PROGRAM_ENDED) else why)

    def _submit(self, work: Coroutine[Any, Any, T], why_not: str) -> Call[T]:
        if self._is_here():
            work.close()
            raise RuntimeError(OWN_THREAD)
        with self._submitting:
            if not self._is_over:
                call = Call(work)
                self._loop.call_soon_threadsafe(self._begin, call)
                return call
        work.close()
        raise self._closed(why_not)

    def _do(self, act: Callable[..., object], *args: object) -> None:
        """Have *act* done in the engine's thread, if there still is one; this thread does not wait."""
        with self._submitting:
            if not self._loop.is_closed() and self._left_behind is None:
                self._loop.call_soon_threadsafe(act, *args)

    def _begin(self, call: Call[Any]) -> None:
        call.start(self._calls)
        if self._is_over:
            call.cancel()

    def _live(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.set_default_executor(self._workers)
        try:
            self._do_all(self._serve())
            self._do_all(_end_tasks())
            self._do_all(self._loop.shutdown_asyncgens())
            self._workers.end()
        finally:
            self._end()

    def _do_all(self, work: Coroutine[Any, Any, None]) -> None:
        """Run *work* to its end. A `sys.exit` in a run is for whoever waits for that run, though it stops the loop."""
        task = self._loop.create_task(work)
        while not task.done():
            with suppress(SystemExit, KeyboardInterrupt):
                self._loop.run_until_complete(task)

    async def _serve(self) -> None:
        await self._leave.wait()
        try:
            await self.engine.close()
        except Exception as error:  # noqa: BLE001, it is raised in the thread that closes
            self._failure = error
        await asyncio.gather(*(stream.take_rest() for stream in self._streams), return_exceptions=True)
        self._cut_all()

    def _end_soon(self) -> None:
        self._leave.set()
        self._last = asyncio.get_running_loop().create_task(self._cut_at_last())

    async def _cut_at_last(self) -> None:
        """Cut everything once no thread waits whose end the program waits for, but after 3 s at the latest."""
        give_up = time.monotonic() + _LAST_S
        while self._is_waited_for() and time.monotonic() < give_up:  # noqa: ASYNC110, other threads' ends ring no bell
            await asyncio.sleep(_LOOK_EVERY_S)
        self._cut_all()

    def _is_waited_for(self) -> bool:
        threads = {*(call.waiter for call in self._calls), *(stream.reader for stream in self._streams)}
        threads.discard(threading.main_thread())
        return any(thread.is_alive() and not thread.daemon for thread in threads)

    def _cut_streams_of(self, reader: threading.Thread) -> None:
        for stream in self._streams:
            if stream.reader is reader:
                stream.cut()

    def _cut_all(self) -> None:
        """Cancel whatever is under way, and let nothing begin."""
        with self._submitting:
            self._be_over()
        for call in self._calls:
            call.cancel()
        for stream in self._streams:
            stream.cut()

    def _be_over(self) -> None:
        """Refuse all that is submitted from now on."""
        self._why_closed, self._is_over = self._why_closed or NOT_OPEN, True

    def _end(self) -> None:
        with self._submitting:
            self._be_over()
            self._loop.close()
        LIVES.end(self)
        if self._at_end is not None:
            self._at_end()
        self._ended.set()


async def _end_tasks() -> None:
    """Cancel what is left of the engine's tasks, and of calls that came as it closed; whoever waits is told."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
