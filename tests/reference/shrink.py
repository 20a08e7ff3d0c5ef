"""Shrink: a book that shows something → a smaller one that still shows it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

_LONGEST_S = 20.0


def shrink(book: Any, shows: Callable[[Any], bool]) -> Any:
    """Leave out keys and items of *book*, the largest first, as long as it *shows* what it showed."""
    end = time.monotonic() + _LONGEST_S
    smaller = True
    while smaller:
        smaller = False
        for candidate in _without_one(book):
            if time.monotonic() > end:
                return book
            if shows(candidate):
                book, smaller = candidate, True
                break
    return book


def _without_one(value: Any) -> Iterator[Any]:
    """Yield *value* without each of its parts, outer parts first."""
    if isinstance(value, dict):
        for key in value:
            yield {name: item for name, item in value.items() if name != key}
        for key, item in value.items():
            for smaller in _without_one(item):
                yield {**value, key: smaller}
    elif isinstance(value, list):
        for index in range(len(value)):
            yield value[:index] + value[index + 1 :]
        for index, item in enumerate(value):
            for smaller in _without_one(item):
                yield [*value[:index], smaller, *value[index + 1 :]]
