"""Found: credentials, and how long they hold. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from .sigv4 import Credentials

_EARLY_S = 300.0
_LATE_S = 60.0
_PAUSE_S = 1.0


@dataclass(frozen=True, slots=True)
class Found:
    """Credentials: those of a signature, or the key of a bearer. Times are seconds since the epoch, None for never.

    From `due` on they are looked for anew, and still used; from `late` on a call waits for fresh ones, and at
    `expires` they are refused.
    """

    credentials: Credentials | str
    due: float | None = None
    late: float | None = None
    expires: float | None = None

    @classmethod
    def until(cls, credentials: Credentials, expires: float | None, now: float) -> Self:
        """Return *credentials* that hold until then; what holds for minutes only is not asked for at every call."""
        if expires is None:
            return cls(credentials)
        lasts = max(0.0, expires - now)
        return cls(credentials, expires - min(_EARLY_S, lasts / 4), expires - min(_LATE_S, lasts / 10), expires)

    def after_failure(self, now: float) -> Self | None:
        """Return these credentials, to be looked for anew after a pause; None where they hold no more."""
        if self.expires is None:
            return self
        if self.expires <= now:
            return None
        again = min(self.expires, now + max(_PAUSE_S, (self.expires - now) / 2))
        return replace(self, due=again, late=max(again, self.late or again))

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must stand in no message."""
        if isinstance(self.credentials, str):
            return (self.credentials,)
        return tuple(text for text in (self.credentials.secret_key, self.credentials.token) if text)
