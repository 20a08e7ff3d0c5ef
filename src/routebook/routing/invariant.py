"""Invariant: a promise about decisions. An invariant, a decision and its bounds give what breaks the promise.

`require` holds for each attempt and the shadow, its fields `bounds.*` for the decision as a whole. A price that is not
known and a bound that there is not break it whatever is asked of them, save whether they exist. Of `tags` and
`capabilities` there are several: one that satisfies a condition is enough, and for `not` none may be of those named.
A model that declares no capabilities may have any, so it satisfies none of these but `exists: false`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from .bounds.worst_case import Bounds
from .decision import Decision, PlannedAttempt
from .matcher import Condition, When, satisfies
from .spec import InvariantSpec, ModelSpec

BOUNDS = "bounds."
PRICE = "price."
OPTION = "options."

Part = int | Literal["shadow"] | None
"""A part of a decision: an attempt by its index, the shadow, or (None) the decision as a whole."""


@dataclass(frozen=True, slots=True)
class Breach:
    """A part of a decision that breaks `require[condition]`, and the value found there."""

    part: Part
    condition: int
    found: Any


def selects(where: When, tags: Collection[str], decision: Decision) -> bool:
    """Tell whether *where* selects *decision*, of a feature with these *tags*."""
    return all(_selected(condition, tags, decision) for condition in where)


def breaches(
    invariant: InvariantSpec, decision: Decision, models: Mapping[str, ModelSpec], bounds: Bounds | None
) -> Iterator[Breach]:
    """Yield each part of *decision* that breaks *invariant*, with the first condition that it breaks.

    *bounds* are the decision's; an invariant that does not ask for them needs none.
    """
    parts: list[tuple[Part, PlannedAttempt]] = list(enumerate(decision.attempts))
    if decision.shadow is not None:
        parts.append(("shadow", decision.shadow))
    for part, attempt in parts:
        yield from _first(part, broken_by(invariant.require, attempt, models))
    if bounds is not None:
        yield from _first(None, exceeded_by(invariant.require, bounds))


def broken_by(require: When, attempt: PlannedAttempt, models: Mapping[str, ModelSpec]) -> Iterator[tuple[int, Any]]:
    """Yield the index of each condition that *attempt* breaks, and the value found."""
    for index, condition in enumerate(require):
        if not condition.field.startswith(BOUNDS):
            value = value_of(condition.field, attempt, models)
            if not keeps(condition, value):
                yield index, value


def exceeded_by(require: When, bounds: Bounds) -> Iterator[tuple[int, Any]]:
    """Yield the index of each condition that *bounds* break, and the value found."""
    for index, condition in enumerate(require):
        if condition.field.startswith(BOUNDS):
            value = getattr(bounds, condition.field.removeprefix(BOUNDS))
            if not keeps(condition, value):
                yield index, value


def value_of(field: str, attempt: PlannedAttempt, models: Mapping[str, ModelSpec]) -> Any:
    """Return what *attempt* has under *field*; None where it has nothing, or nothing is known."""
    if field.startswith(OPTION):
        value: Any = attempt.options
        for step in field.removeprefix(OPTION).split("."):
            value = value.get(step) if isinstance(value, Mapping) else None
        return value
    model = models.get(attempt.model)
    if field.startswith(PRICE):
        return None if model is None or model.price is None else getattr(model.price, field.removeprefix(PRICE))
    if field == "capabilities":
        return None if model is None else model.capabilities
    return getattr(attempt, field)


def keeps(condition: Condition, value: Any) -> bool:
    """Tell whether *value*, found under the field of a condition of `require`, satisfies it."""
    if value is None and (condition.field == "capabilities" or condition.field.startswith((PRICE, BOUNDS))):
        return condition.operator == "exists" and not condition.operand
    if condition.field == "capabilities":
        return among(condition, value)
    return satisfies(condition, value)


def among(condition: Condition, values: Collection[str]) -> bool:
    """Tell whether *values*, all of one field, satisfy *condition*."""
    if condition.operator == "exists":
        return bool(values) is condition.operand
    each = (satisfies(condition, value) for value in values)
    return all(each) if condition.operator == "not" else any(each)


def _selected(condition: Condition, tags: Collection[str], decision: Decision) -> bool:
    if condition.field == "tags":
        return among(condition, tags)
    if condition.field == "credential":
        return satisfies(condition, decision.attempts[0].credential)
    return satisfies(condition, getattr(decision, condition.field))


def _first(part: Part, broken: Iterator[tuple[int, Any]]) -> Iterator[Breach]:
    for index, found in broken:
        yield Breach(part, index, found)
        return
