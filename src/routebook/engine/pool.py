"""Pool: things that are costly to open, shared by what configures them, closed after their last user.

Clients and tool servers live here. A thing whose configuration left the table is retired: runs by that table still
share it, also those that come to need it only now, and it closes when the last of them is done.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Generic, Protocol, TypeVar

_LOG = logging.getLogger("routebook")


class Closable(Protocol):
    """Something that is closed once, from any task."""

    async def close(self) -> None:
        """Close it."""
        ...


K = TypeVar("K", bound=Hashable)
V = TypeVar("V", bound=Closable)


@dataclass(slots=True, eq=False)
class _Entry(Generic[K, V]):
    key: K
    value: V
    retired: bool
    users: int = 0
    closing: asyncio.Task[None] | None = None


class Leases:
    """What one user holds of pools; leaving the block gives all of it back."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held: list[tuple[Pool[Any, Any], _Entry[Any, Any]]] = []

    def __enter__(self) -> Leases:
        return self

    def __exit__(self, *_: TracebackType | BaseException | type[BaseException] | None) -> None:
        for pool, entry in reversed(self._held):
            pool.take_back(entry)
        self._held.clear()

    def add(self, pool: Pool[Any, Any], entry: _Entry[Any, Any]) -> None:
        """Note that *entry* of *pool* is held."""
        self._held.append((pool, entry))


class Pool(Generic[K, V]):
    """Shares values by key; at most *most* idle ones are kept, the least recently used go first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._entries: OrderedDict[K, _Entry[K, V]] = OrderedDict()
        self._leaving: list[_Entry[K, V]] = []
        self._wanted: Callable[[K], bool] = lambda _: True

    def lease(self, key: K, make: Callable[[], V], leases: Leases) -> V:
        """Lend the value under *key*, made by *make* where there is none; it stays open until *leases* is left."""
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = _Entry(key, make(), not self._wanted(key))
        self._entries.move_to_end(key)
        entry.users += 1
        leases.add(self, entry)
        return entry.value

    def take_back(self, entry: _Entry[K, V]) -> None:
        """Count one user of *entry* less."""
        entry.users -= 1
        if entry.retired and entry.users == 0:
            self._leave(entry)
        if len(self._entries) > self._most:
            self._shrink()

    def retain(self, wanted: Callable[[K], bool]) -> None:
        """Retire every value whose key is not *wanted*, also one that is made later; nobody waits for its end but
        `close`. A value that is still in use when its key is wanted again stays.
        """
        self._wanted = wanted
        for key, entry in list(self._entries.items()):
            entry.retired = not wanted(key)
            if entry.retired and entry.users == 0:
                self._leave(entry)

    async def close(self) -> None:
        """Close every value, in use or not, all at once; one that fails keeps no other open."""
        self._leaving += self._entries.values()
        self._entries.clear()
        closing = [asyncio.shield(self._start_closing(entry)) for entry in self._leaving]
        outcomes = await asyncio.gather(*closing, return_exceptions=True)
        for outcome in outcomes:
            if outcome is not None:
                raise outcome

    def _shrink(self) -> None:
        idle = [entry for entry in self._entries.values() if entry.users == 0]
        for entry in idle[: max(0, len(idle) - self._most)]:
            self._leave(entry)

    def _leave(self, entry: _Entry[K, V]) -> None:
        """Close *entry*, which nobody uses; whoever asks for its key gets another."""
        if self._entries.get(entry.key) is entry:
            del self._entries[entry.key]
            self._leaving.append(entry)
            self._start_closing(entry)

    def _start_closing(self, entry: _Entry[K, V]) -> asyncio.Task[None]:
        """Close *entry* once, whoever asks, in a task of its own: no run and no reload waits for it, or fails by it."""
        if entry.closing is None:
            entry.closing = asyncio.create_task(entry.value.close())
            entry.closing.add_done_callback(partial(self._has_closed, entry))
        return entry.closing

    def _has_closed(self, entry: _Entry[K, V], closing: asyncio.Task[None]) -> None:
        self._leaving.remove(entry)
        if not closing.cancelled() and closing.exception() is not None:
            _LOG.error("something that is no longer used did not close well", exc_info=closing.exception())
