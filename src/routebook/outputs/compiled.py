"""Compiled: a JSON Schema as a validator that nothing in a value can make hang.

Patterns are matched in linear time, nothing is fetched, and `format` is an annotation only. A schema is compiled once
for as long as the same object is used again; it must not change.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from jsonschema import SchemaError
from jsonschema.exceptions import ValidationError
from jsonschema.validators import (
    Draft4Validator,
    Draft6Validator,
    Draft7Validator,
    Draft201909Validator,
    Draft202012Validator,
    extend,
    validator_for,
)
from referencing import Registry

from .pattern import matches, pattern_problem


class _Same:
    """A schema that equals only itself. What keeps this keeps the schema, so that its id is given to no other."""

    __slots__ = ("schema",)

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.schema = schema

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.schema is other.schema

    def __hash__(self) -> int:
        return id(self.schema)


def compile_schema(schema: Mapping[str, Any]) -> Any:
    """Return the validator for *schema*, which `check_schema` found good."""
    return _compiled(_Same(schema))


def compile_foreign_schema(schema: Mapping[str, Any]) -> Any:
    """Return the validator for a *schema* that somebody else wrote, of the draft that its `$schema` names or 2020-12.

    None where it cannot be tested here: it is broken, older than draft 4, mixes drafts, or has a pattern that cannot
    be matched in linear time.
    """
    return _compiled_foreign(_Same(schema))


@lru_cache(maxsize=128)
def _compiled(same: _Same) -> Any:
    plain = {key: value for key, value in _plain(same.schema).items() if key not in ("$schema", "$id")}
    return _LINEAR[Draft202012Validator](plain, registry=Registry())


@lru_cache(maxsize=256)
def _compiled_foreign(same: _Same) -> Any:
    try:
        schema = _plain(same.schema)
        if not isinstance(schema.get("$schema", ""), str):
            return None
        kind = validator_for(schema, default=Draft202012Validator)
        kind.check_schema(schema)
        # The library goes back to its own keywords, and to a backtracking matcher, wherever it meets a `$schema`.
        schema.pop("$schema", None)
        if kind not in _LINEAR or not _is_linear(schema):
            return None
    except (SchemaError, RecursionError):
        return None
    # With a registry of its own, a validator knows the metaschemas and this document, and fetches nothing.
    return _LINEAR[kind](schema, registry=Registry())


def _plain(schema: Mapping[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps(schema, default=dict))  # type: ignore[no-any-return]


def _is_linear(schema: dict[str, Any]) -> bool:
    """Tell whether every pattern is matched here, wherever it stands: a reference may lead to any place."""
    mappings = list(_mappings(schema))
    keywords = {keyword for mapping in mappings for keyword in mapping}
    if {"patternProperties", "unevaluatedProperties"} <= keywords:  # the library matches for the second on its own
        return False
    if any(isinstance(mapping.get("$schema"), str) for mapping in mappings):
        return False
    return all(pattern_problem(pattern) is None for mapping in mappings for pattern in _patterns(mapping))


def _mappings(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _mappings(item)


def _patterns(mapping: dict[str, Any]) -> Iterator[str]:
    if isinstance(mapping.get("pattern"), str):
        yield mapping["pattern"]
    if isinstance(mapping.get("patternProperties"), dict):
        yield from mapping["patternProperties"]


def _pattern(validator: Any, pattern: str, value: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(value, str) and not matches(pattern, value):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


def _property(validator: Any, key: str, value: Any, schema: Any) -> Iterator[ValidationError]:
    if schema is False:  # the library forgets where it met this schema
        yield ValidationError(f"{value!r} is not allowed here", path=(key,))
    else:
        yield from validator.descend(value, schema, path=key)


def _properties(validator: Any, properties: Mapping[str, Any], value: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(value, dict):
        for key, subschema in properties.items():
            if key in value:
                yield from _property(validator, key, value[key], subschema)


def _pattern_properties(
    validator: Any, patterns: Mapping[str, Any], value: Any, schema: Any
) -> Iterator[ValidationError]:
    if not isinstance(value, dict):
        return
    for pattern, subschema in patterns.items():
        for key, item in value.items():
            if matches(pattern, key):
                yield from _property(validator, key, item, subschema)


def _additional_properties(validator: Any, allowed: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
    if not isinstance(value, dict):
        return
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    extra = [key for key in value if key not in known and not any(matches(pattern, key) for pattern in patterns)]
    if allowed is False and extra:
        yield ValidationError(f"additional properties are not allowed ({', '.join(map(repr, extra))})")
    elif allowed is not False:
        for key in extra:
            yield from _property(validator, key, value[key], allowed)


_KEYWORDS: dict[str, Callable[..., Iterator[ValidationError]]] = {
    "pattern": _pattern,
    "properties": _properties,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
}
_DRAFTS = (Draft4Validator, Draft6Validator, Draft7Validator, Draft201909Validator, Draft202012Validator)
_LINEAR: dict[Any, Any] = {
    kind: extend(kind, validators=_KEYWORDS)  # type: ignore[no-untyped-call]
    for kind in _DRAFTS
}
