"""Retry: whether a target that failed is tried again, and after what pause.

Exponential backoff with full jitter: before the n-th further try, a random pause of up to `backoff` times 2 to the n-1,
at most `max_backoff`. What the provider asks for (Retry-After) is waited for where it is longer.
"""

from __future__ import annotations

from collections.abc import Callable

from ..errors import ProviderError
from ..routing.provider_spec import ProviderSpec

_RETRIED = frozenset({"rate_limit", "overloaded", "timeout", "connection", "server_error"})
_MOST_DOUBLINGS = 64

Random = Callable[[], float]
"""Returns a random number from 0 to 1."""


def pause_before_retry(
    provider: ProviderSpec, tries: int, error: ProviderError, cooldown_s: float, left_s: float, random: Random
) -> float | None:
    """Return the seconds to wait before *provider* is called again, after *tries* calls; the last ended in *error*.

    None where it is not called again: there were enough tries, the failure says that another is in vain, or the pause,
    or the *cooldown_s* for which the target lets nobody through, would be longer than the *left_s* that the run has, or
    the pause asked for longer than the provider's bound on a whole call.
    """
    retry = provider.retry
    if error.kind not in _RETRIED or tries >= retry.attempts:
        return None
    longest = min(retry.max_backoff_s, retry.backoff_s * 2.0 ** min(tries - 1, _MOST_DOUBLINGS))
    asked = error.retry_after or 0.0
    pause = max(longest * random(), asked)
    return pause if max(pause, cooldown_s) < left_s and asked <= provider.timeout.total else None
