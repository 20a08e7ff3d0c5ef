"""Rate limit headers: what stands beside an answer → RateLimits.

Pure: the clock is handed in. The names differ by API, so each says its own; a moment may be written in any of the ways
that `fault.seconds_to` reads. What says nothing sensible counts as not said.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ..canonical.rate_limits import RateLimits
from .fault import seconds_to

_LONGEST_COUNT = 18
_NOTHING = RateLimits()


class HeaderNames(NamedTuple):
    """The names, in lower case, under which an API says its limits."""

    requests_limit: str
    requests_remaining: str
    requests_reset: str
    tokens_limit: str
    tokens_remaining: str
    tokens_reset: str


def read_rate_limits(headers: Mapping[str, str], names: HeaderNames, now: float) -> RateLimits | None:
    """Return the limits that *headers* tell, or None where they tell none; *now* is seconds since the epoch."""
    if headers.keys().isdisjoint(names):
        return None
    limits = RateLimits(
        requests_limit=_count(headers.get(names.requests_limit)),
        requests_remaining=_count(headers.get(names.requests_remaining)),
        requests_reset_s=_seconds(headers.get(names.requests_reset), now),
        tokens_limit=_count(headers.get(names.tokens_limit)),
        tokens_remaining=_count(headers.get(names.tokens_remaining)),
        tokens_reset_s=_seconds(headers.get(names.tokens_reset), now),
    )
    return None if limits == _NOTHING else limits


def _count(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) <= _LONGEST_COUNT else None


def _seconds(text: str | None, now: float) -> float | None:
    return seconds_to(text.strip(), now) if text else None
