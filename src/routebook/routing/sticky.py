"""Sticky: choices that look random over many callers and are the same for one.

A choice is SHA-256 of (feature, purpose, value) as a fraction from 0 up to 1. The value is `Context.key`, else a
field of the context, else the run's id. A feature's splits, percents and shadow each have a purpose of their own, so
that one does not follow from another.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any, Literal

from ..canonical.frozen import thaw

Purpose = Literal["split", "percent", "shadow"]

_WHOLE = 2**64


def fraction(feature: str, purpose: Purpose, value: str) -> float:
    """Return where *value* falls for *purpose* of *feature*, from 0 up to 1."""
    digest = hashlib.sha256("\x00".join((feature, purpose, value)).encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") / _WHOLE


def choose_arm(weights: Sequence[float], at: float) -> int:
    """Return the index of the arm that the fraction *at* falls on; an arm of weight 0 is never taken."""
    goal, passed = at * sum(weights), 0.0
    for index, weight in enumerate(weights):
        passed += weight
        if goal < passed:
            return index
    return max(index for index, weight in enumerate(weights) if weight > 0)  # rounding at the very end


class Sticky:
    """The sticky choices of one decision; `used` is the value that the last of them stuck to."""

    __slots__ = ("_key", "_run_id", "feature", "used")

    def __init__(self, feature: str, key: str | None, run_id: str | None) -> None:
        self.feature = feature
        self.used: str | None = None
        self._key = key
        self._run_id = run_id

    def fraction(self, purpose: Purpose, field_value: Any) -> float | None:
        """Return the fraction for *purpose*; None where there is nothing to stick to."""
        value = self._key
        if value is None:
            value = self._run_id if field_value is None else as_text(field_value)
        if value is None:
            return None
        self.used = value
        return fraction(self.feature, purpose, value)

    def is_within(self, purpose: Purpose, percent: float, field_value: Any) -> bool:
        """Tell whether this request is within *percent* of the values of a field, whose value is *field_value*."""
        at = self.fraction(purpose, field_value)
        return at is not None and at < percent / 100


def as_text(value: Any) -> str:
    """Return a field's value as what is hashed: text as it is, anything else as its JSON."""
    return value if isinstance(value, str) else json.dumps(thaw(value), sort_keys=True)
