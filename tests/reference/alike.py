"""Alike: the values that a field of a request can have, as classes that no matcher of a feature tells apart.

A class is a list of values. Where a share may be asked for, the list is long, so that its values fall into every share;
a class of one value (a constant, true, false) has the fraction of that value and no other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from .matching import is_number

ABSENT = None
FLAGS = ("stream", "has_images", "has_tools")
TEXTS = ("user", "tenant", "region")
MANY = 600
"""Enough that a share of a tenth meets an arm of a quarter, unless someone is luckier than one in a million."""


def classes(field: str, matchers: Sequence[Any], *, is_sticky: bool) -> list[list[Any]]:
    """Return the classes of *field*'s values that *matchers* can tell apart; each a single value unless *is_sticky*."""
    constants = [constant for matcher in matchers for constant in _constants(matcher)]
    numbers = sorted({constant for constant in constants if is_number(constant)})
    texts = list(dict.fromkeys(constant for constant in constants if isinstance(constant, str)))
    many = MANY if is_sticky else 1
    if field in FLAGS:
        return [[False], [True]]
    if field == "input_tokens":
        return [[count] for count in _counts(numbers)]
    if field in TEXTS:
        return [[ABSENT], *_texts(texts, many)]
    return [[ABSENT], [True], [False], *_texts(texts, many), *_numbers(numbers, many), [[k] for k in range(many)]]


def _constants(matcher: Any) -> Iterator[Any]:
    if isinstance(matcher, Mapping):
        for operator, operand in matcher.items():
            if operator not in ("exists", "percent"):
                yield from _constants(operand)
    elif isinstance(matcher, list):
        yield from matcher
    else:
        yield matcher


def _counts(numbers: Sequence[float]) -> list[int]:
    near = {int(number) + step for number in numbers for step in (-2, -1, 0, 1, 2)}
    return sorted({0, *(count for count in near if count >= 0)})


def _texts(texts: Sequence[str], many: int) -> Iterator[list[str]]:
    """Each constant and prefix, what goes on after it, and something else."""
    for text in texts:
        yield [text]
        yield [f"{text}~{k}" for k in range(many)]
    yield [f"zzz~{k}" for k in range(many)]


def _numbers(numbers: Sequence[float], many: int) -> Iterator[list[float]]:
    """Each constant in every form that is equal to it, and what lies below, between and above them."""
    if not numbers:
        yield [7.25 + k for k in range(many)]
        return
    for number in numbers:
        yield [float(number)]
        if float(number).is_integer():
            yield [int(number)]
        if number == 0:
            yield [-0.0]
    yield [numbers[0] - 0.5 - k for k in range(many)]
    yield [numbers[-1] + 0.5 + k for k in range(many)]
    for low, high in pairwise(numbers):
        yield [low + (high - low) * (k + 1) / (many + 1) for k in range(many)]
