"""Connections: those to one address, used again while they are fresh, and never more than a bound.

The one that was used last is taken first, so the rest may grow old and go. Only the one that is taken is asked whether
it still lives: a call costs the same whether one connection is idle or a thousand.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, Protocol, TypeVar

from .exchange import ExchangeFault, client_is_closed
from .idle_room import IdleRoom
from .turns import Turns


class Connection(Hashable, Protocol):
    """What carries one exchange after the other."""

    @property
    def has_sent(self) -> bool:
        """Whether a byte of the request that it carries may have gone out."""
        ...

    def is_available(self) -> bool:
        """Tell whether it can carry another exchange."""
        ...

    def has_expired(self) -> bool:
        """Tell whether it, idle, was closed by the other side or is too old."""
        ...

    async def aclose(self) -> None:
        """Close it, whatever is under way."""
        ...


C = TypeVar("C", bound=Connection)


class Connections(Generic[C]):
    """The connections to *address*, *most* at a time, each made by *make* when no idle one is there."""

    def __init__(self, address: str, make: Callable[[], C], most: int, room: IdleRoom[C]) -> None:
        self._address = address
        self._make = make
        self._turns = Turns(most)
        self._room = room
        self._shelf: deque[C] = deque()
        self._busy: set[C] = set()
        self._closed = False

    async def take(self, wait_s: float) -> C:
        """Return a connection for one exchange, which `give_back` has to end; wait for one at most *wait_s* seconds.

        Raises:
            ExchangeFault: All were in use for that long, or they were closed meanwhile.
        """
        if not self._turns.take():
            await self._take_turn(wait_s)
        try:
            if self._closed:
                raise client_is_closed()
            connection = await self._fresh() or self._make()
        except BaseException:
            self._turns.give_back()
            raise
        self._busy.add(connection)
        return connection

    async def give_back(self, connection: C) -> None:
        """End an exchange: keep *connection* if it can be used again, else close it."""
        self._turns.give_back()
        self._busy.discard(connection)
        if self._closed or not connection.is_available():
            await connection.aclose()
            return
        if leaving := self._room.put(connection, self._shelf):
            await _close(leaving)

    async def close(self) -> None:
        """Close all, those in use as well."""
        self._closed = True
        idle = [self._room.take(self._shelf) for _ in range(len(self._shelf))]
        await _close([*idle, *self._busy])

    async def _take_turn(self, wait_s: float) -> None:
        try:
            async with asyncio.timeout(wait_s):
                await self._turns.wait()
        except TimeoutError as error:
            message = f"every connection to {self._address} was in use for {wait_s:g} s"
            raise ExchangeFault("queue_timeout", message, sent=False) from error

    async def _fresh(self) -> C | None:
        while self._shelf:
            connection = self._room.take(self._shelf)
            if not connection.has_expired():
                return connection
            await connection.aclose()
        return None


async def _close(leaving: Sequence[Connection]) -> None:
    """Close all of *leaving*, also where one does not close well, or whoever waits for it is cancelled."""
    if leaving:
        closing = asyncio.gather(*(connection.aclose() for connection in leaving), return_exceptions=True)
        await asyncio.shield(closing)
