"""Account: what is written down of a run while it goes on, told to who listens, and counted against its budget."""

from __future__ import annotations

import asyncio
from types import TracebackType

from ..records.attempt import Attempt
from .budget import RunBudget
from .observe import Watch
from .result import RunRecord
from .runs import leave_result


class Account:
    """The account of one run, which is over when the block is left. Where nobody listens, there is no `watch`."""

    __slots__ = ("_budget", "record", "watch")

    def __init__(self, record: RunRecord, watch: Watch | None, budget: RunBudget | None) -> None:
        self.record = record
        self.watch = watch
        self._budget = budget

    def __enter__(self) -> Account:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if isinstance(error, asyncio.CancelledError):
            self.record.break_off()
            leave_result(error, self.record.result())
        if self.watch is not None:
            self.watch.end(error)

    def note(self, attempt: Attempt) -> None:
        """Keep the record of a call that was made, or of a target that was passed over."""
        self.record.attempts.append(attempt)
        if self.watch is not None:
            self.watch.attempt(attempt)
        if self._budget is not None:
            self._budget.count(attempt)

    def check_budget(self) -> None:
        """Raise where no further model call may be made.

        Raises:
            BudgetError: A bound is reached.
        """
        if self._budget is not None:
            self._budget.check(self.record)

    def warn_of_budget(self) -> None:
        """Warn of calls that cannot be held against the budget."""
        if self._budget is not None:
            self._budget.warn(self.record)
