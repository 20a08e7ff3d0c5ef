from __future__ import annotations

from collections.abc import Callable

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
