"""Seldom: what goes wrong again and again is said at once, and then once a minute at most."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

PAUSE_S = 60.0

Clock = Callable[[], float]
"""Returns seconds that never go back."""


class Seldom:
    """Counts what goes wrong, and knows when it may be said."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._unsaid = 0
        self._silent_until = -math.inf

    def count(self) -> int:
        """Count one more; return how many are to be said now, with the unsaid ones before it. 0: it is too soon."""
        self._unsaid += 1
        now = self._clock()
        if now < self._silent_until:
            return 0
        self._silent_until = now + PAUSE_S
        said, self._unsaid = self._unsaid, 0
        return said
