"""Attempt: one call of one target, made and recorded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from ..canonical.chat import ChatRequest, ChatResponse
from ..canonical.embedding import EmbeddingRequest, EmbeddingResponse
from ..canonical.image import ImageRequest, ImageResponse
from ..canonical.rate_limits import RateLimits
from ..canonical.record import Record
from ..canonical.usage import Usage
from ..errors import FaultKind, ProviderError
from ..providers.protocol import ModelClient
from ..routing.decision import CredentialKind, PlannedAttempt
from ..routing.price import cost_usd
from ..routing.spec import Price

Q = TypeVar("Q", ChatRequest, EmbeddingRequest, ImageRequest)
R = TypeVar("R", ChatResponse, EmbeddingResponse, ImageResponse)

Note = Callable[["Attempt"], None]
"""Keeps a record of a call."""

ClientOf = Callable[[PlannedAttempt], Awaitable[ModelClient]]
"""Finds who calls a planned attempt's provider, with the key that pays for it."""

Call = Callable[[PlannedAttempt, Q, "Progress"], Awaitable[R]]
"""Sends a request to a planned attempt's provider."""


@dataclass(frozen=True, slots=True)
class Attempt(Record):
    """A provider call that was made.

    `credential` is the kind of credential used, `payer` who pays for it. `kind` is None on success, else the fault's
    kind with the provider's sentence in `reason`; `sent` is false where the provider was not called. `retry` tells that
    the same provider and model were called before in the same turn. `started_at` is seconds since the epoch,
    `first_token_s` the wait for the first content of a stream (None: there was none, or the answer came whole),
    `duration_s` the whole call, `cost_usd` by the prices in the files (None: unpriced, or no usage). `request_id` is
    what the provider calls the call, for its support, `rate_limits` what it says beside an answer of how much more it
    will take (None: nothing).
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
    first_token_s: float | None
    duration_s: float
    usage: Usage | None
    cost_usd: float | None
    request_id: str | None = None
    rate_limits: RateLimits | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the attempt as plain data, every field of it."""
        return {**dict.fromkeys(self.__slots__), **super(Attempt, self).to_dict()}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Attempt:
        """Build an attempt from what `to_dict` returned."""
        usage, limits = data["usage"], data.get("rate_limits")
        return cls(
            **{
                **data,
                "usage": None if usage is None else Usage.from_dict(usage),
                "rate_limits": None if limits is None else RateLimits.from_dict(limits),
            }
        )


class Progress:
    """How far a call under way has come."""

    __slots__ = ("_clock", "first_token_s", "started_at")

    def __init__(self) -> None:
        self.started_at = time.time()
        self.first_token_s: float | None = None
        self._clock = time.perf_counter()

    @property
    def duration_s(self) -> float:
        """The seconds since the call began."""
        return time.perf_counter() - self._clock

    def begin_content(self) -> None:
        """Note that the caller sees something of the answer from now on."""
        if self.first_token_s is None:
            self.first_token_s = self.duration_s


async def call_target(
    planned: PlannedAttempt, request: Q, call: Call[Q, R], price: Price | None, record: Note, *, retry: bool
) -> tuple[R | ProviderError, Attempt]:
    """Call *planned* once; return what came of it, an answer or the provider's fault, and the record of the call.

    The record is handed to *record* in any case: a call that is cancelled under way was sent, and may be paid for.
    """
    progress = Progress()

    def note(
        kind: FaultKind | None,
        reason: str | None,
        sent: bool = True,
        usage: Usage | None = None,
        request_id: str | None = None,
        rate_limits: RateLimits | None = None,
    ) -> Attempt:
        attempt = Attempt(
            provider=planned.provider,
            model=planned.model,
            credential=planned.credential,
            payer=planned.credential,
            kind=kind,
            sent=sent,
            reason=reason,
            retry=retry,
            started_at=progress.started_at,
            first_token_s=progress.first_token_s,
            duration_s=progress.duration_s,
            usage=usage,
            cost_usd=cost_usd(usage, price),
            request_id=request_id,
            rate_limits=rate_limits,
        )
        record(attempt)
        return attempt

    try:
        response = await call(planned, request, progress)
    except ProviderError as refused:
        return refused, note(refused.kind, refused.message, refused.sent, refused.usage, refused.request_id)
    except asyncio.CancelledError:
        note("timeout", "the run ended before the answer came")
        raise
    return response, note(None, None, True, response.usage, response.request_id, response.rate_limits)


def malformed(planned: PlannedAttempt, what: str, response: R | None = None) -> ProviderError:
    """Return the error of an answer of *planned* that cannot be used; *what* is a sentence.

    The *response*, where there is one, says what it cost all the same.
    """
    return ProviderError(
        what,
        "malformed_response",
        provider=planned.provider,
        model=planned.model,
        request_id=None if response is None else response.request_id,
        usage=None if response is None else response.usage,
    )
