"""Turns: how many may go on at a time; who waits for one gets it first come, first served, and nobody overtakes.

As asyncio's semaphore, but where turns are free one is taken for next to nothing.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict


class Turns:
    """*most* turns, each taken by `take` or `wait`, and given back once. `free` counts those that nobody has."""

    def __init__(self, most: int) -> None:
        self.free = most
        self._waiting: OrderedDict[asyncio.Future[None], None] = OrderedDict()

    def take(self) -> bool:
        """Take a turn, if one is free; nobody waits then."""
        if not self.free:
            return False
        self.free -= 1
        return True

    async def wait(self) -> None:
        """Take a turn that is given back, after all who waited before; a cancelled wait takes none."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiting[waiter] = None
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.cancelled():
                self._waiting.pop(waiter, None)
            else:  # its turn came as it was cancelled
                self.give_back()
            raise

    def give_back(self) -> None:
        """Give a turn to whoever waits longest, or leave it free."""
        while self._waiting:
            waiter, _ = self._waiting.popitem(last=False)
            if not waiter.done():
                waiter.set_result(None)
                return
        self.free += 1
