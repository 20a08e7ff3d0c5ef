"""Shadow: the first request of a run, sent to another target beside it; the answer is recorded and never returned.

A shadow runs no tools, and neither delays its run nor fails it. It is one call, under the platform's credential. What
came of it is logged as one line, with its tokens and its cost, which count against the day's budget.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial

from ..canonical.chat import ChatRequest, ChatResponse
from ..canonical.embedding import EmbeddingRequest, EmbeddingResponse
from ..canonical.image import ImageRequest, ImageResponse
from ..routing.context import Context
from ..routing.decision import PlannedAttempt
from ..routing.table import RoutingTable
from .attempt import Attempt, Call, Progress, Q, R, call_target
from .budget import Spending
from .clients import Clients
from .pool import Leases

_LOG = logging.getLogger("routebook")
_PLATFORM = Context()

AnyRequest = ChatRequest | EmbeddingRequest | ImageRequest


class Shadows:
    """The shadows of one engine that are under way; closing cancels them at once."""

    def __init__(self, clients: Clients, spending: Spending) -> None:
        self._clients = clients
        self._spending = spending
        self._running: set[asyncio.Task[None]] = set()

    def start(self, table: RoutingTable, planned: PlannedAttempt, request: AnyRequest) -> None:
        """Send *request* to *planned* beside the run that asks for it."""
        task = asyncio.create_task(self._send(table, planned, request), name="routebook-shadow")
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def close(self) -> None:
        """Cancel every shadow, and wait until it is gone."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _send(self, table: RoutingTable, planned: PlannedAttempt, request: AnyRequest) -> None:
        with Leases() as leases:
            client_of = self._clients.of_run(table, _PLATFORM, leases).client

            async def complete(target: PlannedAttempt, asked: ChatRequest, _: Progress) -> ChatResponse:
                return await (await client_of(target)).complete(asked)

            async def embed(target: PlannedAttempt, asked: EmbeddingRequest, _: Progress) -> EmbeddingResponse:
                return await (await client_of(target)).embed(asked)

            async def generate(target: PlannedAttempt, asked: ImageRequest, _: Progress) -> ImageResponse:
                return await (await client_of(target)).generate_image(asked)

            if isinstance(request, EmbeddingRequest):
                await self._call(table, planned, request, embed)
            elif isinstance(request, ImageRequest):
                await self._call(table, planned, request, generate)
            else:
                await self._call(table, planned, request, complete)

    async def _call(self, table: RoutingTable, planned: PlannedAttempt, request: Q, call: Call[Q, R]) -> None:
        model = table.models.get(planned.model)
        price = None if model is None else model.price
        await call_target(planned, request, call, price, partial(self._note, request.feature), retry=False)

    def _note(self, feature: str, attempt: Attempt) -> None:
        if attempt.cost_usd is not None:
            self._spending.add(feature, attempt.cost_usd)
        _LOG.info("shadow of %s: %s", feature, _told(attempt))


def _told(attempt: Attempt) -> str:
    outcome = "answered" if attempt.kind is None else f"failed, {attempt.kind}: {attempt.reason}"
    used = "no usage" if attempt.usage is None else f"{attempt.usage.input} in, {attempt.usage.output} out"
    cost = "unpriced" if attempt.cost_usd is None else f"${attempt.cost_usd:.6f}"
    return f"{attempt.model} at {attempt.provider} {outcome} ({attempt.duration_s:.3f} s, {used}, {cost})"
