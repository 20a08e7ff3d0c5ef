"""Matcher: does a condition on who asks, or on the request, hold.

Pure: the same condition, context and facts give the same answer in every process. Types count: `1` is not `true`
and not `"1"`, but it is `1.0`. An absent field satisfies only `exists: false` and `not`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import field as attribute
from functools import cache
from operator import attrgetter
from typing import Any

from ..diagnostics.span import Span
from .context import Context, Facts
from .sticky import Sticky

METADATA = "metadata."

_MOST_SHOWN = 12
_LONGEST_SHOWN = 80


Read = Callable[[str, Context, Facts], Any]
"""Reads one field of a request: of the active profile's name, the context and the facts."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One test of one field: `equals`, `in`, `not`, `gt`, `gte`, `lt`, `lte`, `prefix`, `exists` or `percent`.

    `operand` is a tuple for `in` and `not`, a number of percent for `percent`, else a scalar. `read` and `test` are
    what `field` and `operator` mean.
    """

    field: str
    operator: str
    operand: Any
    span: Span | None = None
    read: Read = attribute(init=False, compare=False, repr=False)
    test: Callable[[Any, Any], bool] | None = attribute(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "read", reader(self.field))
        object.__setattr__(self, "test", _OPERATORS.get(self.operator))

    def __str__(self) -> str:
        return f"{self.field} {self.operator} {_shown(self.operand)}"


When = tuple[Condition, ...]
"""Conditions that must all hold; none at all always holds."""


def first_failing(when: When, profile: str, context: Context, facts: Facts, sticky: Sticky) -> Condition | None:
    """Return the first condition of *when* that does not hold for this request, or None where all hold."""
    for condition in when:
        value = condition.read(profile, context, facts)
        if condition.test is None:
            if not sticky.is_within("percent", condition.operand, value):
                return condition
        elif not condition.test(value, condition.operand):
            return condition
    return None


def satisfies(condition: Condition, value: Any) -> bool:
    """Tell whether a field's *value* satisfies a condition that is no percent."""
    return holds(condition.operator, condition.operand, value)


def holds(operator: str, operand: Any, value: Any) -> bool:
    """Tell whether a field's *value* satisfies a test that is no percent."""
    return _OPERATORS[operator](value, operand)


@cache
def reader(name: str) -> Read:
    """Return what reads the field *name*; absent fields are None."""
    if name.startswith(METADATA):
        key = name.removeprefix(METADATA)
        return lambda profile, context, facts: context.metadata.get(key)
    if name == "profile":
        return lambda profile, context, facts: profile
    get = attrgetter(name)
    if name in _OF_CONTEXT:
        return lambda profile, context, facts: get(context)
    return lambda profile, context, facts: get(facts)


_OF_CONTEXT = frozenset({"user", "tenant", "region"})


def _same(value: Any, wanted: Any) -> bool:
    return isinstance(value, bool) is isinstance(wanted, bool) and bool(value == wanted)


def _any_of(value: Any, wanted: tuple[Any, ...]) -> bool:
    return value is not None and any(_same(value, item) for item in wanted)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "equals": lambda value, wanted: value is not None and _same(value, wanted),
    "in": _any_of,
    "not": lambda value, wanted: not _any_of(value, wanted),
    "gt": lambda value, bound: _is_number(value) and value > bound,
    "gte": lambda value, bound: _is_number(value) and value >= bound,
    "lt": lambda value, bound: _is_number(value) and value < bound,
    "lte": lambda value, bound: _is_number(value) and value <= bound,
    "prefix": lambda value, start: isinstance(value, str) and value.startswith(start),
    "exists": lambda value, wanted: (value is not None) is wanted,
}


def _shown(operand: Any) -> str:
    if isinstance(operand, tuple):
        rest = f", ... {len(operand) - _MOST_SHOWN} more" if len(operand) > _MOST_SHOWN else ""
        return f"[{', '.join(map(_shown, operand[:_MOST_SHOWN]))}{rest}]"
    if isinstance(operand, float) and operand.is_integer():
        return str(int(operand))
    text = str(operand).lower() if isinstance(operand, bool) else str(operand)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."
