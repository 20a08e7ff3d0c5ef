"""Fallback: along a decision's attempts until one answers.

After a failure of kind K the next later attempt whose `on` has K runs. A caller's key that is refused never falls
back: the caller must hear of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..canonical.chat import ChatRequest, ChatResponse
from ..errors import ProviderError
from ..routing.decision import PlannedAttempt
from ..routing.spec import ModelSpec
from .attempt import Attempt, Complete, call_target

RequestFor = Callable[[PlannedAttempt], ChatRequest]

_CALLERS_OWN = frozenset({"authentication", "permission_denied"})


async def complete_along(
    planned: Sequence[PlannedAttempt],
    start: int,
    request_for: RequestFor,
    complete: Complete,
    models: Mapping[str, ModelSpec],
    record: Callable[[Attempt], None],
) -> tuple[ChatResponse, int]:
    """Call the attempts from index *start* until one answers; each call is handed to *record*.

    Returns:
        The answer, and the index of the attempt that gave it.

    Raises:
        ProviderError: The last failure, where no later attempt answers its kind.
    """
    index = start
    tried: set[tuple[str, str]] = set()
    while True:
        target = planned[index]
        model = models.get(target.model)
        same = (target.provider, target.id)
        price = None if model is None else model.price
        outcome = await call_target(target, request_for(target), complete, price, record, retry=same in tried)
        tried.add(same)
        if not isinstance(outcome, ProviderError):
            return outcome, index
        later = _next(planned, index, outcome)
        if later is None:
            raise outcome
        index = later


def _next(planned: Sequence[PlannedAttempt], index: int, error: ProviderError) -> int | None:
    if planned[index].credential == "caller" and error.kind in _CALLERS_OWN:
        return None
    later = range(index + 1, len(planned))
    return next((position for position in later if error.kind in planned[position].on), None)
