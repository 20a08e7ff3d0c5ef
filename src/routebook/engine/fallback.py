"""Fallback: along a decision's attempts until one answers.

After a failure of kind K the next later attempt whose `on` has K runs. A caller's key that is refused never falls
back: the caller must hear of it. Nor does a stream of which the caller has seen something: another model's answer
would not go on where this one broke off.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic

from ..errors import ProviderError
from ..routing.decision import PlannedAttempt
from ..routing.spec import ModelSpec
from .attempt import Attempt, Call, Note, Q, R, call_target
from .events import AttemptFailed, Tell

_CALLERS_OWN = frozenset({"authentication", "permission_denied"})


@dataclass(slots=True)
class Calling(Generic[Q, R]):
    """How attempts are made: what each is sent, how, what the models cost, who keeps the records, who is told."""

    request_for: Callable[[PlannedAttempt], Q]
    call: Call[Q, R]
    models: Mapping[str, ModelSpec]
    record: Note
    tell: Tell | None = None


async def call_along(planned: Sequence[PlannedAttempt], start: int, calling: Calling[Q, R]) -> tuple[R, int]:
    """Call the attempts from index *start* until one answers.

    Returns:
        The answer, and the index of the attempt that gave it.

    Raises:
        ProviderError: The last failure, where no later attempt answers its kind.
    """
    index = start
    tried: set[tuple[str, str]] = set()
    while True:
        target = planned[index]
        model = calling.models.get(target.model)
        same = (target.provider, target.id)
        price = None if model is None else model.price
        request = calling.request_for(target)
        outcome, attempt = await call_target(target, request, calling.call, price, calling.record, retry=same in tried)
        tried.add(same)
        if not isinstance(outcome, ProviderError):
            return outcome, index
        if calling.tell is not None:
            await calling.tell(AttemptFailed(attempt))
        later = _next(planned, index, outcome, attempt)
        if later is None:
            raise outcome
        index = later


def _next(planned: Sequence[PlannedAttempt], index: int, error: ProviderError, attempt: Attempt) -> int | None:
    if attempt.first_token_s is not None or (planned[index].credential == "caller" and error.kind in _CALLERS_OWN):
        return None
    later = range(index + 1, len(planned))
    return next((position for position in later if error.kind in planned[position].on), None)
