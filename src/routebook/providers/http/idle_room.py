"""Idle room: how many connections may be idle at a time, over all that share the room.

Pure but for the clock that is handed in. It closes nothing: it says what has to leave.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from time import monotonic
from typing import Generic, TypeVar

IDLE_S = 30.0
"""How long a connection may be idle."""

C = TypeVar("C", bound=Hashable)


class IdleRoom(Generic[C]):
    """Keeps *most* connections, on the shelves of those who put them there; the longest idle leaves first."""

    def __init__(self, most: int, clock: Callable[[], float] = monotonic) -> None:
        self._most = most
        self._clock = clock
        self._idle: OrderedDict[C, tuple[deque[C], float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._idle)

    def put(self, connection: C, shelf: deque[C]) -> list[C]:
        """Keep *connection* on *shelf*; return those that have to leave, from whichever shelf, to be closed."""
        now = self._clock()
        shelf.append(connection)
        self._idle[connection] = (shelf, now)
        leaving = []
        while self._idle and (len(self._idle) > self._most or self._oldest_since() < now - IDLE_S):
            oldest, (its_shelf, _) = self._idle.popitem(last=False)
            its_shelf.popleft()
            leaving.append(oldest)
        return leaving

    def take(self, shelf: deque[C]) -> C:
        """Take from *shelf*, which is not empty, the connection that was put there last."""
        connection = shelf.pop()
        del self._idle[connection]
        return connection

    def _oldest_since(self) -> float:
        return next(iter(self._idle.values()))[1]
