"""Limits: as written, with defaults filled in."""

from __future__ import annotations

from ..document import limits as written
from ..routing.provider_spec import Limits


def link_limits(limits: written.Limits | None) -> Limits:
    """Return what runs of *limits*; none at all bounds nothing."""
    if limits is None:
        return Limits()
    adaptive = limits.concurrency is not None if limits.adaptive is None else limits.adaptive
    return Limits(
        concurrency=limits.concurrency,
        requests_per_minute=limits.requests_per_minute,
        tokens_per_minute=limits.tokens_per_minute,
        adaptive=adaptive,
        queue_timeout_s=limits.queue_timeout,
    )
