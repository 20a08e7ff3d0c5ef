"""Load: the most that one attempt of a decision may take each time a run asks its models: tries, seconds, dollars.

Comes in: a linked book, an attempt, and the sort of call. Every try counts as billed and as long as its time-out. How
often a run asks its models is the loop's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..decision import PlannedAttempt
from ..linked import LinkedBook
from ..provider_spec import Limits, ProviderSpec, Retry
from ..spec import Kind
from ..wire_limits import WireModel, wire_limits
from .call_cost import CallCost, dearest_call


@dataclass(frozen=True, slots=True)
class Load:
    """The most that an attempt may take in one go: `tries` calls of `call_s`, each after `queue_s` of waiting.

    `pauses_s` are those between the tries, all together. A provider may ask for longer ones (`Retry-After`).
    """

    provider: str
    model: str
    tries: int
    call_s: float
    queue_s: float
    pauses_s: float
    cost: CallCost

    @property
    def seconds(self) -> float:
        """All tries with what lies before and between them."""
        return self.tries * (self.call_s + self.queue_s) + self.pauses_s

    @property
    def usd(self) -> float | None:
        """All tries; None where a call has no bound in dollars."""
        return None if self.cost.usd is None else self.tries * self.cost.usd


def load_of(table: LinkedBook, attempt: PlannedAttempt, kind: Kind, queues: Mapping[WireModel, float]) -> Load:
    """Return the load of *attempt*; *queues* are those of `model_queues`."""
    provider = table.providers[attempt.provider]
    return Load(
        provider=attempt.provider,
        model=attempt.model,
        tries=provider.retry.attempts,
        call_s=_call_seconds(provider, _total(attempt.options)),
        queue_s=_queue_seconds(provider.limits) + queues.get((attempt.provider, attempt.id), 0.0),
        pauses_s=_pauses(provider.retry),
        cost=dearest_call(attempt, table.models.get(attempt.model), kind),
    )


def waiting_seconds(provider: ProviderSpec, options: Mapping[str, Any]) -> float:
    """Return how long all tries at *provider* may wait for an answer, with the pauses between them."""
    return provider.retry.attempts * _call_seconds(provider, _total(options)) + _pauses(provider.retry)


def load_options(options: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what a load depends on of an attempt's *options*: equal ones give equal loads."""
    return _total(options), options.get("max_output_tokens"), options.get("n")


def model_queues(table: LinkedBook) -> dict[WireModel, float]:
    """Return how long a call may wait for its turn at each model with limits, which hold under all its names."""
    return {wire: _queue_seconds(limits) for wire, limits in wire_limits(table).items() if limits.are_set}


def _queue_seconds(limits: Limits) -> float:
    return limits.queue_timeout_s if limits.are_set else 0.0


def _call_seconds(provider: ProviderSpec, total: float | None) -> float:
    """Return how long one call may last: a script plays its delays whatever the time-out."""
    delays = [entry.reply.delay for entry in provider.script or ()]
    return max([provider.timeout.total if total is None else float(total), *delays])


def _total(options: Mapping[str, Any]) -> float | None:
    """Return the time-out of a whole call that *options* set, if any."""
    timeout = options.get("timeout")
    seconds: float | None = timeout.get("total") if isinstance(timeout, Mapping) else timeout
    return seconds


def _pauses(retry: Retry) -> float:
    """Return the pauses between all tries: each is twice the one before it, up to the longest."""
    seconds, pause = 0.0, retry.backoff_s
    left = retry.attempts - 1
    while left > 0 and pause < retry.max_backoff_s:
        seconds += pause
        pause *= 2
        left -= 1
    return seconds + left * retry.max_backoff_s
