"""The audit of a run in the chaos: what is wrong with it, by what it was told. A good run gives no complaint."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from chaos_asks import Ask, Told

from routebook import DeadlineError, OutputError, ProviderError, RoutingTable
from routebook.records.attempt import Attempt
from routebook.routing.decision import PlannedAttempt
from routebook.routing.price import cost_microusd

MARGIN_S = 10.0
"""How much later than its deadline a run may end on a machine that is busy."""

_RETRIED = frozenset({"rate_limit", "overloaded", "timeout", "connection", "server_error"})
_ERRORS = (ProviderError, DeadlineError, OutputError)
_SOON_S = 0.005


def complaints_of(told: Told) -> Iterator[str]:
    """Yield what is wrong with a run, as far as it can say itself."""
    ask, result = told.ask, told.result
    about = f"{ask.marker} ({type(told.error).__name__}): "
    if result is None:
        if not told.has_left and not isinstance(told.error, asyncio.CancelledError):
            yield f"{about}no result, and the error has none: {told.error!r}"
        return
    if told.error is not None and not isinstance(told.error, _ERRORS):
        yield f"{about}an error of no kind that it may end in: {told.error!r}"
    table = told.tables.get(result.decision.table)
    if table is None:
        yield f"{about}it ran by a table that was not current"
        return
    for complaint in _of_attempts(told, table, result.attempts, result.decision.attempts):
        yield about + complaint


def _of_attempts(
    told: Told, table: RoutingTable, attempts: Sequence[Attempt], planned: Sequence[PlannedAttempt]
) -> Iterator[str]:
    deadline_s = table.features[told.ask.feature].deadline_s
    if told.took_s > deadline_s + MARGIN_S:
        yield f"it took {told.took_s:.3f} s"
    spent_s = sum(attempt.queued_s + attempt.duration_s for attempt in attempts)
    if spent_s > told.took_s + _SOON_S:
        yield f"its attempts took {spent_s:.3f} s together, it took {told.took_s:.3f} s"
    yield from _of_the_end(told.error, attempts)
    for attempt in attempts:
        yield from _of_attempt(told.ask, table, attempt)
    steps = {target.model: place for place, target in enumerate(planned)}
    tries: Counter[str] = Counter()
    for before, after in pairwise(attempts):
        if before.outcome == "answered":
            tries.clear()
        else:
            tries[before.model] += 1
        yield from _of_step(before, after, steps, planned, table.providers[after.provider].retry.attempts, tries)


def _of_the_end(error: BaseException | None, attempts: Sequence[Attempt]) -> Iterator[str]:
    """Yield what does not go together: how the run ended, and how its last attempt did."""
    if isinstance(error, (ProviderError, DeadlineError)) and error.attempts != attempts:
        yield "the error has other attempts than its result"
    if isinstance(error, ProviderError) and attempts[-1].kind != error.kind:
        yield f"the last attempt ended in {attempts[-1].kind}, the run in {error.kind}"
    if (error is None or isinstance(error, OutputError)) and attempts[-1].outcome != "answered":
        yield f"the last attempt was {attempts[-1].outcome}"
    if any(attempt.outcome == "cancelled" for attempt in attempts[:-1]):
        yield "it went on after a cancelled attempt"
    if not isinstance(error, DeadlineError) and any(attempt.outcome == "cancelled" for attempt in attempts):
        yield "an attempt was cancelled, the run was not"


def _of_attempt(ask: Ask, table: RoutingTable, attempt: Attempt) -> Iterator[str]:
    paid = "caller" if ask.context.credentials else "platform"
    if (attempt.credential, attempt.payer) != (paid, paid):
        yield f"{attempt.provider} was paid by {attempt.payer}, credential {attempt.credential}"
    if attempt.cost_microusd != cost_microusd(attempt.usage, table.models[attempt.model].price):
        yield f"{attempt.provider} cost {attempt.cost_microusd}, which is not the price of its table"
    if (attempt.kind is None) != (attempt.outcome == "answered"):
        yield f"{attempt.provider} was {attempt.outcome} with kind {attempt.kind}"
    if attempt.outcome == "passed_over" and attempt.sent:
        yield f"{attempt.provider} was passed over, and was sent something"
    if min(attempt.queued_s, attempt.duration_s) < 0 or (attempt.first_token_s or 0.0) > attempt.duration_s:
        yield f"{attempt.provider} has impossible times"


def _of_step(
    before: Attempt,
    after: Attempt,
    steps: Mapping[str, int],
    planned: Sequence[PlannedAttempt],
    most_tries: int,
    tries: Mapping[str, int],
) -> Iterator[str]:
    """Yield why *after* may not follow *before*. A turn begins where the last one ended, and counts its tries anew."""
    step = f"{before.model} ({before.outcome}, {before.kind}) -> {after.model}"
    here, there = steps[before.model], steps[after.model]
    wire = {
        (planned[place].provider, planned[place].id) for place in range(len(planned)) if tries[planned[place].model]
    }
    if before.outcome == "answered":
        if here != there or after.retry:
            yield f"{step}: a turn began elsewhere, or with a retry"
        return
    if here == there:
        if before.kind not in _RETRIED or before.outcome != "failed" or tries[before.model] >= most_tries:
            yield f"{step}: tried again in vain, after {tries[before.model]} tries"
        if not after.retry:
            yield f"{step}: a retry that is not called so"
    else:
        answering = [place for place in range(here + 1, len(planned)) if before.kind in planned[place].on]
        if answering[:1] != [there]:
            yield f"{step}: not the next that answers such a failure"
        if after.retry != ((planned[there].provider, planned[there].id) in wire):
            yield f"{step}: retry is {after.retry}"
    if before.first_token_s is not None:
        yield f"{step}: though the caller had seen something of it"
    if before.credential == "caller" and before.kind == "authentication" and here != there:
        yield f"{step}: a caller's key was refused, and the run went elsewhere"
