"""Domains: a few values of each field that stand for all of its values, as far as given conditions can tell.

A sample is a value, and for a field that percents look at also the share of sticky values it falls into: its cell,
from `low` up to `high` as fractions. No cell is a field that has nothing to stick to.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from .matcher import Condition, satisfies

SHARE = "%"
"""The field that stands for `Context.key`, which all percents look at."""

FACTS = frozenset({"stream", "has_images", "has_tools", "input_tokens"})


@dataclass(frozen=True, slots=True)
class Cell:
    """A share of sticky values."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Sample:
    """A value that stands for those like it."""

    value: Any
    cell: Cell | None = None


Domains = Mapping[str, tuple[Sample, ...]]


def key_domains(conditions: Sequence[Condition], profile: str) -> Domains:
    """Return samples of each field that is looked at, with a key that all percents look at, if there are any."""
    domains = {name: tuple(map(Sample, values)) for name, values in _values(conditions, profile).items()}
    percents = [test for test in conditions if test.operator == "percent"]
    return {**domains, SHARE: tuple(Sample(None, cell) for cell in _cells(percents))} if percents else domains


def own_domains(conditions: Sequence[Condition], profile: str) -> Domains:
    """Return samples of each field that is looked at, without a key: a percent looks at its own field."""
    domains: dict[str, tuple[Sample, ...]] = {}
    values = _values(conditions, profile)
    percents: dict[str, list[Condition]] = {}
    for test in conditions:
        if test.operator == "percent":
            percents.setdefault(test.field, []).append(test)
    for name in {**values, **percents}:
        plain = values.get(name, (None, "other"))
        cells = _cells(percents[name]) if name in percents else ()
        domains[name] = tuple(
            Sample(value, cell) for value in plain for cell in (cells if cells and value is not None else (None,))
        )
    return domains


def narrowed(domains: Domains, condition: Condition, *, holds: bool) -> Domains:
    """Return *domains* with the samples for which *condition* holds, or does not."""
    is_share = condition.operator == "percent" and SHARE in domains
    name = SHARE if is_share else condition.field
    return {**domains, name: tuple(sample for sample in domains[name] if fits(condition, sample) is holds)}


def fits(condition: Condition, sample: Sample) -> bool:
    """Tell whether *condition* holds for *sample*."""
    if condition.operator == "percent":
        return sample.cell is not None and sample.cell.low < condition.operand / 100
    return satisfies(condition, sample.value)


def _cells(percents: Iterable[Condition]) -> tuple[Cell, ...]:
    """Return the shares that *percents* tell apart, the one that is in the fewest of them first."""
    edges = sorted({0.0, 1.0, *(test.operand / 100 for test in percents)})
    return tuple(Cell(low, high) for low, high in reversed(list(pairwise(edges))))


def _values(conditions: Sequence[Condition], profile: str) -> dict[str, tuple[Any, ...]]:
    by_field: dict[str, list[Condition]] = {}
    for condition in conditions:
        if condition.operator != "percent":
            by_field.setdefault(condition.field, []).append(condition)
    values: dict[str, tuple[Any, ...]] = {"profile": (profile,)}
    for name, tests in by_field.items():
        if name == "input_tokens":
            values[name] = _whole(_numbers(tests))
        elif name in FACTS:
            values[name] = (False, True)
        elif name != "profile":
            values[name] = _free(tests)
    return values


def _constants(tests: Iterable[Condition]) -> list[Any]:
    constants: list[Any] = []
    for test in tests:
        if test.operator != "exists":
            constants += test.operand if isinstance(test.operand, tuple) else (test.operand,)
    return constants


def _numbers(tests: Iterable[Condition]) -> list[float]:
    return [value for value in _constants(tests) if isinstance(value, (int, float)) and not isinstance(value, bool)]


def _whole(numbers: Iterable[float]) -> tuple[int, ...]:
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
    values += [(low + high) / 2 for low, high in pairwise(sorted(set(_numbers(tests))))]
    texts = [value for value in constants if isinstance(value, str)]
    values += [f"{text}-other" for text in texts]
    values += [True, False] if any(isinstance(value, bool) for value in constants) else []
    values.append("other" + "".join(sorted({text[:1] for text in texts})))
    return tuple({(type(value), value): value for value in values}.values())
