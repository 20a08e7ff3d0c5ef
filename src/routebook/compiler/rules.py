"""Rules: conditions as written → conditions that run, each with its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..diagnostics.span import Span
from ..document.entry import Entry
from ..routing.matcher import Condition, When
from .build import Build

_NAMES_PROFILES = frozenset({"equals", "in", "not"})


def conditions(matchers: dict[str, Any], place: Callable[[str], Span]) -> When:
    """Return the conditions of *matchers*, by field; *place* gives a field's place.

    Their order does not depend on how they were written. Percents come last: what they stick to is of interest only
    where all else holds.
    """
    found = [
        Condition(field, operator, operand, place(field))
        for field, matcher in matchers.items()
        for operator, operand in _tests(matcher)
    ]
    if len(found) == 1:
        return (found[0],)
    return tuple(sorted(found, key=lambda test: (test.operator == "percent", test.field, test.operator)))


def check_profiles(build: Build, when: When, subject: str) -> None:
    """Report each profile that a condition names and the book does not have (RB301)."""
    for condition in when:
        if condition.field == "profile" and condition.operator in _NAMES_PROFILES and condition.span is not None:
            names = condition.operand if isinstance(condition.operand, tuple) else (condition.operand,)
            for name in names:
                if name not in build.profiles:
                    build.refer("profiles", name, condition.span, subject)


def _tests(matcher: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(matcher, list):
        yield "in", tuple(matcher)
    elif isinstance(matcher, Entry):
        fields = type(matcher).model_fields
        for name in fields:
            operand = getattr(matcher, name)
            if operand is not None:
                operator = fields[name].alias or name
                several = isinstance(operand, list) or operator == "not"
                yield operator, _as_tuple(operand) if several else operand
    else:
        yield "equals", matcher


def _as_tuple(operand: Any) -> tuple[Any, ...]:
    return tuple(operand) if isinstance(operand, list) else (operand,)
