"""Reload: a book that is compiled again as it is edited, in a thread, one compile at a time.

Comes in: a book's root. Goes out: a Reading for each edit, once the tree is still: two looks 50 ms apart are the same.
Editors rename a new file over the old one and Kubernetes swaps links, so what is looked at is the whole tree. A tree
that is written while it is compiled is compiled again; one that never comes to rest is taken as it is after 5 s, but
only if it compiles: what is wrong with half a file is never told.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

from ..book import BookReport, OpenBook
from ..diagnostics.diagnostic import Diagnostic
from ..document.environment import Environment
from ..errors import EngineClosed, RequestError
from ..telemetry.listener import is_awaited
from .changes import Change
from .hints import Hints
from .look import Look, look

_LOG = logging.getLogger("routebook")
_SETTLED_S = 0.05
_LOOK_EVERY_S = 1.0
_LONGEST_UNREST_S = 5.0
_SHARE_OF_TIME_TO_LOOK = 0.02


@dataclass(frozen=True, slots=True)
class Reload:
    """What an edit came to: the table's digest now and before it, since when the table is the current one (seconds
    since the epoch), all that is said about the book, and the decisions that changed.

    A refused edit has errors among its diagnostics, and `digest` is `previous`: the last good table stays.
    """

    digest: str
    previous: str
    loaded_at: float
    diagnostics: tuple[Diagnostic, ...]
    changes: tuple[Change, ...]


def check_reload_listener(listener: Any) -> None:
    """Raise where *listener* cannot be called, or would have to be awaited then.

    Raises:
        RequestError: It is such a one.
    """
    if not callable(listener):
        raise RequestError(f"on_reload must be a function, not {type(listener).__name__}", "on_reload")
    if is_awaited(listener):
        raise RequestError("on_reload must be a plain function: it is called, and not awaited", "on_reload")


@dataclass(frozen=True, slots=True)
class Reading:
    """The outcome of one compile, which took `took_s`. Numbers grow; `seen` is the tree as it was before its files
    were read.
    """

    number: int
    report: BookReport
    seen: Look
    took_s: float


class LiveBook:
    """The book in a directory, read whenever that is asked for, and after each edit.

    A tree that does not come to rest within *longest_unrest_s* is taken as it is, if it compiles.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        environment: Environment | None = None,
        *,
        longest_unrest_s: float = _LONGEST_UNREST_S,
    ) -> None:
        self._book = OpenBook(path, environment)
        self._longest_unrest_s = longest_unrest_s
        self._number = 0
        self._last: Reading | None = None
        self._failed: Look | None = None
        self._looking_s = 0.0
        self._under_way: asyncio.Task[Reading] | None = None
        self._to_come: asyncio.Task[Reading] | None = None

    async def read(self) -> Reading:
        """Compile the book as it stands now. Calls share a compile that has not begun, and none that has.

        Raises:
            EngineClosed: The book was closed meanwhile.
        """
        if self._to_come is None:
            self._to_come = asyncio.create_task(self._read_after(self._under_way), name="routebook-compile")
        reading = self._to_come
        try:
            return await asyncio.shield(reading)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if reading.cancelled() and task is not None and not task.cancelling():
                raise EngineClosed("the engine was closed while its book was compiled") from None
            raise

    async def edits(self) -> AsyncGenerator[Reading, None]:
        """Yield a reading for each edit that was made since the last one, however that one came about.

        What goes wrong unexpectedly is logged, and tried again.
        """
        with Hints(self._book.root) as hints:
            while True:
                try:
                    reading = await self._after_edit(hints)
                except EngineClosed:
                    return
                except Exception:  # noqa: BLE001, whatever one edit breaks, the watch goes on and says so
                    await self._note_failure()
                    reading = None
                if reading is not None:
                    yield reading
                await hints.wait(max(_LOOK_EVERY_S, self._looking_s / _SHARE_OF_TIME_TO_LOOK))

    async def close(self) -> None:
        """Stop compiling; whoever waits for a reading is told."""
        compiling = [task for task in (self._under_way, self._to_come) if task is not None]
        for task in compiling:
            task.cancel()
        await asyncio.gather(*compiling, return_exceptions=True)

    async def _read_after(self, earlier: asyncio.Task[Reading] | None) -> Reading:
        if earlier is not None:
            await asyncio.wait([earlier])
        self._under_way, self._to_come = self._to_come, None
        self._last = reading = await asyncio.to_thread(self._read)
        return reading

    def _read(self) -> Reading:
        self._number += 1
        began, seen = time.perf_counter(), look(self._book.root)
        report = self._book.read()
        return Reading(self._number, report, seen, time.perf_counter() - began)

    async def _after_edit(self, hints: Hints) -> Reading | None:
        """Read the book if it is not as it was last read, once it is still."""
        seen = await self._look(hints)
        give_up = time.monotonic() + self._longest_unrest_s
        while self._is_news(seen):
            seen, is_still = await self._rest(hints, seen, give_up)
            if is_still and not self._is_news(seen):
                return None
            reading = await self.read()
            seen = await self._look(hints)
            if is_still and reading.seen.is_same(seen):
                return reading
            is_over = time.monotonic() >= give_up
            if is_over and reading.report.table is not None:
                return reading
            self._last = None  # it is handed to nobody, so the same tree is news once more
            if is_over:
                return None
        return None

    async def _rest(self, hints: Hints, seen: Look, give_up: float) -> tuple[Look, bool]:
        """Look until two looks are the same, or until *give_up*; return the last one, and whether it is so."""
        while True:
            earlier = seen
            await asyncio.sleep(_SETTLED_S)
            seen = await self._look(hints)
            is_still = seen.is_same(earlier)
            if is_still or time.monotonic() >= give_up:
                return seen, is_still

    async def _look(self, hints: Hints) -> Look:
        began = time.monotonic()
        seen = await asyncio.to_thread(look, self._book.root)
        self._looking_s = time.monotonic() - began
        hints.watch(seen.folders)
        return seen

    def _is_news(self, seen: Look) -> bool:
        return self._last is None or self._last.seen.is_fresh or not seen.is_same(self._last.seen)

    async def _note_failure(self) -> None:
        """Log the failure, once for each state of the tree: it is tried again for as long as it lasts."""
        seen = await asyncio.to_thread(look, self._book.root)
        if self._failed is None or not seen.is_same(self._failed):
            _LOG.exception("an edit of the book was not taken; it is tried again")
        self._failed = seen
