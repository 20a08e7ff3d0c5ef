"""Digests: one SHA-256 a definition, and one over all of them for the table.

A definition is hashed as it runs: linked, defaults filled in. Where it stands, what it is described as and how it
was laid out are no part of it. Equal digests are equal tables.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import MappingProxyType
from typing import Any

_UNHASHED = frozenset({"span", "credentials_span", "description"})


def definition_digest(value: Any) -> str:
    """Return the SHA-256 of one frozen definition, in hexadecimal."""
    text = json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def definition_digests(sections: Mapping[str, Mapping[str, Any]]) -> Mapping[tuple[str, str], str]:
    """Return the digest of each definition by its section and name, in the order of sections and names."""
    return MappingProxyType(
        {
            (section, name): definition_digest(definitions[name])
            for section, definitions in sections.items()
            for name in sorted(definitions)
        }
    )


def table_digest(digests: Mapping[tuple[str, str], str]) -> str:
    """Return the SHA-256 over *digests* in their order."""
    lines = (f"{section}\x00{name}\x00{digest}\n" for (section, name), digest in digests.items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {
            field.name: _plain(getattr(value, field.name)) for field in fields(value) if field.name not in _UNHASHED
        }
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, frozenset):
        return sorted(value)
    return value
