"""Digests: one SHA-256 a definition, and one over all of them for the table.

A definition is hashed as it runs: linked, defaults filled in. Where it stands, what it is described as, how it was
laid out and what follows from the rest are no part of it. Equal digests are equal tables.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cache
from operator import attrgetter
from types import MappingProxyType
from typing import Any

import msgspec

from ..canonical.frozen import EMPTY
from .spec import AttemptSpec

_UNHASHED = frozenset(
    {"span", "spans", "places", "credentials_span", "description"}
    | {
        "planned",
        "caller",
        "carries",
        "wire",
        "layer",
        "read",
        "test",
        "weights",
        "bounds",
    }  # what follows from the rest
)


_LARGE = 16
_SCALARS = frozenset({str, int, float, bool, type(None)})


class Digester:
    """Makes digests; that of an attempt that several definitions share is made once."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, str]] = {}
        self._plain_of: dict[Any, Any] = {
            **dict.fromkeys(_SCALARS, _as_it_is),
            **dict.fromkeys((tuple, list), self._items),
            **dict.fromkeys((dict, MappingProxyType, EMPTY.__class__), self._mapping),
            frozenset: sorted,
            AttemptSpec: self._shared,
        }

    def digest(self, definition: Any) -> str:
        """Return the SHA-256 of one frozen *definition*, in hexadecimal."""
        return _digest_of(self._plain(definition))

    def _plain(self, value: Any) -> Any:
        return self._plain_of.get(type(value), self._fields)(value)

    def _items(self, values: Any) -> list[Any]:
        return [value if value.__class__ in _SCALARS else self._plain(value) for value in values]

    def _mapping(self, mapping: Mapping[Any, Any]) -> Any:
        """Return a mapping as it is, or the digest of a large one, which many definitions may share."""
        if len(mapping) <= _LARGE:
            return self._items_of(mapping)
        known = self._known.get(id(mapping))
        if known is None:
            known = self._known[id(mapping)] = (mapping, _digest_of(self._items_of(mapping)))
        return known[1]

    def _items_of(self, mapping: Mapping[Any, Any]) -> dict[str, Any]:
        return {str(key): self._plain(value) for key, value in mapping.items()}

    def _fields(self, value: Any) -> list[Any]:
        plain = self._plain
        fields = _hashed_fields(value.__class__)(value)
        return [value.__class__.__name__, *(item if item.__class__ in _SCALARS else plain(item) for item in fields)]

    def _shared(self, spec: AttemptSpec) -> str:
        """Return the digest of an attempt as the platform pays for it; the rest of its spec follows from that."""
        attempt = spec.platform
        known = self._known.get(id(attempt))
        if known is None:
            known = self._known[id(attempt)] = (attempt, _digest_of(self._fields(attempt)))
        return known[1]


def _as_it_is(value: Any) -> Any:
    return value


def table_digest(digests: Mapping[tuple[str, str], str]) -> str:
    """Return the SHA-256 over *digests*, by section and name."""
    lines = (f"{section}\x00{name}\x00{digests[section, name]}\n" for section, name in sorted(digests))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


@cache
def _hashed_fields(kind: Any) -> Callable[[Any], tuple[Any, ...]]:
    """Return what reads the fields of a *kind* of definition that are hashed, in their order."""
    names = [field.name for field in fields(kind) if field.name not in _UNHASHED]
    return attrgetter(*names) if len(names) > 1 else lambda value: tuple(getattr(value, name) for name in names)


def _digest_of(plain: Any) -> str:
    return hashlib.sha256(msgspec.json.encode(plain, order="deterministic")).hexdigest()
