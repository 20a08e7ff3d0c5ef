"""Reach: a socket that is connected to a server, by whichever address of its name answers first.

asyncio's own race of this kind forgets a socket that was just connected when it is cancelled; this one closes it.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import Any, TypeAlias

_NEXT_ADDRESS_S = 0.25

_Found: TypeAlias = tuple[int, int, int, str, Any]
"""An address as the system finds it: family, kind and protocol of its sockets, and what they connect to."""


async def reach(name: str, port: int) -> socket.socket:
    """Connect to *port* of *name*; another address is tried, too, where one does not answer at once.

    Raises:
        OSError: No address was found, or none answers: why the first does not.
    """
    found = await asyncio.get_running_loop().getaddrinfo(name, port, type=socket.SOCK_STREAM)
    addresses = _by_turns(found)
    if len(addresses) == 1:
        return await _connected(addresses[0])
    attempts: list[asyncio.Task[socket.socket]] = []
    winner = None
    try:
        while winner is None and (addresses or not all(attempt.done() for attempt in attempts)):
            if addresses:
                attempts.append(asyncio.create_task(_connected(addresses.pop(0))))
            under_way = [attempt for attempt in attempts if not attempt.done()]
            bound = _NEXT_ADDRESS_S if addresses else None
            await asyncio.wait(under_way, timeout=bound, return_when=asyncio.FIRST_COMPLETED)
            winner = next((attempt for attempt in attempts if _has_won(attempt)), None)
        return (winner or attempts[0]).result()
    finally:
        _leave(attempt for attempt in attempts if attempt is not winner)


async def _connected(found: _Found) -> socket.socket:
    family, kind, protocol, _, address = found
    reached = socket.socket(family, kind, protocol)
    try:
        reached.setblocking(False)
        await asyncio.get_running_loop().sock_connect(reached, address)
    except BaseException as error:
        reached.close()
        if isinstance(error, OSError) and error.errno and "Connect call failed" in str(error):
            raise OSError(error.errno, os.strerror(error.errno)) from error  # in the system's words, not asyncio's
        raise
    return reached


def _by_turns(found: Sequence[_Found]) -> list[_Found]:
    """Return addresses of the family that the system prefers, and of others, by turns."""
    preferred = [each for each in found if each[0] == found[0][0]]
    others = [each for each in found if each[0] != found[0][0]]
    return [each for pair in zip_longest(preferred, others) for each in pair if each is not None]


def _has_won(attempt: asyncio.Task[socket.socket]) -> bool:
    return attempt.done() and not attempt.cancelled() and attempt.exception() is None


def _leave(attempts: Iterable[asyncio.Task[socket.socket]]) -> None:
    for attempt in attempts:
        if _has_won(attempt):
            attempt.result().close()
        attempt.cancel()
