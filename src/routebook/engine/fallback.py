"""Fallback: along a decision's attempts until one answers.

A target that fails is tried again as its provider's `retry` says; then the next later attempt runs whose `on` has the
failure's kind. A target that is left alone for now, by its breaker or while it cools down, is passed over where such an
attempt is left, and called all the same where none is.

A caller's key that is refused never falls back: the caller must hear of it. Nor does a stream of which the caller has
seen something: another model's answer would not go on where this one broke off.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Generic

from ..errors import ProviderError
from ..records.attempt import Attempt
from ..routing.decision import PlannedAttempt
from .attempt import Calling, Q, R, call_target, pass_over
from .events import AttemptFailed, Tell
from .retry import pause_before_retry, waits_at
from .run_limits import PassedOver

_CALLERS_OWN = frozenset({"authentication", "permission_denied"})


async def call_along(
    planned: Sequence[PlannedAttempt], start: int, calling: Calling[Q, R], tell: Tell | None = None
) -> tuple[R, int]:
    """Call the attempts from index *start* until one answers; *tell* hears of those in vain.

    Returns:
        The answer, and the index of the attempt that gave it.

    Raises:
        ProviderError: The last failure, where no later attempt answers its kind.
    """
    walk = _Walk(planned, calling, tell)
    index = start
    while True:
        outcome, has_begun = await walk.call(index)
        if not isinstance(outcome, ProviderError):
            return outcome, index
        later = None if has_begun else walk.after(index, outcome.kind)
        if later is None:
            raise outcome
        index = later


@dataclass(slots=True)
class _Walk(Generic[Q, R]):
    """One walk along *planned*; `tried` are the models on the wire that were tried on it."""

    planned: Sequence[PlannedAttempt]
    calling: Calling[Q, R]
    tell: Tell | None
    tried: set[tuple[str, str]] = field(default_factory=set)

    async def call(self, index: int) -> tuple[R | ProviderError, bool]:
        """Call one target, again and again as its failures allow; return what came of it, and whether the caller has
        seen something of the answer.
        """
        target, calling = self.planned[index], self.calling
        passed = self.passed_over(index, cools=True)
        if passed is not None:
            error, attempt = pass_over(target, passed, calling, retry=self._was_tried(target))
            await self._tell(attempt)
            return error, False
        request = calling.request_for(target)
        in_vain = partial(self.passed_over, index, cools=False)
        tries = 0
        while True:
            calling.deadline.hold()
            retry = self._was_tried(target)
            outcome, attempt = await call_target(target, request, calling, retry=retry, in_vain=in_vain)
            if not isinstance(outcome, ProviderError):
                return outcome, True
            await self._tell(attempt)
            has_begun = attempt.first_token_s is not None
            if has_begun or attempt.outcome == "passed_over":
                return outcome, has_begun
            self.tried.add((target.provider, target.id))
            tries += 1
            pause = self._pause(index, tries, outcome)
            if pause is None or in_vain() is not None:
                return outcome, False
            await asyncio.sleep(pause)

    def after(self, index: int, kind: str) -> int | None:
        """Return the index of the next attempt after a failure of *kind*, if there is one."""
        if self.planned[index].credential == "caller" and kind in _CALLERS_OWN:
            return None
        later = range(index + 1, len(self.planned))
        return next((position for position in later if kind in self.planned[position].on), None)

    def passed_over(self, index: int, *, cools: bool) -> PassedOver | None:
        """Return why a target is left alone, where another attempt is left."""
        if index + 1 == len(self.planned):
            return None
        passed = self.calling.limits.passed_over(self.planned[index], cools=cools)
        return passed if passed is not None and self.after(index, passed.kind) is not None else None

    def _pause(self, index: int, tries: int, error: ProviderError) -> float | None:
        """Return how long to wait before a target is called again, after *tries* calls; None where it is not."""
        target, calling = self.planned[index], self.calling
        provider, has_other = calling.table.providers[target.provider], self.after(index, error.kind) is not None
        waits = waits_at(provider, calling.limits.cooldown_s(target), calling.deadline.left_s, has_other=has_other)
        return pause_before_retry(provider.retry, tries, error, waits, calling.random)

    def _was_tried(self, target: PlannedAttempt) -> bool:
        return (target.provider, target.id) in self.tried

    async def _tell(self, attempt: Attempt) -> None:
        if self.tell is not None:
            await self.tell(AttemptFailed(attempt))
