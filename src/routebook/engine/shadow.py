"""Shadow: the first request of a run, sent to another target beside it; the answer is recorded and never returned.

A shadow runs no tools, and neither delays its run nor fails it. It is one call, under the platform's credential. What
came of it is logged as one line, with its tokens and its cost, which count against the day's budget.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from functools import partial

from ..canonical.chat import ChatRequest
from ..routing.context import Context
from ..routing.decision import PlannedAttempt
from ..routing.table import RoutingTable
from .attempt import Attempt, call_target
from .budget import Spending
from .clients import Clients

_LOG = logging.getLogger("routebook")
_PLATFORM = Context()


class Shadows:
    """The shadows of one engine that are under way; closing cancels them at once."""

    def __init__(self, clients: Clients, spending: Spending) -> None:
        self._clients = clients
        self._spending = spending
        self._running: set[asyncio.Task[None]] = set()

    def start(self, table: RoutingTable, planned: PlannedAttempt, request: ChatRequest) -> None:
        """Send *request* to *planned* beside the run that asks for it."""
        task = asyncio.create_task(self._play(table, planned, request), name="routebook-shadow")
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def close(self) -> None:
        """Cancel every shadow, and wait until it is gone."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _play(self, table: RoutingTable, planned: PlannedAttempt, request: ChatRequest) -> None:
        model = table.models.get(planned.model)
        price = None if model is None else model.price
        async with AsyncExitStack() as stack:
            complete = self._clients.of_run(table, _PLATFORM, stack).complete
            await call_target(planned, request, complete, price, partial(self._note, request.feature), retry=False)

    def _note(self, feature: str, attempt: Attempt) -> None:
        if attempt.cost_usd is not None:
            self._spending.add(feature, attempt.cost_usd)
        _LOG.info("shadow of %s: %s", feature, _told(attempt))


def _told(attempt: Attempt) -> str:
    outcome = "answered" if attempt.kind is None else f"failed, {attempt.kind}: {attempt.reason}"
    used = "no usage" if attempt.usage is None else f"{attempt.usage.input} in, {attempt.usage.output} out"
    cost = "unpriced" if attempt.cost_usd is None else f"${attempt.cost_usd:.6f}"
    return f"{attempt.model} at {attempt.provider} {outcome} ({attempt.duration_s:.3f} s, {used}, {cost})"
