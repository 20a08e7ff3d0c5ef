"""Shadow: the first request of a run, sent to another target beside it; the answer is recorded and never returned.

A shadow runs no tools, and neither delays a run nor fails it: where the limits have no room for it at once, or its
target is left alone for now, it is not sent. It is one call, under the platform's credential. What came of it is logged
as one line, with its tokens and its cost, which count against the day's budget.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from ..canonical.chat import ChatRequest, ChatResponse
from ..canonical.embedding import EmbeddingRequest, EmbeddingResponse
from ..canonical.image import ImageRequest, ImageResponse
from ..errors import RoutebookError
from ..records.attempt import Attempt
from ..records.ended import AttemptEnded
from ..routing.context import Context
from ..routing.decision import PlannedAttempt
from ..routing.table import RoutingTable
from .attempt import Call, Calling, Progress, Q, R, call_target, pass_over
from .budget import Spending
from .clients import Clients
from .facts import AnyRequest
from .limits import Limiter
from .observe import Observe
from .pool import Leases
from .result import RunRecord
from .run_limits import RunLimits

_LOG = logging.getLogger("routebook")
_PLATFORM = Context()


class Shadows:
    """The shadows of one engine that are under way; closing cancels them at once."""

    def __init__(self, clients: Clients, limiter: Limiter, spending: Spending) -> None:
        self._clients = clients
        self._limiter = limiter
        self._spending = spending
        self._running: set[asyncio.Task[None]] = set()

    def start(self, table: RoutingTable, run: RunRecord, request: AnyRequest, observe: Observe | None) -> None:
        """Send *request* to the shadow of *run*'s decision, beside the run."""
        planned = run.decision.shadow
        assert planned is not None
        shadow = _Shadow(run.run_id, run.decision.feature, planned, self._spending, observe)
        task = asyncio.create_task(self._send(table, shadow, request), name="routebook-shadow")
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def close(self) -> None:
        """Cancel every shadow, and wait until it is gone."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _send(self, table: RoutingTable, shadow: _Shadow, request: AnyRequest) -> None:
        # On a loop with an eager task factory this begins at once, and would take the place of the run's own call.
        await asyncio.sleep(0)
        with Leases() as leases:
            clients = self._clients.of_run(table, _PLATFORM, leases)
            limits = self._limiter.of_run(table, clients.payer)

            async def complete(target: PlannedAttempt, asked: ChatRequest, _: Progress) -> ChatResponse:
                return await (await clients.client(target)).complete(asked)

            async def embed(target: PlannedAttempt, asked: EmbeddingRequest, _: Progress) -> EmbeddingResponse:
                return await (await clients.client(target)).embed(asked)

            async def generate(target: PlannedAttempt, asked: ImageRequest, _: Progress) -> ImageResponse:
                return await (await clients.client(target)).generate_image(asked)

            if isinstance(request, EmbeddingRequest):
                await shadow.send(request, table, embed, limits)
            elif isinstance(request, ImageRequest):
                await shadow.send(request, table, generate, limits)
            else:
                await shadow.send(request, table, complete, limits)


@dataclass(frozen=True, slots=True)
class _Shadow:
    """One shadow: whose it is, where it goes, who counts what it costs, and who hears of it."""

    run_id: str
    feature: str
    planned: PlannedAttempt
    spending: Spending
    observe: Observe | None

    async def send(self, request: Q, table: RoutingTable, call: Call[Q, R], limits: RunLimits) -> None:
        """Call the target, if there is room for it now: a shadow takes no run's turn."""
        calling = Calling(table, lambda _: request, call, limits, self.note, waits=False)
        passed = limits.passed_over(self.planned, cools=True)
        if passed is not None:
            pass_over(self.planned, passed, calling)
            return
        try:
            await call_target(self.planned, request, calling)
        except Exception as error:  # noqa: BLE001, a shadow fails nobody, whatever its adapter raises
            why = str(error) if isinstance(error, RoutebookError) else type(error).__name__
            planned = self.planned
            _LOG.error("shadow of %s: %s at %s was not called: %s", self.feature, planned.model, planned.provider, why)

    def note(self, attempt: Attempt) -> None:
        """Record what came of it."""
        if attempt.cost_microusd is not None:
            self.spending.add(self.feature, attempt.cost_microusd)
        if self.observe is not None:
            self.observe(AttemptEnded(self.run_id, self.feature, 1, attempt, shadow=True))
        _LOG.info("shadow of %s: %s", self.feature, _told(attempt))


def _told(attempt: Attempt) -> str:
    outcome = "answered" if attempt.kind is None else f"failed, {attempt.kind}: {attempt.reason}"
    used = "no usage" if attempt.usage is None else f"{attempt.usage.input} in, {attempt.usage.output} out"
    cost = "unpriced" if attempt.cost_usd is None else f"${attempt.cost_usd:.6f}"
    return f"{attempt.model} at {attempt.provider} {outcome} ({attempt.duration_s:.3f} s, {used}, {cost})"
