"""Feed: takes the records of an engine, and hands them to its listeners in a thread of its own.

Telling costs the engine the append to a queue. The thread is not woken for each record, which would pass the
interpreter's lock to and fro: once awake it delivers what there is, pauses, and looks again, until nothing is left.
The queue is bounded. What comes while it is full is dropped, counted, and said in the log.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from queue import Empty, SimpleQueue
from weakref import WeakSet

from ..records.ended import EngineRecord
from .listener import Ear, RecordListener
from .seldom import Clock, Seldom

_LOG = logging.getLogger("routebook")
MOST_UNREAD = 10_000
PAUSE_S = 0.02
_EXIT_S = 1.0


class Feed:
    """The way of the records from one engine to its *listeners*, which are called one after the other, in order.

    `is_on` tells whether anybody listens: where nobody does, no record need be made. `dropped` counts the records that
    no listener got. A process that was forked off begins with nothing unread; what was, is for its parent to deliver.
    """

    def __init__(
        self, listeners: Iterable[RecordListener] = (), *, most_unread: int = MOST_UNREAD, clock: Clock = time.monotonic
    ) -> None:
        self.is_on = False
        self.dropped = 0
        self._ears: tuple[Ear, ...] = ()
        self._most_unread = most_unread
        self._clock = clock
        self._drops = Seldom(clock)
        self._is_closed = False
        self._begin()
        for listener in listeners:
            self.add(listener)
        _FEEDS.add(self)

    def tell(self, record: EngineRecord) -> None:
        """Have *record* delivered, soon. From any thread; comes back at once, and never raises."""
        if not self.is_on:
            return
        if len(self._unread) < self._most_unread:
            self._unread.append(record)
        else:
            self._drop()
        if self._is_asleep:
            self._wake()

    def add(self, listener: RecordListener) -> Callable[[], None]:
        """Tell *listener* too, from now on; what is returned ends that. From any thread.

        Raises:
            RequestError: It is no plain function.
        """
        ear = Ear(listener, self._clock)
        with self._lock:
            self._ears = (*self._ears, ear)
            self.is_on = not self._is_closed
        return lambda: self._remove(ear)

    def flush(self, within_s: float) -> bool:
        """Wait until what was told so far is delivered, *within_s* seconds at most; return whether it is.

        A listener that asks waits for itself, and so it is told at once that it is not.
        """
        delivered = threading.Event()
        with self._lock:
            if self._thread is None or self._thread is threading.current_thread():
                return self._thread is None and not self._unread
            self._unread.append(delivered)
        self._bell.put(None)
        return delivered.wait(within_s)

    def close(self, within_s: float) -> None:
        """Deliver what is unread, *within_s* seconds at most, and end the thread; nothing is taken any more.

        Blocks, and so it is for a thread without an event loop. Called by a listener, it comes back at once, and what
        it asks for is done when the listener has come back too. A second call does nothing.
        """
        with self._lock:
            self._is_closed, self.is_on = True, False
            thread = None if self._was_given_up else self._thread
        self._bell.put(None)
        if thread is None or thread is threading.current_thread():
            return
        thread.join(within_s)
        if thread.is_alive():
            self._give_up(within_s)

    def _begin(self) -> None:
        """Stand as at the beginning: nothing unread, and no thread, which the first record starts."""
        self._unread: deque[EngineRecord | threading.Event] = deque()
        # Of all queues this one may be put to while it is being put to, as by what the garbage collector calls.
        self._bell: SimpleQueue[None] = SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_asleep = True
        self._heard_by: Ear | None = None
        self._was_given_up = False

    def _remove(self, ear: Ear) -> None:
        with self._lock:
            self._ears = tuple(other for other in self._ears if other is not ear)
            self.is_on = bool(self._ears) and not self._is_closed
        if not self.is_on:
            self._bell.put(None)

    def _wake(self) -> None:
        self._is_asleep = False
        if self._thread is not None:
            self._bell.put(None)
            return
        with self._lock:
            if self._thread is None:
                self._start()

    def _start(self) -> None:
        thread = threading.Thread(target=self._serve, name="routebook-listeners", daemon=True)
        self._thread = thread
        try:
            thread.start()
        except RuntimeError:
            # There is no room for a thread, or the interpreter ends; the next record asks again.
            self._thread, self._is_asleep = None, True

    def _serve(self) -> None:
        while True:
            if self._deliver():
                with suppress(Empty):
                    self._bell.get(timeout=PAUSE_S)
            elif self._ends():
                return
            else:
                self._is_asleep = True
                # What was told before the line above rang no bell.
                if not self._unread:
                    self._bell.get()
                self._is_asleep = False

    def _deliver(self) -> bool:
        """Hand over what is unread; return whether there was any."""
        had_any = False
        while (told := self._taken()) is not None:
            had_any = True
            if isinstance(told, threading.Event):
                told.set()
                continue
            for ear in self._ears:
                self._heard_by = ear
                ear.hear(told)
            self._heard_by = None
        return had_any

    def _taken(self) -> EngineRecord | threading.Event | None:
        """Return what was told first of what is unread; who closes in vain takes from there, too."""
        try:
            return self._unread.popleft()
        except IndexError:
            return None

    def _ends(self) -> bool:
        """Tell whether the thread's work is over; the next record, if there is one, starts another."""
        with self._lock:
            if self._unread or (self._ears and not self._is_closed):
                return False
            self._thread, self._is_asleep = None, True
            return True

    def _drop(self) -> None:
        self.dropped += 1
        if self._drops.count():
            # Whatever writes the log may block. The thread that serves the listeners may be blocked already.
            thread = threading.Thread(target=self._say_dropped, name="routebook-listeners-slow", daemon=True)
            with suppress(RuntimeError):  # the interpreter ends
                thread.start()

    def _say_dropped(self) -> None:
        _LOG.warning("%d records were dropped until now, since %s is too slow", self.dropped, self._slow_one())

    def _give_up(self, within_s: float) -> None:
        self._was_given_up = True
        left = 0
        while (told := self._taken()) is not None:
            left += not isinstance(told, threading.Event)
        self.dropped += left
        what = "closing: %s did not come to an end within %g s, and %d records were dropped"
        _LOG.warning(what, self._slow_one(), within_s, left)

    def _slow_one(self) -> str:
        """Return who is being called now."""
        ear = self._heard_by
        return "a listener" if ear is None else f"the listener {ear.name}"


_FEEDS: WeakSet[Feed] = WeakSet()


def _begin_all() -> None:
    """Free the feeds of a process that was forked off from threads and locks that stayed behind."""
    for feed in _FEEDS:
        feed._begin()


def _close_all() -> None:
    """Let the listeners hear the rest before the interpreter ends, and its threads with it, wherever they are."""
    ends_at = time.monotonic() + _EXIT_S
    for feed in list(_FEEDS):
        feed.close(max(0.0, ends_at - time.monotonic()))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_all)
atexit.register(_close_all)
