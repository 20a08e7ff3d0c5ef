"""Deadline: one clock over all that a run waits for: queues, pauses, models, tools, and whoever reads its events."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext
from math import inf
from types import TracebackType

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
    return _UNBOUNDED if feature.deadline_s is None else _Bounded(feature.name, feature.deadline_s)


_UNBOUNDED = nullcontext(NO_DEADLINE)


class _Bounded(AbstractAsyncContextManager[Deadline]):
    """The block of a run that has a deadline, *most_s* after it is entered."""

    __slots__ = ("_feature", "_most_s", "_timeout")

    def __init__(self, feature: str, most_s: float) -> None:
        self._feature = feature
        self._most_s = most_s

    async def __aenter__(self) -> Deadline:
        at = asyncio.get_running_loop().time() + self._most_s
        self._timeout = asyncio.timeout_at(at)
        await self._timeout.__aenter__()
        return Deadline(at, self._most_s, self._timeout)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._timeout.__aexit__(kind, error, trace)
        except TimeoutError as late:
            raise self._passed() from late
        if isinstance(error, TimeoutError) and self._timeout.expired():
            raise self._passed() from error

    def _passed(self) -> DeadlineError:
        return DeadlineError(f"feature {self._feature!r} did not answer within {self._most_s:g} s")
