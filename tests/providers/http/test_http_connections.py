from __future__ import annotations

import asyncio
from contextlib import suppress

from routebook.providers.http.connections import Connections
from routebook.providers.http.idle_room import IdleRoom


class FakeConnection:
    """A connection that takes a while to close."""

    def __init__(self) -> None:
        self.is_open = True

    def is_available(self) -> bool:
        return self.is_open

    def has_expired(self) -> bool:
        return False

    async def aclose(self) -> None:
        self.is_open = False
        await asyncio.sleep(0)


class Pooled:
    """Connections to nowhere, all that were ever made, and the time."""

    def __init__(self) -> None:
        self.now = 0.0
        self.made: list[FakeConnection] = []
        self.connections = Connections("nowhere", self._make, 100, IdleRoom(100, lambda: self.now))

    def _make(self) -> FakeConnection:
        self.made.append(FakeConnection())
        return self.made[-1]

    async def fill(self, idle: int) -> FakeConnection:
        """Leave so many connections idle; return one more, which is in use."""
        *others, last = [await self.connections.take(1) for _ in range(idle + 1)]
        for connection in others:
            await self.connections.give_back(connection)
        return last

    @property
    def open(self) -> int:
        return sum(connection.is_open for connection in self.made)


async def _cancelled_after_a_step(work) -> None:
    task = asyncio.create_task(work)
    await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await asyncio.sleep(0.01)


async def test_all_that_were_idle_for_too_long_are_closed_though_the_call_is_cancelled():
    pooled = Pooled()
    used = await pooled.fill(20)
    pooled.now = 100
    await _cancelled_after_a_step(pooled.connections.give_back(used))
    assert pooled.open == 1


async def test_closing_closes_all_though_it_is_cancelled():
    pooled = Pooled()
    await pooled.fill(20)
    await _cancelled_after_a_step(pooled.connections.close())
    assert pooled.open == 0
