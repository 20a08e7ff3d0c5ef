"""Freezing plain data: mappings become read-only, lists become tuples, all the way down.

`freeze` and `thaw` are each other's inverse on what JSON can express. Every mapping that a canonical
type, a table or a decision holds went through `freeze`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

Frozen = Mapping[str, Any]

EMPTY: Frozen = MappingProxyType({})


def freeze(value: Any) -> Any:
    """Return *value* with every mapping read-only and every list a tuple."""
    if isinstance(value, Mapping):
        return MappingProxyType({key: freeze(item) for key, item in value.items()})
    if isinstance(value, (list, tuple)):
        return tuple(freeze(item) for item in value)
    return value


def freeze_mapping(value: Mapping[str, Any]) -> Frozen:
    """Return a read-only copy of *value*, frozen in depth."""
    return MappingProxyType({key: freeze(item) for key, item in value.items()})


def thaw(value: Any) -> Any:
    """Return *value* as plain dicts and lists, ready for a JSON encoder."""
    if isinstance(value, Mapping):
        return {key: thaw(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [thaw(item) for item in value]
    return value
