"""Strict: whether a JSON Schema may be sent with `strict: true` without changing what it means.

In strict mode the API decodes along the schema, but it knows only part of JSON Schema and refuses the rest with an
error. So: every object closed, every property required, and no keyword outside the known ones. Anything else goes
out as `strict: false`, a strong hint, and is validated here afterwards in either case.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...routing.traits import SchemaGap

_SCHEMAS_BY_NAME = ("$defs", "properties")
_KNOWN = frozenset(_SCHEMAS_BY_NAME) | {
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
# How much a schema may hold in all: properties, values of `enum`, letters of names and values; and one long `enum`.
_MOST_PROPERTIES = 5000
_MOST_VALUES = 1000
_MOST_LETTERS = 120_000
_LONG_ENUM = 250
_MOST_LETTERS_OF_LONG_ENUM = 15_000

Path = tuple[str | int, ...]


def allows_strict(schema: Mapping[str, Any]) -> bool:
    """Tell whether strict mode accepts *schema* as it is."""
    return strict_gap(schema) is None


def strict_gap(schema: Mapping[str, Any]) -> SchemaGap | None:
    """Return the first thing in *schema* that strict mode does not accept; None where it accepts all."""
    if schema.get("type") != "object":
        return SchemaGap((), "the top is no object")
    if "anyOf" in schema:
        return SchemaGap(("anyOf",), "keyword 'anyOf' stands at the top")
    return next(_gaps(schema, (), _DEEPEST), None) or _size_gap(schema)


def _gaps(schema: Any, path: Path, depth: int) -> Iterator[SchemaGap]:
    if not isinstance(schema, Mapping):
        yield SchemaGap(path, "it is no mapping")
    elif depth == 0:
        yield SchemaGap(path, f"it is nested more than {_DEEPEST} deep")
    elif "$ref" in schema:
        others = (keyword for keyword in schema if keyword != "$ref")
        yield from (SchemaGap((*path, keyword), f"keyword {keyword!r} stands beside '$ref'") for keyword in others)
    else:
        yield from _of_keywords(schema, path)
        yield from _of_object(schema, path)
        for name, part in _parts(schema):
            yield from _gaps(part, (*path, *name), depth - 1)


def _of_keywords(schema: Mapping[str, Any], path: Path) -> Iterator[SchemaGap]:
    for keyword in schema:
        if keyword not in _KNOWN:
            yield SchemaGap((*path, keyword), f"keyword {keyword!r}")
    if not schema.keys() & _SAYS_WHAT:
        yield SchemaGap(path, "it has no `type`")
    if schema.get("format", "date") not in _FORMATS:
        yield SchemaGap((*path, "format"), f"format {schema['format']!r}")
    if "array" in _types(schema) and "items" not in schema:
        yield SchemaGap(path, "it has no `items`")


def _of_object(schema: Mapping[str, Any], path: Path) -> Iterator[SchemaGap]:
    properties, required = schema.get("properties", {}), schema.get("required", ())
    if "object" not in _types(schema) and not properties:
        return
    if schema.get("additionalProperties") is not False:
        place = (*path, "additionalProperties") if "additionalProperties" in schema else path
        yield SchemaGap(place, "`additionalProperties` is not false")
    for name in properties:
        if name not in required:
            yield SchemaGap((*path, "properties", name), f"property {name!r} is not required")
    for name in required:
        if name not in properties:
            yield SchemaGap((*path, "required"), f"property {name!r} is required, and not declared")


def _types(schema: Mapping[str, Any]) -> tuple[Any, ...]:
    written = schema.get("type", ())
    return (written,) if isinstance(written, str) else tuple(written)


def _parts(schema: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
    for keyword in _SCHEMAS_BY_NAME:
        for name, part in schema.get(keyword, {}).items():
            yield (keyword, name), part
    for index, part in enumerate(schema.get("anyOf", ())):
        yield ("anyOf", index), part
    if "items" in schema:
        yield ("items",), schema["items"]


def _size_gap(schema: Mapping[str, Any]) -> SchemaGap | None:
    """Return that a schema of known words is too large."""
    parts = list(_within(schema))
    enums = [[str(value) for value in part.get("enum", ())] for part in parts]
    names = [name for part in parts for keyword in _SCHEMAS_BY_NAME for name in part.get(keyword, ())]
    consts = [str(part["const"]) for part in parts if "const" in part]
    letters = sum(map(len, (*names, *consts, *(value for values in enums for value in values))))
    if sum(len(part.get("properties", ())) for part in parts) > _MOST_PROPERTIES:
        return SchemaGap((), f"it has more than {_MOST_PROPERTIES} properties")
    if sum(map(len, enums)) > _MOST_VALUES:
        return SchemaGap((), f"it has more than {_MOST_VALUES} values of `enum`")
    if any(len(values) > _LONG_ENUM and sum(map(len, values)) > _MOST_LETTERS_OF_LONG_ENUM for values in enums):
        return SchemaGap(
            (), f"an `enum` of more than {_LONG_ENUM} values has over {_MOST_LETTERS_OF_LONG_ENUM} letters"
        )
    return SchemaGap((), f"its names and values have over {_MOST_LETTERS} letters") if letters > _MOST_LETTERS else None


def _within(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield schema
    for _, part in _parts(schema):
        yield from _within(part)
