"""RateLimits: what a provider says, beside an answer, of how much more it will take."""

from __future__ import annotations

from dataclasses import dataclass

from .record import Record


@dataclass(frozen=True, slots=True)
class RateLimits(Record):
    """How many requests and tokens a provider allows in a window of time, how many of them are left, and the seconds
    until they are whole again. None is what it did not say.
    """

    requests_limit: int | None = None
    requests_remaining: int | None = None
    requests_reset_s: float | None = None
    tokens_limit: int | None = None
    tokens_remaining: int | None = None
    tokens_reset_s: float | None = None
