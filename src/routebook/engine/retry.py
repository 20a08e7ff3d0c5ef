"""Retry: whether a target that failed is tried again, and after what pause.

Exponential backoff with full jitter: before the n-th further try, a random pause of up to `backoff` times 2 to the n-1,
at most `max_backoff`. What the provider asks for (Retry-After) is waited for where it is longer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ..errors import ProviderError
from ..routing.provider_spec import ProviderSpec, Retry

_RETRIED = frozenset({"rate_limit", "overloaded", "timeout", "connection", "server_error"})
_MOST_DOUBLINGS = 64

Random = Callable[[], float]
"""Returns a random number from 0 to 1."""


class Waits(NamedTuple):
    """How long a run may wait before another try, in seconds: `left_s` in all; `asked_s` where the provider asks for
    it. For `cooldown_s` the target lets nobody through.
    """

    cooldown_s: float
    left_s: float
    asked_s: float


def waits_at(provider: ProviderSpec, cooldown_s: float, left_s: float, *, has_other: bool) -> Waits:
    """Return how long a run may wait for *provider*: no longer than in a queue, where it *has_other* attempts left; no
    longer than for a whole call, where it has none.
    """
    return Waits(cooldown_s, left_s, provider.limits.queue_timeout_s if has_other else provider.timeout.total)


def pause_before_retry(retry: Retry, tries: int, error: ProviderError, waits: Waits, random: Random) -> float | None:
    """Return the seconds to wait before a target is called again, after *tries* calls; the last ended in *error*.

    None where it is not called again: there were enough tries, the failure says that another is in vain, or the run
    cannot wait for so long, see *waits*.
    """
    if error.kind not in _RETRIED or tries >= retry.attempts:
        return None
    longest = min(retry.max_backoff_s, retry.backoff_s * 2.0 ** min(tries - 1, _MOST_DOUBLINGS))
    asked = error.retry_after or 0.0
    pause = max(longest * random(), asked)
    return pause if max(pause, waits.cooldown_s) < waits.left_s and asked <= waits.asked_s else None
