"""Plain data: what JSON can hold, checked and frozen.

Comes in: a value that somebody built in Python. Goes out: a read-only copy, or NotPlain, which names the place and
never shows the value.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeGuard

from .frozen import Frozen

Steps = tuple[str | int, ...]
"""Keys and indices, from the top."""

_LARGEST = sys.float_info.max
_WANTED = "give text, finite numbers, true, false, None, or lists and mappings of them"


class NotPlain(ValueError):
    """Something in a value is no plain data: `steps` lead to it, `why` says what it is and what to give."""

    def __init__(self, steps: Steps, why: str) -> None:
        self.steps = steps
        self.why = why
        super().__init__(f"{self.place} {why}".lstrip())

    @property
    def place(self) -> str:
        """The steps as one writes them: `['a'][0]`; empty for the top."""
        return "".join(f"[{step!r}]" for step in self.steps)


def is_mapping(value: object) -> TypeGuard[Mapping[Any, Any]]:
    """Tell whether *value* is a mapping; quick of a dict, which most are."""
    return type(value) is dict or isinstance(value, Mapping)


def type_of(value: object) -> str:
    """Return in words what *value* is, without showing it."""
    return "None" if value is None else f"of type {type(value).__name__!r}"


def freeze_plain(value: Mapping[Any, Any]) -> Frozen:
    """Return *value* read-only, frozen in depth.

    Raises:
        NotPlain: It has a key that is no text, an object, or a number that is not finite; or it is nested too deeply.
    """
    try:
        return _mapping(value, ())
    except RecursionError as error:
        raise NotPlain((), "is nested too deeply, or holds itself") from error


def _mapping(value: Mapping[Any, Any], steps: Steps) -> Frozen:
    frozen: dict[str, Any] = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise NotPlain(steps, f"has a key {type_of(key)}; keys are text")
        kind = type(item)
        frozen[key] = item if kind is str or kind is bool else _frozen(item, (*steps, key))
    return MappingProxyType(frozen)


def _frozen(value: Any, steps: Steps) -> Any:
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, (int, float)):
        if -_LARGEST <= value <= _LARGEST:
            return value
        raise NotPlain(steps, f"is no finite number, or one too large; {_WANTED}")
    if isinstance(value, (list, tuple)):
        return tuple(_frozen(item, (*steps, index)) for index, item in enumerate(value))
    if is_mapping(value):
        return _mapping(value, steps)
    raise NotPlain(steps, f"is {type_of(value)}; {_WANTED}")
