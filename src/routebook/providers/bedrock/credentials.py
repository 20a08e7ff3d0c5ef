"""Credentials: as whom requests are made, and how long that holds. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Protocol, Self

from ..http.exchange import HttpRequest

_EARLY_S = 300.0
_LATE_S = 60.0
_PAUSE_S = 1.0


class Credentials(Protocol):
    """As whom requests are made: a key that signs them (`sigv4`), or one that goes along."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must stand in no message."""
        ...

    def sign(self, request: HttpRequest) -> HttpRequest:
        """Return *request* with its signature, or with the key."""
        ...


@dataclass(frozen=True, slots=True)
class BearerKey:
    """A key of Amazon Bedrock's own, which goes along with every request."""

    key: str = field(repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must stand in no message."""
        return (self.key,)

    def sign(self, request: HttpRequest) -> HttpRequest:
        """Return *request* with the key."""
        return replace(request, headers={**request.headers, "authorization": f"Bearer {self.key}"})


@dataclass(frozen=True, slots=True)
class Found:
    """Credentials, and until when. Times are seconds since the epoch, None for never.

    From `due` on they are looked for anew, and still used; from `late` on a call waits for fresh ones, and at
    `expires` they are refused.
    """

    credentials: Credentials
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
