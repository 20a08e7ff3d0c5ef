"""Bucket: how much may be asked in a minute. It holds one minute's worth, and fills evenly."""

from __future__ import annotations

_SECONDS = 60.0
_NOTHING = 1e-9


class Bucket:
    """Starts full. *now* is in seconds, on a clock that never goes back.

    What is taken may be more than there is, when it turns out so afterwards: whoever comes next waits for that, too.
    """

    __slots__ = ("_at", "_level", "_per_minute")

    def __init__(self, per_minute: int, now: float) -> None:
        self._per_minute = per_minute
        self._level = float(per_minute)
        self._at = now

    def wait_s(self, amount: float, now: float) -> float:
        """Return in how many seconds *amount* can be taken; 0 where it is there. More than fits waits for all of it."""
        missing = min(amount, self._per_minute) - self.level(now)
        return 0.0 if missing <= _NOTHING else missing * _SECONDS / self._per_minute

    def take(self, amount: float, now: float) -> None:
        """Take *amount*; less than nothing gives back."""
        self._level = min(self.level(now) - amount, float(self._per_minute))

    def level(self, now: float) -> float:
        """Return how much there is; below zero, how much was taken too much."""
        filled = (now - self._at) * self._per_minute / _SECONDS
        self._level, self._at = min(self._level + filled, float(self._per_minute)), now
        return self._level

    def resize(self, per_minute: int, now: float) -> None:
        """Hold another minute's worth, as full as it was: it is full again when it would have been."""
        self._level = self.level(now) * per_minute / self._per_minute
        self._per_minute = per_minute
