"""Hints: the operating system's word that something below a book's root may have changed.

A thread of its own waits for file events and passes each on to the event loop. A hint promises nothing: events are
lost, and where there are none (network file systems) none come, so whoever waits looks for himself from time to time.
Folders are watched one by one, because a recursive watch follows links out of the book.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import Self

from watchfiles import Change, watch

from .look import identity_of

_LOG = logging.getLogger("routebook")
_STEP_MS = 10
_TICK_S = 0.2
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
_LONGEST_JOIN_S = 0.2


class Hints:
    """Waits for file events inside a `with` block of a coroutine."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folders: frozenset[str] = frozenset()
        self._hint = asyncio.Event()
        self._turn = threading.Event()
        self._over = False
        self._has_told = False
        self._thread = threading.Thread(target=self._watch_on, name="routebook-watch", daemon=True)

    def __enter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._process = os.getpid()
        atexit.register(self._end)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        atexit.unregister(self._end)
        self._end()

    async def wait(self, longest_s: float) -> None:
        """Wait for a hint, or until *longest_s* have gone by."""
        with suppress(TimeoutError):
            async with asyncio.timeout(longest_s):  # wait_for may swallow a cancellation
                await self._hint.wait()
        self._hint.clear()

    def watch(self, folders: frozenset[str]) -> None:
        """Watch *folders* from now on; a hint comes once they are watched."""
        if folders != self._folders:
            self._folders = folders
            self._turn.set()

    def give(self) -> None:
        """Give a hint, from the event loop's thread."""
        self._hint.set()

    def _end(self) -> None:
        """End the thread, also before the interpreter does: it must not be stopped inside foreign code.

        The child of a fork has no such thread, but its end comes here too, and maybe with what the thread had locked.
        """
        if os.getpid() != self._process:
            return
        self._over = True
        self._turn.set()
        self._thread.join(_LONGEST_JOIN_S)

    def _pass_on(self) -> None:
        with suppress(RuntimeError):  # the loop was closed meanwhile, nobody waits
            self._loop.call_soon_threadsafe(self.give)

    def _watch_on(self) -> None:
        """Watch until the end; a watch that breaks begins again after a pause, and that is told once."""
        pause = _FIRST_PAUSE_S
        while not self._over:
            self._turn.clear()
            folders = self._folders
            try:
                if self._over or not self._watch(folders):
                    continue
                pause = _FIRST_PAUSE_S
            except FileNotFoundError:
                self._turn.wait(_TICK_S)  # a folder went before it was watched; the next look tells which are left
            except Exception as error:  # noqa: BLE001, whatever breaks the watch, the book is still looked at
                self._tell(error)
                self._turn.wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_S)
            self._pass_on()

    def _watch(self, folders: frozenset[str]) -> bool:
        """Give hints until *folders* are other ones; tell whether the last of them is still to be given."""
        before = identity_of(self._root)
        if not folders:
            self._turn.wait(_TICK_S)
            return identity_of(self._root) != before or before is not None
        is_armed = False
        for changes in watch(
            *sorted(folders),
            watch_filter=None,
            debounce=0,
            step=_STEP_MS,
            rust_timeout=round(_TICK_S * 1000),
            yield_on_timeout=True,
            stop_event=self._turn,
            raise_interrupt=False,
            recursive=False,
            ignore_permission_denied=True,
        ):
            # A folder that is deleted and made anew can get the old one's identity; then only the event tells.
            gone = any(change is Change.deleted and path in folders for change, path in changes)
            if gone or identity_of(self._root) != before:
                return True
            if changes or not is_armed:
                self._pass_on()
            is_armed = True
        return False

    def _tell(self, error: Exception) -> None:
        if not self._has_told:
            self._has_told = True
            _LOG.warning("file events are not to be had (%s); edits of the book are noticed more slowly", error)
