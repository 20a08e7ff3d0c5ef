"""Attempt: one call of one target: it waits for its turn, is made, and is recorded."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from ..canonical.chat import ChatRequest, ChatResponse
from ..canonical.embedding import EmbeddingRequest, EmbeddingResponse
from ..canonical.image import ImageRequest, ImageResponse
from ..errors import FaultKind, ProviderError
from ..providers.http.unsent import may_be_sent
from ..providers.protocol import ModelClient
from ..records.attempt import Attempt, Outcome
from ..routing.decision import PlannedAttempt
from ..routing.price import cost_microusd
from ..routing.table import RoutingTable
from .deadline import NO_DEADLINE, Deadline
from .partial import Partial
from .place import Place
from .retry import Random
from .run_limits import PassedOver, RunLimits, no_turn

Q = TypeVar("Q", ChatRequest, EmbeddingRequest, ImageRequest)
R = TypeVar("R", ChatResponse, EmbeddingResponse, ImageResponse)

Note = Callable[[Attempt], None]
"""Keeps a record of a call."""

ClientOf = Callable[[PlannedAttempt], Awaitable[ModelClient]]
"""Finds who calls a planned attempt's provider, with the key that pays for it."""

Call = Callable[[PlannedAttempt, Q, "Progress"], Awaitable[R]]
"""Sends a request to a planned attempt's provider."""

InVain = Callable[[], PassedOver | None]
"""Says why a call had better go elsewhere, after all."""


class Progress:
    """How far a call under way has come, and what of its answer the caller has seen."""

    __slots__ = ("_clock", "first_token_s", "partial", "started_at")

    def __init__(self) -> None:
        self.started_at = time.time()
        self.first_token_s: float | None = None
        self.partial: Partial | None = None
        self._clock = time.perf_counter()

    @property
    def duration_s(self) -> float:
        """The seconds since the call began."""
        return time.perf_counter() - self._clock

    def begin_content(self) -> Partial:
        """Note that the caller sees something of the answer from now on; return what gathers it."""
        if self.partial is None:
            self.first_token_s = self.duration_s
            self.partial = Partial()
        return self.partial


@dataclass(slots=True)
class Calling(Generic[Q, R]):
    """How attempts are made: what each is sent, how, within which bounds, and who keeps the records. A call that never
    *waits* is only made where there is room for it at once.
    """

    table: RoutingTable
    request_for: Callable[[PlannedAttempt], Q]
    call: Call[Q, R]
    limits: RunLimits
    record: Note
    deadline: Deadline = NO_DEADLINE
    random: Random = random.random
    waits: bool = True


@dataclass(slots=True)
class _Draft(Generic[Q, R]):
    """The record of a call that is still being made; `failed`, `cancelled` or `ended` writes it, once."""

    calling: Calling[Q, R]
    planned: PlannedAttempt
    retry: bool
    progress: Progress
    queued_s: float = 0.0

    def end_queue(self) -> None:
        """Note that the wait for a turn is over: the call begins now, or will not."""
        self.queued_s, self.progress = self.progress.duration_s, Progress()

    def failed(self, error: ProviderError, outcome: Outcome) -> Attempt:
        """Record a call that ended in *error*."""
        return self.ended(outcome, error.kind, error.message, error)

    def cancelled(self, *, sent: bool) -> None:
        """Record a call that the end of its run cut short."""
        if self.calling.deadline.has_passed:
            self.ended("cancelled", "timeout", "the run's deadline came before the answer", sent=sent)
        else:
            self.ended("cancelled", "cancelled", "the run ended before the answer came", sent=sent)

    @property
    def was_in_vain(self) -> bool:
        """Whether the run's deadline went by without a word. Once there was one, it may be its reader who was slow."""
        return self.progress.first_token_s is None and self.calling.deadline.was_spent_on(self.progress.duration_s)

    def ended(
        self,
        outcome: Outcome,
        kind: FaultKind | str | None = None,
        reason: str | None = None,
        told: R | ProviderError | None = None,
        *,
        sent: bool = True,
    ) -> Attempt:
        """Record the call; *told* is the answer, or the error, that says what it took."""
        planned, progress = self.planned, self.progress
        usage = None if told is None else told.usage
        model = self.calling.table.models.get(planned.model)
        attempt = Attempt(
            provider=planned.provider,
            model=planned.model,
            credential=planned.credential,
            payer=planned.credential,
            kind=kind,
            sent=told.sent if isinstance(told, ProviderError) else sent,
            reason=reason,
            retry=self.retry,
            queued_s=self.queued_s,
            started_at=progress.started_at,
            first_token_s=progress.first_token_s,
            duration_s=progress.duration_s,
            usage=usage,
            cost_microusd=None if model is None else cost_microusd(usage, model.price),
            outcome=outcome,
            request_id=None if told is None else told.request_id,
            rate_limits=None if told is None or isinstance(told, ProviderError) else told.rate_limits,
        )
        self.calling.record(attempt)
        return attempt


async def call_target(
    planned: PlannedAttempt, request: Q, calling: Calling[Q, R], *, retry: bool = False, in_vain: InVain | None = None
) -> tuple[R | ProviderError, Attempt]:
    """Call *planned* once; return what came of it, an answer or the provider's fault, and the record of the call.

    A call that had to wait, and for which *in_vain* then has a reason, is not made. A record is kept in any case: a
    call that is cancelled under way was sent, and may be paid for, unless it was still connecting.
    """
    draft = _Draft(calling, planned, retry, Progress())
    place = calling.limits.enter_now(planned, request)
    if place is None:
        waited = await _wait(draft, request)
        if isinstance(waited, ProviderError):
            return waited, draft.failed(waited, "passed_over")
        place = waited
        if in_vain is not None and not place.is_probe and (passed := in_vain()) is not None:
            place.given_up(sent=False)
            return pass_over(planned, passed, calling, retry=retry, queued_s=draft.queued_s)
    try:
        response = await calling.call(planned, request, draft.progress)
    except ProviderError as error:
        if error.usage is not None and not error.usage.is_credible:
            error.usage = None
        place.failed(error)
        unusable = error.kind == "malformed_response" and error.sent
        return error, draft.failed(error, "unusable" if unusable else "failed")
    except asyncio.CancelledError as error:
        sent = may_be_sent(error)
        place.given_up(sent=sent, is_down=draft.was_in_vain)
        draft.cancelled(sent=sent)
        raise
    except BaseException:
        place.given_up()
        raise
    if response.usage is not None and not response.usage.is_credible:
        # What a provider makes up is as good as what it does not say, and must hold up no other call.
        response = replace(response, usage=None)
    place.answered(response.usage)
    return response, draft.ended("answered", told=response)


async def _wait(draft: _Draft[Q, R], request: Q) -> Place | ProviderError:
    """Wait for a place; return it, or why there is none."""
    planned, calling = draft.planned, draft.calling
    if not calling.waits:
        return no_turn(planned, "there is no room for it now, and it waits for none")
    try:
        place = await calling.limits.enter(planned, request)
    except ProviderError as error:
        draft.end_queue()
        return error
    except asyncio.CancelledError:
        draft.end_queue()
        draft.cancelled(sent=False)
        raise
    draft.end_queue()
    return place


def pass_over(
    planned: PlannedAttempt, passed: PassedOver, calling: Calling[Q, R], *, retry: bool = False, queued_s: float = 0.0
) -> tuple[ProviderError, Attempt]:
    """Record that *planned* was not called; return what stands for its failure, and the record."""
    error = ProviderError(passed.reason, passed.kind, provider=planned.provider, model=planned.model, sent=False)
    draft = _Draft(calling, planned, retry, Progress(), queued_s)
    return error, draft.failed(error, "passed_over")


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
