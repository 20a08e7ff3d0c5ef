"""Keeping: which invariants an attempt breaks, and which the bounds of a decision do. Sets of invariants are the bits
of a number, in the order of the table.

Exact for one attempt and for one worst case. Features name the same few attempts again and again, and those have the
same few values, so what each of them breaks is worked out once.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ...routing.bounds.worst_case import Bounds
from ...routing.decision import PlannedAttempt
from ...routing.invariant import BOUNDS, OPTION, keeps, value_of
from ...routing.linked import LinkedBook
from ...routing.matcher import Condition
from ...routing.spec import AttemptSpec
from .selecting import Bits

_FALLING = frozenset({"lt", "lte"})
"""Operators that fewer attempts cannot break where more did not."""


class Broken(NamedTuple):
    """The invariants that an attempt breaks where the platform pays, and where the caller does; who pays then. It holds
    the attempt, so no other gets its id.
    """

    lent: Bits
    own: Bits
    payer: str
    spec: AttemptSpec


class Keeping:
    """The invariants of *table*, by what their `require` says."""

    def __init__(self, table: LinkedBook) -> None:
        self.models = table.models
        self.bounded = self.rising = 0
        self._tests: dict[str, list[tuple[Bits, Condition]]] = {}
        for index, invariant in enumerate(table.invariants.values()):
            for test in invariant.require:
                self._tests.setdefault(test.field, []).append((1 << index, test))
                if test.field.startswith(BOUNDS):
                    self.bounded |= 1 << index
                    self.rising |= 0 if test.operator in _FALLING else 1 << index
        self._of_attempts = [field for field in self._tests if not field.startswith(BOUNDS)]
        self._of_decisions: list[tuple[str, str, dict[float | None, Bits]]] = [
            (field, field.removeprefix(BOUNDS), {}) for field in self._tests if field.startswith(BOUNDS)
        ]
        self._asks_options = any(field.startswith(OPTION) for field in self._tests)
        self.specs: dict[int, Broken] = {}
        self._calls: dict[tuple[object, ...], tuple[Bits, PlannedAttempt]] = {}
        self._values: dict[tuple[str, type, Any], Bits] = {}

    def of_spec(self, spec: AttemptSpec) -> Broken:
        """Return what the attempt breaks; what is known already is in `specs`, by id."""
        known = self.specs.get(id(spec))
        if known is None:
            caller = spec.platform if spec.caller is None else spec.caller
            known = Broken(self._of_attempt(spec.platform), self._of_attempt(caller), caller.credential, spec)
            self.specs[id(spec)] = known
        return known

    def of_bounds(self, bounds: Bounds) -> Bits:
        """Return what a decision with these *bounds* breaks."""
        broken = 0
        for field, name, known in self._of_decisions:
            value = getattr(bounds, name)
            bits = known.get(value)
            if bits is None:
                bits = known[value] = self._broken_by(field, value)
            broken |= bits
        return broken

    def _of_attempt(self, attempt: PlannedAttempt) -> Bits:
        options = id(attempt.options) if self._asks_options else None
        key = (attempt.model, attempt.provider, attempt.credential, options)
        known = self._calls.get(key)
        if known is None:
            bits = 0
            for field in self._of_attempts:
                bits |= self._of_value(field, value_of(field, attempt, self.models))
            known = self._calls[key] = (bits, attempt)
        return known[0]

    def _of_value(self, field: str, value: Any) -> Bits:
        """Return what having *value* under *field* breaks."""
        key = (field, value.__class__, value)
        try:
            bits = self._values.get(key)
        except TypeError:  # a mapping among the options
            return self._broken_by(field, value)
        if bits is None:
            bits = self._values[key] = self._broken_by(field, value)
        return bits

    def _broken_by(self, field: str, value: Any) -> Bits:
        bits = 0
        for bit, test in self._tests[field]:
            if not keeps(test, value):
                bits |= bit
        return bits
