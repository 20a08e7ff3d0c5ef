"""Attempt: one call of one target, made and recorded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from ..canonical.chat import ChatRequest, ChatResponse
from ..canonical.record import Record
from ..canonical.usage import Usage
from ..errors import FaultKind, ProviderError
from ..routing.decision import CredentialKind, PlannedAttempt
from ..routing.price import cost_usd
from ..routing.spec import Price

Note = Callable[["Attempt"], None]
"""Keeps a record of a call."""

Complete = Callable[[PlannedAttempt, ChatRequest], Awaitable[ChatResponse]]
"""Sends a request to a planned attempt's provider."""


@dataclass(frozen=True, slots=True)
class Attempt(Record):
    """A provider call that was made.

    `credential` is the kind of credential used, `payer` who pays for it. `kind` is None on success, else the fault's
    kind with the provider's sentence in `reason`; `sent` is false where the provider was not called. `retry` tells that
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

    def to_dict(self) -> dict[str, Any]:
        """Return the attempt as plain data, every field of it."""
        return {**dict.fromkeys(self.__slots__), **super(Attempt, self).to_dict()}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Attempt:
        """Build an attempt from what `to_dict` returned."""
        usage = data["usage"]
        return cls(**{**data, "usage": None if usage is None else Usage.from_dict(usage)})


async def call_target(
    planned: PlannedAttempt, request: ChatRequest, complete: Complete, price: Price | None, record: Note, *, retry: bool
) -> ChatResponse | ProviderError:
    """Call *planned* once; return what came of it, an answer or the provider's fault.

    The call is handed to *record* in any case: one that is cancelled under way was sent, and may be paid for.
    """
    started_at, clock = time.time(), time.perf_counter()

    def note(kind: FaultKind | None, reason: str | None, sent: bool, usage: Usage | None) -> None:
        record(
            Attempt(
                provider=planned.provider,
                model=planned.model,
                credential=planned.credential,
                payer=planned.credential,
                kind=kind,
                sent=sent,
                reason=reason,
                retry=retry,
                started_at=started_at,
                duration_s=time.perf_counter() - clock,
                usage=usage,
                cost_usd=cost_usd(usage, price),
            )
        )

    try:
        response = await complete(planned, request)
    except ProviderError as refused:
        note(refused.kind, refused.message, refused.sent, refused.usage)
        return refused
    except asyncio.CancelledError:
        note("timeout", "the run ended before the answer came", True, None)
        raise
    note(None, None, True, response.usage)
    return response
