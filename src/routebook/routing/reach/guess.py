"""Guess: a request made up for a rule, and whether no rule before it takes that.

Most rules of most books are seen to be reached at once; of the others the guess says nothing, and they are worked out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..matcher import Condition, When

_FOREIGN = "~"
_FAR = 10**9
_NOTHING: Mapping[str, Any] = {"stream": False, "has_images": False, "has_tools": False, "input_tokens": 0}
_EVERYTHING: Mapping[str, Any] = {"stream": True, "has_images": True, "has_tools": True, "input_tokens": _FAR}


@dataclass(frozen=True, slots=True)
class Guess:
    """A request that a rule fits: values of the fields that the rule asks about, the profile's left aside, and the
    percents that its key falls just below, if it has one.
    """

    values: Mapping[str, Any]
    share: float | None = None

    def passes(self, earlier: Sequence[When]) -> bool:
        """Tell whether none of the *earlier* rules takes it, whatever its other fields are: nothing, or a lot.

        What they ask of the profile is taken to hold, so that it passes under every profile.
        """
        for others in (_NOTHING, _EVERYTHING):
            request = {**others, **self.values}
            if not any(_takes(when, request, self.share) for when in earlier):
                return True
        return False


def guess(own: When) -> Guess | None:
    """Return a request that *own* fits; None where none is found at once."""
    values: dict[str, Any] = {}
    share: float | None = None
    for condition in own:
        if condition.operator == "percent":
            if condition.operand <= 0 or condition.field == "profile":
                return None
            share = condition.operand if share is None else min(share, condition.operand)
        elif condition.field != "profile" and condition.field not in values:
            value = _value([other for other in own if other.field == condition.field and other.test is not None])
            if value is _FAILED:
                return None
            values[condition.field] = value
    return Guess(values, share)


_FAILED = object()


def _value(conditions: Sequence[Condition]) -> Any:
    """Return a value of their field that all *conditions* fit; `_FAILED` where none is found."""
    for value in _values(conditions):
        if all(condition.test is not None and condition.test(value, condition.operand) for condition in conditions):
            return value
    return _FAILED


def _values(conditions: Sequence[Condition]) -> Iterator[Any]:
    field = conditions[0].field
    for condition in conditions:
        operand = condition.operand
        for constant in operand if isinstance(operand, tuple) else (operand,):
            if isinstance(constant, bool) and condition.operator == "exists":
                continue
            if isinstance(constant, (int, float)) and not isinstance(constant, bool) and math.isfinite(constant):
                whole = math.floor(constant)
                near = (constant, whole + 1, whole - 1) if field != "input_tokens" else (whole, whole + 1, whole - 1)
                yield from (number for number in near if field != "input_tokens" or number >= 0)
            else:
                yield f"{constant}{_FOREIGN}" if condition.operator == "prefix" else constant
    if field in _NOTHING:
        yield from (_NOTHING[field], _EVERYTHING[field])
    else:
        yield from (None, _FOREIGN)


def _takes(when: When, request: Mapping[str, Any], share: float | None) -> bool:
    """Tell whether *when* may hold for *request*, whose key falls just below *share* percent, if it has one."""
    for condition in when:
        field = condition.field
        if field == "profile":
            continue
        if condition.test is None:
            if condition.operand < share if share is not None else request.get(field) is None:
                return False
        elif not condition.test(request.get(field), condition.operand):
            return False
    return True
