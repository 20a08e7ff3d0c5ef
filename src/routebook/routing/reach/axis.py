"""Axis: a few values of one field that stand for all of them, as far as the tests of a feature can tell.

Comes in: a field's name and the tests that look at it. Goes out: values, and for each test a mask of those that satisfy
it, bit by bit. Two values of a field that no test tells apart are one value here, so what holds for the values of an
axis holds for every request. Shares of sticky values, which percents look at, are not in here: see `space`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, count, pairwise
from typing import Any

from ..matcher import METADATA, Condition, holds

FACTS = frozenset({"stream", "has_images", "has_tools", "input_tokens"})

_LARGE = 2**53  # from here on two numbers without a whole one between them have none between them

Test = tuple[str, Any, Any]
"""An operator, its operand, and the types of the operand: `1` and `true` are equal keys, and not one test."""


@dataclass(frozen=True, slots=True)
class Axis:
    """The values of one field, absence (None) first where it may be absent, and the mask of each test."""

    values: tuple[Any, ...]
    masks: Mapping[Test, int]

    @property
    def full(self) -> int:
        """The mask of all values."""
        return (1 << len(self.values)) - 1


def test_of(condition: Condition) -> Test:
    """Return what a condition tests, whatever its field."""
    operand = condition.operand
    kinds = tuple(map(type, operand)) if type(operand) is tuple else type(operand)
    return condition.operator, operand, kinds


def axis_of(field: str, tests: tuple[Test, ...]) -> Axis:
    """Return the axis of *field*, which the *tests* look at; that of `profile` has to be asked of `names_axis`."""
    if field == "input_tokens":
        return _axis("whole", tests)
    if field in FACTS:
        return _axis("truth", tests)
    return _axis("any" if field.startswith(METADATA) else "text", tests)


@lru_cache(maxsize=4096)
def names_axis(names: tuple[str, ...], tests: tuple[Test, ...]) -> Axis:
    """Return the axis of a field that has one of *names*."""
    return _with_masks(names, tests)


@lru_cache(maxsize=16384)
def _axis(kind: str, tests: tuple[Test, ...]) -> Axis:
    compared = [constant for test in tests for constant in constants(test)]
    if kind == "truth":
        return _with_masks((False, True), tests)
    if kind == "whole":
        return _with_masks(tuple(_whole(compared)), tests)
    prefixes = {operand for operator, operand, _ in tests if operator == "prefix"}
    texts = dict.fromkeys(constant for constant in compared if isinstance(constant, str))
    values = [None, *texts, *_open_texts(texts, prefixes)]
    if kind == "any":
        values += _of_other_types(compared, prefixes)
    return _with_masks(tuple(values), tests)


def _with_masks(values: tuple[Any, ...], tests: Iterable[Test]) -> Axis:
    masks = {}
    for test in tests:
        if test not in masks:
            operator, operand, _ = test
            masks[test] = sum(1 << bit for bit, value in enumerate(values) if holds(operator, operand, value))
    return Axis(values, masks)


def constants(test: Test) -> Sequence[Any]:
    """Return the values that *test* compares with."""
    operator, operand, _ = test
    if operator in ("exists", "prefix", "percent"):
        return ()
    return operand if type(operand) is tuple else (operand,)


def _whole(compared: Iterable[Any]) -> Iterator[int]:
    """Yield the least of each run of whole numbers, from 0 on, that no comparison with *compared* tells apart."""
    cuts = {0}
    for constant in compared:
        if math.isfinite(constant):
            cuts |= {math.floor(constant), math.floor(constant) + 1, math.ceil(constant)}
    return iter(sorted(cut for cut in cuts if cut >= 0))


def _open_texts(texts: Iterable[str], prefixes: Iterable[str]) -> Iterator[str]:
    """Yield, for each prefix and for none, a text that begins so, with no longer prefix, and is none of *texts*."""
    known = {*texts}
    for prefix in sorted({"", *prefixes}):
        longer = tuple(other for other in prefixes if other != prefix and other.startswith(prefix))
        tails = chain(("other",), (f"{chr(code)}-other" for code in count(ord("0"))))
        yield next(
            text
            for text in map(prefix.__add__, tails)
            if text not in known and not text.startswith(longer) and not any(one.startswith(text) for one in longer)
        )


def _of_other_types(compared: Sequence[Any], prefixes: Iterable[str]) -> Iterator[Any]:
    if any(type(constant) is bool for constant in compared):
        yield False
        yield True
    numbers = sorted({value for value in compared if isinstance(value, (int, float)) and type(value) is not bool})
    if numbers:
        yield from numbers
        yield from _between(numbers)
    if "" in prefixes:
        yield ()  # what is no text, no number and no truth value: a list


def _between(numbers: Sequence[float]) -> Iterator[float]:
    """Yield a number below, between and above the sorted *numbers*, where there is one."""
    first, last = numbers[0], numbers[-1]
    if first > -math.inf:
        yield _below(first)
    for low, high in pairwise(numbers):
        found = _middle(low, high)
        if found is not None:
            yield found
    if last < math.inf:
        yield -_below(-last)


def _below(number: float) -> float:
    return math.floor(number) - 1 if math.isfinite(number) else 0


def _middle(low: float, high: float) -> float | None:
    """Return a number strictly between *low* and *high*, a whole one if there is; None where there is none at all."""
    whole = math.floor(low) + 1 if math.isfinite(low) else math.ceil(high) - 1 if math.isfinite(high) else 0
    if low < whole < high:
        return whole
    if abs(low) > _LARGE:
        return None
    half = low / 2 + high / 2
    return half if low < half < high else None
