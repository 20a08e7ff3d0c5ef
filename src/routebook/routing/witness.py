"""Witness: a context and facts for which one rule of a feature is the first that holds, or none does.

Every condition splits the values of its field into those that satisfy it and those that do not, so a few values of each
field stand for all. A rule is reached by values that satisfy all of its conditions and fail one of each rule before it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from .context import Context, Facts
from .matcher import METADATA, Condition, satisfies
from .spec import ArmSpec, FeatureSpec, RuleSpec
from .sticky import choose_arm, fraction

_MOST_STEPS = 20_000
_MOST_KEYS = 50_000
_SHARE = "%"
_FACTS: Mapping[str, tuple[Any, ...]] = {
    "stream": (False, True),
    "has_images": (False, True),
    "has_tools": (False, True),
}

Domains = dict[str, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Found:
    """Values by field, and the share of keys that percents leave: from `low` up to `high`, as fractions."""

    values: Mapping[str, Any]
    low: float = 0.0
    high: float = 1.0


def find_witness(rules: Sequence[RuleSpec], index: int | None, profile: str) -> Found | None:
    """Return values for which rule *index* is the first that holds under *profile* (None: no rule holds)."""
    earlier = rules if index is None else rules[:index]
    conditions = [condition for rule in rules for condition in rule.when]
    domains = _domains(conditions, profile)
    for condition in () if index is None else rules[index].when:
        domains = _narrowed(domains, condition, holds=True)
    if not all(domains.values()):
        return None
    return _escape(domains, [rule.when for rule in earlier])


def find_key(feature: FeatureSpec, found: Found, arms: Sequence[ArmSpec], arm: ArmSpec) -> str | None:
    """Return a sticky key that falls into the share of *found*, on *arm*, and, where it can, is mirrored."""
    weights = [one.weight for one in arms]

    def fits(key: str) -> bool:
        if not found.low <= fraction(feature.name, "percent", key) < found.high:
            return False
        return len(arms) == 1 or arms[choose_arm(weights, fraction(feature.name, "split", key))] is arm

    def mirrored(key: str) -> bool:
        shadow = feature.shadow
        return shadow is None or fraction(feature.name, "shadow", key) < shadow.percent / 100

    keys = list(_keys(fits))
    return next((key for key in keys if mirrored(key)), keys[0] if keys else None)


def as_request(found: Found, profile: str, key: str | None) -> tuple[Context, Facts]:
    """Return the context and facts that have the values of *found*."""
    context: dict[str, Any] = {}
    facts: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
    for name, value in found.values.items():
        if name.startswith(METADATA):
            if value is not None:
                metadata[name.removeprefix(METADATA)] = value
        elif name in _FACTS or name == "input_tokens":
            facts[name] = value
        elif name != "profile":
            context[name] = value
    return Context(profile=profile, metadata=metadata, key=key, **context), Facts(**facts)


def _keys(fits: Callable[[str], bool], most: int = 16) -> Iterator[str]:
    found = 0
    for number in range(_MOST_KEYS):
        key = f"key-{number}"
        if fits(key):
            yield key
            found += 1
            if found == most:
                return


def _escape(domains: Domains, whens: Sequence[tuple[Condition, ...]]) -> Found | None:
    """Fail one condition of each of *whens* within *domains*; the simplest values that are left are the witness."""
    steps = 0
    stack = [(domains, 0)]
    while stack:
        domains, index = stack.pop()
        if index == len(whens):
            return _simplest(domains)
        steps += 1
        if steps > _MOST_STEPS:
            return None
        narrowed = [_narrowed(domains, condition, holds=False) for condition in whens[index]]
        stack += [(tried, index + 1) for tried in reversed(narrowed) if all(tried.values())]
    return None


def _simplest(domains: Domains) -> Found:
    low, high = domains.get(_SHARE, ((0.0, 1.0),))[0]
    return Found({name: values[0] for name, values in domains.items() if name != _SHARE}, low, high)


def _narrowed(domains: Domains, condition: Condition, *, holds: bool) -> Domains:
    if condition.operator == "percent":
        cells = domains[_SHARE]
        return {**domains, _SHARE: tuple(c for c in cells if (c[0] < condition.operand / 100) is holds)}
    values = domains[condition.field]
    return {**domains, condition.field: tuple(v for v in values if satisfies(condition, v) is holds)}


def _domains(conditions: Sequence[Condition], profile: str) -> Domains:
    """Return, for each field that is looked at, values that stand for all of its values; the plainest first."""
    domains: Domains = {"profile": (profile,)}
    by_field: dict[str, list[Condition]] = {}
    shares = {0.0, 1.0}
    for condition in conditions:
        if condition.operator == "percent":
            shares.add(condition.operand / 100)
        else:
            by_field.setdefault(condition.field, []).append(condition)
    for name, tests in by_field.items():
        if name in _FACTS:
            domains[name] = _FACTS[name]
        elif name == "input_tokens":
            domains[name] = _whole(_numbers(tests))
        elif name != "profile":
            domains[name] = _free(tests)
    if len(shares) > 2:
        edges = sorted(shares)
        domains[_SHARE] = tuple(pairwise(edges))[::-1]
    return domains


def _constants(tests: Sequence[Condition]) -> list[Any]:
    constants: list[Any] = []
    for test in tests:
        if test.operator != "exists":
            constants += test.operand if isinstance(test.operand, tuple) else (test.operand,)
    return constants


def _numbers(tests: Sequence[Condition]) -> list[float]:
    return [value for value in _constants(tests) if isinstance(value, (int, float)) and not isinstance(value, bool)]


def _whole(numbers: Sequence[float]) -> tuple[int, ...]:
    """Return 0 and the whole numbers at and beside each of *numbers*."""
    near = {0}
    for number in numbers:
        near |= {math.floor(number) + step for step in (-1, 0, 1, 2)}
    return tuple(sorted(number for number in near if number >= 0))


def _free(tests: Sequence[Condition]) -> tuple[Any, ...]:
    """Return absence, each constant, numbers between the constants, and a text that is none of them."""
    constants = _constants(tests)
    values: list[Any] = [None, *constants]
    for number in _numbers(tests):
        values += [math.floor(number) - 1, math.floor(number) + 1]
    edges = sorted(set(_numbers(tests)))
    values += [(low + high) / 2 for low, high in pairwise(edges)]
    values += [f"{text}-other" for text in constants if isinstance(text, str)]
    values += [True, False] if any(isinstance(value, bool) for value in constants) else []
    values.append("other" + "".join(sorted({text[:1] for text in constants if isinstance(text, str)})))
    return tuple({(type(value), value): value for value in values}.values())
