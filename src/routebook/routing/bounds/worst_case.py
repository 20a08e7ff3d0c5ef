"""Bounds: the worst case of one decision, in provider calls, seconds and dollars.

Comes in: a feature, the attempts of a decision, and its shadow. Goes out: what no run by that decision goes beyond. The
worst is that every try of every attempt runs to its time-out and is billed, whenever a run asks its models. What a
caller's own options change is in the attempts, where the caller is known.

This is made for every decision of a table; `arithmetic` shows the same figures with where they come from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, NamedTuple

from ..decision import PlannedAttempt
from ..linked import LinkedBook
from ..spec import FeatureSpec, Kind
from .load import Load, load_of, load_options, model_queues
from .loop import Loop, loop_of


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most that a run by one decision takes.

    `seconds` is None where there is no bound, `usd` also where a price is not known. `providers` is how many different
    ones the attempts have; the shadow does not count, but what it costs does.
    """

    calls: int
    seconds: float | None
    usd: float | None
    providers: int


@dataclass(frozen=True, slots=True)
class Round:
    """What all attempts of a decision come to when a run asks its models once.

    `usd` and `call_usd` are infinite where there is no bound; `call_usd` is the cheapest attempt's call, `token_usd`
    the dearest token.
    """

    tries: int
    seconds: float
    usd: float
    call_usd: float
    token_usd: float


class _Figures(NamedTuple):
    """A load, and its part of a round."""

    load: Load
    tries: int
    seconds: float
    usd: float
    call_usd: float
    token_usd: float
    provider: str


_Known = dict[int, _Figures]
"""Figures by the id of an attempt."""


class _Asked(NamedTuple):
    """A feature, its loop, and what of it every decision is held against. It holds the feature, which keeps its id."""

    feature: FeatureSpec
    loop: Loop
    known: _Known
    rounds: int
    tools_s: float
    deadline_s: float
    is_budgeted: bool


class WorstCase:
    """The worst cases of one table's decisions. What attempts and features have in common is worked out once."""

    def __init__(self, table: LinkedBook) -> None:
        self._table = table
        self._queues = model_queues(table)
        self._alike: dict[tuple[Any, ...], _Figures] = {}
        self._held: list[PlannedAttempt] = []  # an attempt that is held keeps its id
        self._known: dict[Kind, _Known] = {"chat": {}, "embeddings": {}, "image": {}}
        self._asked: dict[int, _Asked] = {}

    def bounds(
        self, feature: FeatureSpec, attempts: Sequence[PlannedAttempt], shadow: PlannedAttempt | None = None
    ) -> Bounds:
        """Return the worst case of a decision of *feature* with these *attempts*, mirrored to *shadow*."""
        _, loop, known, rounds, tools_s, deadline_s, is_budgeted = self._asked.get(id(feature)) or self._ask(feature)
        tries, seconds, usd = 0, 0.0, 0.0
        providers = set()
        for attempt in attempts:
            figures = known.get(id(attempt)) or self._look(feature.kind, attempt)
            tries += figures.tries
            seconds += figures.seconds
            usd += figures.usd
            providers.add(figures.provider)
        total_s = min(tools_s + rounds * seconds, deadline_s)
        total_usd = rounds * usd
        if is_budgeted and usd != inf:
            least = min([known[id(attempt)].call_usd for attempt in attempts])
            counted = counted_usd(loop, max([known[id(attempt)].token_usd for attempt in attempts]))
            total_usd = min(total_usd, counted + (rounds - 1) * (usd - least) + usd)
        if shadow is not None:
            total_usd += self._look(feature.kind, shadow).call_usd
        return Bounds(
            rounds * tries,
            None if total_s == inf else total_s,
            None if total_usd == inf else total_usd,
            len(providers),
        )

    def loop(self, feature: FeatureSpec) -> Loop:
        """Return what bounds a run of *feature*."""
        return (self._asked.get(id(feature)) or self._ask(feature)).loop

    def load(self, feature: FeatureSpec, attempt: PlannedAttempt) -> Load:
        """Return what *attempt* takes when a run of *feature* asks its models once."""
        return self._look(feature.kind, attempt).load

    def round_of(self, feature: FeatureSpec, attempts: Sequence[PlannedAttempt]) -> Round:
        """Return what all *attempts* take when a run of *feature* asks its models once."""
        figures = [self._look(feature.kind, attempt) for attempt in attempts]
        _, tries, seconds, usd, call_usd, token_usd, _ = zip(*figures, strict=True)
        return Round(sum(tries), sum(seconds), sum(usd), min(call_usd), max(token_usd))

    def _ask(self, feature: FeatureSpec) -> _Asked:
        loop = loop_of(self._table, feature)
        tools_s = inf if loop.tools.seconds is None else loop.tools.seconds
        deadline_s = inf if loop.deadline_s is None else loop.deadline_s
        known = self._known[feature.kind]
        asked = _Asked(feature, loop, known, loop.rounds, tools_s, deadline_s, loop.is_budgeted)
        self._asked[id(feature)] = asked
        return asked

    def _look(self, kind: Kind, attempt: PlannedAttempt) -> _Figures:
        known = self._known[kind].get(id(attempt))
        if known is not None:
            return known
        self._held.append(attempt)
        key = (kind, attempt.provider, attempt.model, attempt.id, attempt.credential, *load_options(attempt.options))
        figures = self._alike.get(key)
        if figures is None:
            figures = self._alike[key] = _figures(load_of(self._table, attempt, kind, self._queues))
        self._known[kind][id(attempt)] = figures
        return figures


def _figures(load: Load) -> _Figures:
    usd = inf if load.usd is None else load.usd
    call_usd = inf if load.cost.usd is None else load.cost.usd
    return _Figures(load, load.tries, load.seconds, usd, call_usd, load.cost.token_usd, load.provider)


def counted_usd(loop: Loop, token_usd: float) -> float:
    """Return the dollars at which the budget of *loop* ends a run, infinite without one; every token is the dearest.

    A budget is looked at before the models are asked, and counts answers: tries that fail tell no usage, and may be
    billed all the same. So, until it is reached, each round adds its failures, all tries but one; then comes one whole
    round.
    """
    tokens, dollars = loop.budget.tokens_per_run, loop.budget.usd_per_run
    return min(inf if dollars is None else dollars, inf if tokens is None else tokens * token_usd)
