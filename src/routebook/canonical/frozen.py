"""Freezing plain data: mappings become read-only, lists become tuples, all the way down.

`freeze` and `thaw` are each other's inverse on what JSON can express. Every mapping that a canonical
type, a table or a decision holds went through `freeze`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

Frozen = Mapping[str, Any]


class _Empty(Mapping[str, Any]):
    """The mapping without entries.

    Dataclasses take it as a default, which they refuse of a MappingProxyType before Python 3.12: it has no hash.
    """

    __slots__ = ()

    def __getitem__(self, key: str) -> Any:
        raise KeyError(key)

    def get(self, key: str, default: Any = None) -> Any:
        """Return *default*; without this, every look would raise and catch a KeyError."""
        return default

    def __contains__(self, key: object) -> bool:
        return False

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __hash__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return "{}"


EMPTY: Frozen = _Empty()

_SCALARS = frozenset({str, int, float, bool, type(None)})


def freeze(value: Any) -> Any:
    """Return *value* with every mapping read-only and every list a tuple."""
    if type(value) in _SCALARS:  # most are; asking whether one is a Mapping costs several times as much
        return value
    if isinstance(value, Mapping):
        return MappingProxyType({key: freeze(item) for key, item in value.items()})
    if isinstance(value, (list, tuple)):
        return tuple(freeze(item) for item in value)
    return value


def freeze_mapping(value: Mapping[str, Any]) -> Frozen:
    """Return a read-only copy of *value*, frozen in depth."""
    if not value:
        return EMPTY
    return MappingProxyType({key: freeze(item) for key, item in value.items()})


def canonical_json(value: Any) -> str:
    """Return *value* as JSON that equal values have in common, and no others: keys sorted, no blanks."""
    return json.dumps(thaw(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def thaw(value: Any) -> Any:
    """Return *value* as plain dicts and lists, ready for a JSON encoder."""
    if isinstance(value, Mapping):
        return {key: thaw(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [thaw(item) for item in value]
    return value
