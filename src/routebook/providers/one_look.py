"""One look: something that blocks, done in a thread of its own, once for all who wait for it at the same time.

No program waits for the thread at its end, and who stops waiting stops nobody else's wait.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")


class OneLook(Generic[T]):
    """Looks by *look*, which raises nothing, in a thread called *name*; what it found is handed to *take* on the loop,
    before anyone who waits has it.
    """

    def __init__(self, look: Callable[[], T], take: Callable[[T], None], name: str) -> None:
        self._look = look
        self._take = take
        self._name = name
        self._looking: asyncio.Future[T] | None = None

    def begin(self) -> asyncio.Future[T]:
        """Return the look that is under way on this event loop, or begin it; wait for it by `asyncio.shield`."""
        loop = asyncio.get_running_loop()
        if self._looking is not None and self._looking.get_loop() is loop and not self._looking.done():
            return self._looking
        looking: asyncio.Future[T] = loop.create_future()
        looking.add_done_callback(self._taken)
        self._looking = looking

        def look() -> None:
            found = self._look()
            with suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits
                loop.call_soon_threadsafe(_settle, looking, found)

        threading.Thread(target=look, name=self._name, daemon=True).start()
        return looking

    def _taken(self, looking: asyncio.Future[T]) -> None:
        if not looking.cancelled():
            self._take(looking.result())


def _settle(looking: asyncio.Future[T], found: T) -> None:
    if not looking.done():
        looking.set_result(found)
