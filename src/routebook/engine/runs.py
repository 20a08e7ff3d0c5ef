"""Runs: those of one engine that are under way; closing waits for them, for a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ..errors import EngineClosed

_LOG = logging.getLogger("routebook")


class Runs:
    """Counts runs in and out."""

    def __init__(self) -> None:
        self._ends: set[asyncio.Timeout] = set()
        self._idle = asyncio.Event()
        self._drain_s = 0.0

    @asynccontextmanager
    async def counted(self) -> AsyncIterator[None]:
        """Count a run in, and let `drain` end it.

        Raises:
            EngineClosed: The engine did not wait any longer.
        """
        end = asyncio.timeout(None)
        self._ends.add(end)
        self._idle.clear()
        try:
            async with end:
                yield
        except TimeoutError as error:
            if not end.expired():
                raise
            raise EngineClosed(f"the engine was closed, and the run did not end within {self._drain_s:g} s") from error
        finally:
            self._ends.discard(end)
            if not self._ends:
                self._idle.set()

    async def drain(self, drain_s: float) -> None:
        """Wait for all of them, *drain_s* seconds at most, then cancel the others."""
        if not self._ends:
            return
        self._drain_s = drain_s
        try:
            async with asyncio.timeout(drain_s):
                await self._idle.wait()
        except TimeoutError:
            _LOG.warning("closing: %d runs did not end within %g s and are cancelled", len(self._ends), drain_s)
            for end in self._ends:
                end.reschedule(asyncio.get_running_loop().time())
            await self._idle.wait()
