"""Attempt: one call of one target, made and recorded."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from ..canonical.chat import ChatRequest, ChatResponse
from ..canonical.record import Record
from ..canonical.usage import Usage
from ..errors import ProviderError
from ..routing.decision import CredentialKind, PlannedAttempt
from ..routing.price import cost_usd
from ..routing.spec import Price

Complete = Callable[[PlannedAttempt, ChatRequest], Awaitable[ChatResponse]]
"""Sends a request to a planned attempt's provider."""


@dataclass(frozen=True, slots=True)
class Attempt(Record):
    """A provider call that was made.

    `credential` is the kind of credential used, `payer` who pays for it. `kind` is None on success, else the fault's
    kind with the provider's sentence in `reason`; `sent` is false where nothing left the process. `retry` tells that
    the same provider and model were called before in the same turn. `started_at` is seconds since the epoch,
    `duration_s` the whole call, `cost_usd` by the prices in the files (None: unpriced, or no usage).
    """

    provider: str
    model: str
    credential: CredentialKind
    payer: CredentialKind
    kind: str | None
    sent: bool
    reason: str | None
    retry: bool
    started_at: float
    duration_s: float
    usage: Usage | None
    cost_usd: float | None

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Attempt:
        """Build an attempt from what `to_dict` returned."""
        usage = data.get("usage")
        optional = dict.fromkeys(("kind", "reason", "cost_usd"))
        return cls(**{**optional, **data, "usage": None if usage is None else Usage.from_dict(usage)})


async def call_target(
    planned: PlannedAttempt, request: ChatRequest, complete: Complete, price: Price | None, *, retry: bool
) -> tuple[ChatResponse | ProviderError, Attempt]:
    """Call *planned* once; return what came of it, an answer or the provider's fault, and its record."""
    started_at, clock = time.time(), time.perf_counter()
    outcome: ChatResponse | ProviderError
    try:
        outcome = await complete(planned, request)
    except ProviderError as error:
        outcome = error
    failed = isinstance(outcome, ProviderError)
    usage = None if isinstance(outcome, ProviderError) else outcome.usage
    attempt = Attempt(
        provider=planned.provider,
        model=planned.model,
        credential=planned.credential,
        payer=planned.credential,
        kind=outcome.kind if isinstance(outcome, ProviderError) else None,
        sent=not (failed and getattr(outcome, "unsent", False)),
        reason=outcome.message if isinstance(outcome, ProviderError) else None,
        retry=retry,
        started_at=started_at,
        duration_s=time.perf_counter() - clock,
        usage=usage,
        cost_usd=cost_usd(usage, price),
    )
    return outcome, attempt
