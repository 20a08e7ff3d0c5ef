"""Measure: cases in interleaved rounds, and what they say as ratios.

Comes in: named cases, each of which returns its own cost once. Goes out: the medians, and for each case the median of
its ratios to the reference *of the same round*, so that what slows a whole round down cancels out.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from statistics import median

Rounds = Mapping[str, list[float]]
"""Each case with its cost in every round."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the result: `ratio` is (median, lowest, highest) over the rounds; `within` tells if a limit holds."""

    what: str
    measured: str
    against: str = ""
    ratio: tuple[float, float, float] | None = None
    limit: str = ""
    within: bool = True


def interleaved(cases: Mapping[str, Callable[[], float]], rounds: int) -> Rounds:
    """Run every case once a round, after one round that is not counted; the order turns around each time."""
    costs: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(rounds + 1):
        for name in _order(list(cases), number):
            cost = cases[name]()
            if number:
                costs[name].append(cost)
    return costs


async def interleaved_async(cases: Mapping[str, Callable[[], Awaitable[float]]], rounds: int) -> Rounds:
    """As `interleaved`, for cases that are awaited."""
    costs: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(rounds + 1):
        for name in _order(list(cases), number):
            cost = await cases[name]()
            if number:
                costs[name].append(cost)
    return costs


def ratio(rounds: Rounds, case: str, reference: str) -> tuple[float, float, float]:
    """Return the median, lowest and highest ratio of *case* to *reference* in the same round."""
    ratios = [cost / base for cost, base in zip(rounds[case], rounds[reference], strict=True)]
    return median(ratios), min(ratios), max(ratios)


def above(rounds: Rounds, case: str, reference: str) -> float:
    """Return the median of what *case* costs more than *reference* in the same round."""
    return median(cost - base for cost, base in zip(rounds[case], rounds[reference], strict=True))


def _order(names: list[str], number: int) -> list[str]:
    return names if number % 2 else names[::-1]
