from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import pytest

from routebook.providers.http.connections import Connection, Connections
from routebook.providers.http.exchange import ExchangeFault
from routebook.providers.http.idle_room import IdleRoom


class Idle:
    """A connection that can always be used again."""

    def __init__(self) -> None:
        self.is_closed = False

    def is_available(self) -> bool:
        return not self.is_closed

    def has_expired(self) -> bool:
        return self.is_closed

    async def aclose(self) -> None:
        self.is_closed = True


def connections(make: Callable[[], Connection], most: int = 1) -> Connections:
    return Connections("http://llm.test", make, most, IdleRoom(8))


async def test_a_connection_that_cannot_be_made_keeps_no_other_from_its_turn():
    made = iter([OSError("no more files"), Idle()])

    def make() -> Idle:
        match next(made):
            case OSError() as error:
                raise error
            case connection:
                return connection

    pool = connections(make)
    with pytest.raises(OSError, match="no more files"):
        await pool.take(0.01)
    assert isinstance(await pool.take(0.01), Idle)


async def test_there_are_never_more_than_the_bound():
    pool = connections(Idle, most=2)
    first, _ = await pool.take(0.01), await pool.take(0.01)
    with pytest.raises(ExchangeFault) as caught:
        await pool.take(0.01)
    assert (caught.value.kind, "in use for 0.01 s" in caught.value.message) == ("queue_timeout", True)
    assert not caught.value.sent
    await pool.give_back(first)
    assert await pool.take(0.01) is first


async def test_what_grew_old_is_closed_and_not_taken():
    pool = connections(Idle)
    old = await pool.take(0.01)
    await pool.give_back(old)
    await old.aclose()
    assert await pool.take(0.01) is not old


async def test_closing_closes_the_idle_and_those_in_use():
    pool = connections(Idle, most=2)
    idle, busy = await pool.take(0.01), await pool.take(0.01)
    await pool.give_back(idle)
    await pool.close()
    assert (idle.is_closed, busy.is_closed) == (True, True)


class SlowToClose:
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
        self.made: list[SlowToClose] = []
        self.connections = Connections("nowhere", self._make, 100, IdleRoom(100, lambda: self.now))

    def _make(self) -> SlowToClose:
        self.made.append(SlowToClose())
        return self.made[-1]

    async def fill(self, idle: int) -> SlowToClose:
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
