"""Strict: whether a JSON Schema may be sent with `strict: true` without changing what it means.

In strict mode the API decodes along the schema, but it knows only part of JSON Schema and refuses the rest with an
error. So: every object closed, every property required, and no keyword outside the known ones. Anything else goes
out as `strict: false`, a strong hint, and is validated here afterwards in either case.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SCHEMAS_BY_NAME = frozenset({"properties", "$defs"})
_KNOWN = _SCHEMAS_BY_NAME | {
    "$schema",
    "additionalProperties",
    "anyOf",
    "const",
    "description",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "items",
    "maxItems",
    "maximum",
    "minItems",
    "minimum",
    "multipleOf",
    "pattern",
    "required",
    "title",
    "type",
}
_SAYS_WHAT = frozenset({"type", "anyOf", "enum", "const"})
_FORMATS = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"})
_DEEPEST = 10


def allows_strict(schema: Mapping[str, Any]) -> bool:
    """Tell whether strict mode accepts *schema* as it is."""
    return schema.get("type") == "object" and "anyOf" not in schema and _is_strict(schema, _DEEPEST)


def _is_strict(schema: Any, depth: int) -> bool:
    if not isinstance(schema, Mapping) or depth == 0:
        return False
    if "$ref" in schema:
        return len(schema) == 1
    if not schema.keys() <= _KNOWN or not schema.keys() & _SAYS_WHAT or schema.get("format", "date") not in _FORMATS:
        return False
    if not _is_closed(schema) or not _has_items(schema):
        return False
    return all(_is_strict(part, depth - 1) for part in _parts(schema))


def _types(schema: Mapping[str, Any]) -> tuple[Any, ...]:
    written = schema.get("type", ())
    return (written,) if isinstance(written, str) else tuple(written)


def _is_closed(schema: Mapping[str, Any]) -> bool:
    properties = schema.get("properties", {})
    if "object" not in _types(schema) and not properties:
        return True
    required = schema.get("required", ())
    return schema.get("additionalProperties") is False and set(required) == set(properties)


def _has_items(schema: Mapping[str, Any]) -> bool:
    return "array" not in _types(schema) or "items" in schema


def _parts(schema: Mapping[str, Any]) -> list[Any]:
    parts = [part for name in _SCHEMAS_BY_NAME for part in schema.get(name, {}).values()]
    parts += schema.get("anyOf", ())
    return [*parts, schema["items"]] if "items" in schema else parts
