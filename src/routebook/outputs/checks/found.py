"""Found: what an answer holds where a check looks, and how a problem shows it."""

from __future__ import annotations

from collections.abc import Mapping
from reprlib import Repr
from typing import Any

ABSENT = object()
"""Stands for a value that is not there."""

_SHORT = Repr()
_SHORT.maxstring = 80


def at_field(value: Any, field: str) -> Any:
    """Return what *value* holds in *field*; None where it holds nothing, or is no object."""
    return value.get(field) if isinstance(value, Mapping) else None


def shown(value: Any) -> str:
    """Return *value* as a problem shows it: short, on one line."""
    return _SHORT.repr(value)


def identity(value: Any) -> Any:
    """Return something hashable that two values share where they are equal as JSON: 1 is 1.0, and neither is true."""
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, Mapping):
        return ("object", frozenset((key, identity(item)) for key, item in value.items()))
    if isinstance(value, (list, tuple)):
        return ("list", tuple(identity(item) for item in value))
    return value
