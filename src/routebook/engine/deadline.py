"""Deadline: one clock over all that a run waits for: queues, pauses, models, tools, and whoever reads its events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from math import inf

from ..errors import DeadlineError
from ..routing.spec import FeatureSpec


class Deadline:
    """The moment by which a run has to end, *most_s* after it began, on the event loop's clock, which *end* keeps;
    `inf` for none.
    """

    __slots__ = ("_at", "_end", "_most_s")

    def __init__(self, at: float = inf, most_s: float = inf, end: asyncio.Timeout | None = None) -> None:
        self._at = at
        self._most_s = most_s
        self._end = end

    @property
    def left_s(self) -> float:
        """The seconds that are left."""
        return inf if self._at == inf else self._at - asyncio.get_running_loop().time()

    @property
    def has_passed(self) -> bool:
        """Whether no time is left. Loops with a coarse clock end a run a little before its moment."""
        return self.left_s <= 0 or (self._end is not None and self._end.expired())

    def hold(self) -> None:
        """Raise where the run went on over its end: an adapter or a listener swallowed the cancellation.

        Raises:
            TimeoutError: It did.
        """
        if self._end is not None and self._end.expired():
            raise TimeoutError

    def was_spent_on(self, seconds: float) -> bool:
        """Tell whether it has passed, and most of the time went by in *seconds* of waiting for one thing."""
        return self.has_passed and seconds > self._most_s / 2


NO_DEADLINE = Deadline()


def deadline(feature: FeatureSpec) -> AbstractAsyncContextManager[Deadline]:
    """Bound what is done inside the block by the feature's deadline, if it has one.

    Raises:
        DeadlineError: It took longer; what was under way is cancelled.
    """
    return nullcontext(NO_DEADLINE) if feature.deadline_s is None else _bounded(feature, feature.deadline_s)


@asynccontextmanager
async def _bounded(feature: FeatureSpec, most_s: float) -> AsyncIterator[Deadline]:
    at = asyncio.get_running_loop().time() + most_s
    end = asyncio.timeout_at(at)
    try:
        async with end:
            yield Deadline(at, most_s, end)
    except TimeoutError as error:
        if not end.expired():
            raise
        raise DeadlineError(f"feature {feature.name!r} did not answer within {most_s:g} s") from error
