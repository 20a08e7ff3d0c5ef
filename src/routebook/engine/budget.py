"""Budget: what a run, and a day of runs, may still spend. What a caller's own key pays is not counted.

A bound is looked at before each model call, with what the answers so far have cost. Days are UTC, and are counted by
one engine in one process.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import BudgetError
from ..records.attempt import Attempt
from ..routing.price import dollars
from ..routing.spec import BudgetSpec
from .result import RunRecord, RunWarning

_SECONDS_A_DAY = 86_400
_DAYS_KEPT = 3


class Spending:
    """Millionths of a US dollar that the features of one engine have spent today.

    *clock* gives seconds since the epoch. The last days are kept: a clock that is set back over midnight, and goes over
    it again, makes nothing unspent.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._days: dict[int, dict[str, int]] = {}

    def today(self, feature: str) -> int:
        """Return what *feature* has spent today."""
        return self._today().get(feature, 0)

    def add(self, feature: str, microusd: int) -> None:
        """Note that *feature* has spent *microusd*."""
        spent = self._today()
        spent[feature] = spent.get(feature, 0) + microusd

    def _today(self) -> dict[str, int]:
        today = int(self._clock() // _SECONDS_A_DAY)
        spent = self._days.get(today)
        if spent is None:
            spent = self._days[today] = {}
            if len(self._days) > _DAYS_KEPT:
                del self._days[next(iter(self._days))]
        return spent


@dataclass(slots=True)
class RunBudget:
    """The budget of one run."""

    feature: str
    spec: BudgetSpec
    spending: Spending
    warned: bool = False
    warned_of_usage: bool = False

    def check(self, record: RunRecord) -> None:
        """Raise where a bound is reached.

        Raises:
            BudgetError: No further model call may be made.
        """
        paid = _paid(record)
        tokens = sum(attempt.usage.input + attempt.usage.output for attempt in paid if attempt.usage is not None)
        spent = sum(attempt.cost_microusd or 0 for attempt in paid)
        self.warn(record)
        self._hold("tokens_per_run", tokens, self.spec.tokens_per_run)
        self._hold("usd_per_run", dollars(spent), self.spec.usd_per_run)
        self._hold("usd_per_day", dollars(self.spending.today(self.feature)), self.spec.usd_per_day)

    def warn(self, record: RunRecord) -> None:
        """Warn, once, of calls that cannot be held against the budget."""
        self._warn_of_unpriced(record, _paid(record))
        self._warn_of_unknown(record)

    def count(self, attempt: Attempt) -> None:
        """Count a call that was made into the day's spending."""
        if attempt.payer != "caller" and attempt.cost_microusd is not None:
            self.spending.add(self.feature, attempt.cost_microusd)

    def _hold(self, name: str, spent: float, bound: float | None) -> None:
        if bound is not None and spent >= bound:
            message = (
                f"feature {self.feature!r} has spent {spent:g} of its {name} of {bound:g}; no further call is made"
            )
            raise BudgetError(message, name, spent, bound)

    def _warn_of_unpriced(self, record: RunRecord, paid: list[Attempt]) -> None:
        in_dollars = self.spec.usd_per_run is not None or self.spec.usd_per_day is not None
        unpriced = [attempt.model for attempt in paid if attempt.cost_microusd is None]
        if unpriced and in_dollars and not self.warned:
            self.warned = True
            text = f"model {unpriced[0]!r} has no price in the files, so a budget in dollars does not count it"
            record.warnings.append(RunWarning("budget_unpriced", self.feature, text))

    def _warn_of_unknown(self, record: RunRecord) -> None:
        """Warn of an answer that came without its usage: what it cost cannot be held against the budget."""
        silent = [
            one.model for one in record.attempts if one.kind is None and one.usage is None and one.payer != "caller"
        ]
        if silent and not self.warned_of_usage:
            self.warned_of_usage = True
            text = f"model {silent[0]!r} answered without its usage, so the budget does not count it"
            record.warnings.append(RunWarning("budget_unknown", self.feature, text))


def _paid(record: RunRecord) -> list[Attempt]:
    """Return the calls that the platform pays for and whose usage is known."""
    return [attempt for attempt in record.attempts if attempt.payer != "caller" and attempt.usage is not None]
