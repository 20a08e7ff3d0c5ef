"""Lives: what runs in a thread of its own, ends with the program, and stays behind where the process forks.

The interpreter ends in this order: what `threading` was told of, the newest first (there `concurrent.futures` refuses
new work and waits for its threads); threads that are no daemons are waited for; `atexit`; daemon threads are frozen
wherever they are. To end, an engine needs threads that work for it, and other threads may wait for the engine. So it
ends first of all.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
from typing import Protocol

from ..errors import EngineClosed

PROGRAM_ENDED = (
    "the main thread has ended, and the engine with it; let the main thread wait for the threads that use the engine"
)
_LONGEST_END_S = 10.0


class Life(Protocol):
    """Something that lives in a thread of its own."""

    def end_with_program(self) -> None:
        """Begin to end, now that the main thread has ended; it does not wait."""
        ...

    def wait_for_end(self, longest_s: float) -> None:
        """Wait until it has ended, *longest_s* seconds at most."""
        ...

    def stay_behind(self) -> None:
        """Note, in the child of a fork, that it lives in the parent alone."""
        ...


class Lives:
    """The lives of this process, and those that its parent had when it forked.

    `claiming` is held for a moment while a place is looked at and taken.
    """

    def __init__(self) -> None:
        self.claiming = threading.Lock()
        self._here: set[Life] = set()
        self._left_behind: list[Life] = []
        self._is_watching = False
        self._has_ended = False
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._has_forked)

    def begin(self, life: Life) -> None:
        """Note that *life* begins.

        Raises:
            EngineClosed: The program is ending.
        """
        if not self._is_watching:
            self._watch()
        if self._has_ended:
            raise EngineClosed(PROGRAM_ENDED)
        self._here.add(life)

    def end(self, life: Life) -> None:
        """Note that *life* has ended."""
        self._here.discard(life)

    def _watch(self) -> None:
        # `atexit` is late: whoever waits for an engine is waited for before. But it is better than never.
        register = getattr(threading, "_register_atexit", atexit.register)
        try:
            register(self._end_all)
        except RuntimeError as error:
            raise EngineClosed(PROGRAM_ENDED) from error
        self._is_watching = True

    def _end_all(self) -> None:
        self._has_ended = True
        lives = list(self._here)
        for life in lives:
            life.end_with_program()
        give_up = time.monotonic() + _LONGEST_END_S
        for life in lives:
            life.wait_for_end(max(0.0, give_up - time.monotonic()))

    def _has_forked(self) -> None:
        """Keep what the parent's lives hold: collected here, it would close what the parent works with."""
        self.claiming = threading.Lock()
        lives, self._here = self._here, set()
        self._left_behind += lives
        for life in lives:
            life.stay_behind()


LIVES = Lives()
"""The one of this process, which has one end."""
