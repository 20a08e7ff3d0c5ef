"""WireLimits: how much may be asked of a model on the wire, by whatever names a book calls it.

The names of one model at one provider share the tightest of their limits, since the provider counts calls of the model.
"""

from __future__ import annotations

from collections.abc import Iterable

from .linked import LinkedBook
from .provider_spec import Limits

WireModel = tuple[str, str]
"""A provider's name, and the id of a model on its wire."""


def wire_limits(table: LinkedBook) -> dict[WireModel, Limits]:
    """Return the limits of each model that has some."""
    written: dict[WireModel, list[Limits]] = {}
    for model in table.models.values():
        if model.limits.may_hold:
            written.setdefault((model.provider, model.id), []).append(model.limits)
    return {wire: _tightest(limits) for wire, limits in written.items()}


def _tightest(limits: list[Limits]) -> Limits:
    return Limits(
        concurrency=_least(one.concurrency for one in limits),
        requests_per_minute=_least(one.requests_per_minute for one in limits),
        tokens_per_minute=_least(one.tokens_per_minute for one in limits),
        adaptive=any(one.adaptive for one in limits),
        queue_timeout_s=min(one.queue_timeout_s for one in limits),
    )


def _least(bounds: Iterable[int | None]) -> int | None:
    return min((bound for bound in bounds if bound is not None), default=None)
