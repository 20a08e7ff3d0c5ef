"""Schema: is a JSON Schema (2020-12) one that Routebook can hold a model to.

Comes in: a schema. Goes out: what is wrong with it, each problem with its place; empty where `validate` can use it.
Nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any
from urllib.parse import unquote

from jsonschema.validators import Draft202012Validator

from ..canonical.frozen import thaw
from .pattern import pattern_problem
from .problem import bounded, explained, pointer

Path = tuple[str | int, ...]

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_MOST_PROBLEMS = 20

# Keywords whose value is a schema about the same value, a schema about a part of it, a list or a mapping of schemas.
_SAME_ONE = ("else", "if", "not", "then")
_SAME_MANY = ("allOf", "anyOf", "dependentSchemas", "oneOf")
_PART_ONE = ("additionalProperties", "contains", "contentSchema", "items", "propertyNames")
_HOLDS_ONE = (*_SAME_ONE, *_PART_ONE, "unevaluatedItems", "unevaluatedProperties")
_HOLDS_LIST = ("allOf", "anyOf", "oneOf", "prefixItems")
_HOLDS_NAMED = ("$defs", "definitions", "dependentSchemas", "patternProperties", "properties")
_REFERENCES = ("$ref", "$dynamicRef")


@dataclass(frozen=True, slots=True)
class SchemaProblem:
    """What is wrong with a schema (`message`), and where in it (`path`: keys and indices from its top)."""

    path: Path
    message: str


def check_schema(schema: object) -> list[SchemaProblem]:
    """Return what is wrong with *schema* as the schema of an output; empty where `validate` can use it.

    It must be a mapping and valid JSON Schema 2020-12. References must stay inside it, lead to a schema and not lead
    back to themselves; patterns must be ones that can be matched in linear time.
    """
    if not isinstance(schema, Mapping):
        return [SchemaProblem((), "it is not a mapping; say what an answer is, such as `type: object`")]
    try:
        plain = thaw(schema)
        errors = Draft202012Validator(Draft202012Validator.META_SCHEMA).iter_errors(plain)
        problems = [SchemaProblem(tuple(error.absolute_path), explained(error)) for error in errors]
        problems += _check_places(dict(_places(plain, ())))
    except RecursionError:
        return [SchemaProblem((), "it is nested too deeply")]
    return list(dict.fromkeys(problems))[:_MOST_PROBLEMS]


def _places(schema: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """Yield *schema* and every schema in it, each with its path; what only looks like one (`const`) is left out."""
    yield path, schema
    if not isinstance(schema, dict):
        return
    for keyword, value in schema.items():
        if keyword in _HOLDS_ONE:
            yield from _places(value, (*path, keyword))
        elif keyword in _HOLDS_LIST and isinstance(value, list):
            for index, item in enumerate(value):
                yield from _places(item, (*path, keyword, index))
        elif keyword in _HOLDS_NAMED and isinstance(value, dict):
            for name, item in value.items():
                yield from _places(item, (*path, keyword, name))


def _check_places(places: Mapping[Path, Any]) -> Iterator[SchemaProblem]:
    mappings = {path: schema for path, schema in places.items() if isinstance(schema, dict)}
    targets = {f"#{pointer(path)}": path for path in places}
    for path, schema in mappings.items():
        anchors = (schema[keyword] for keyword in ("$anchor", "$dynamicAnchor") if keyword in schema)
        targets |= {f"#{anchor}": path for anchor in anchors}
    for path, schema in mappings.items():
        yield from _check_identity(path, schema)
        yield from _check_references(path, schema, targets)
        yield from _check_patterns(path, schema)
    yield from _check_mixture(mappings)
    yield from _check_circles(mappings, targets)


def _check_identity(path: Path, schema: Mapping[str, Any]) -> Iterator[SchemaProblem]:
    for keyword in ("$schema", "$id"):
        if path and keyword in schema:
            yield SchemaProblem((*path, keyword), f"`{keyword}` belongs to the top of a schema; remove it here")
    dialect = schema.get("$schema", DIALECT)
    if not path and isinstance(dialect, str) and dialect.removesuffix("#") != DIALECT:
        yield SchemaProblem(("$schema",), f"`$schema` is {dialect!r}; only {DIALECT} is known")


def _check_references(path: Path, schema: Mapping[str, Any], targets: Mapping[str, Path]) -> Iterator[SchemaProblem]:
    for keyword in _REFERENCES:
        reference = schema.get(keyword)
        if not isinstance(reference, str):
            continue
        if not reference.startswith("#"):
            message = f"`{keyword}` {reference!r} leads out of the schema; copy what it names into `$defs`"
            yield SchemaProblem((*path, keyword), message)
        elif unquote(reference) not in targets:
            yield SchemaProblem((*path, keyword), f"`{keyword}` {reference!r} leads to no schema in this one")


def _check_patterns(path: Path, schema: Mapping[str, Any]) -> Iterator[SchemaProblem]:
    named = schema.get("patternProperties")
    written = [((*path, "patternProperties", key), key) for key in (named if isinstance(named, dict) else ())]
    written.append(((*path, "pattern"), schema.get("pattern")))
    for place, pattern in written:
        problem = pattern_problem(pattern) if isinstance(pattern, str) else None
        if problem is not None:
            yield SchemaProblem(place, f"pattern {bounded(repr(pattern))} cannot be used: {problem}")


def _check_mixture(mappings: Mapping[Path, Any]) -> Iterator[SchemaProblem]:
    if any("patternProperties" in schema for schema in mappings.values()):
        for path, schema in mappings.items():
            if "unevaluatedProperties" in schema:
                message = "`unevaluatedProperties` does not go with `patternProperties`; use `additionalProperties`"
                yield SchemaProblem((*path, "unevaluatedProperties"), message)


def _check_circles(mappings: Mapping[Path, Any], targets: Mapping[str, Path]) -> Iterator[SchemaProblem]:
    """Find a schema that has to be applied to a value before it can be applied to that value."""
    needs = {path: _referred(schema, targets) for path, schema in mappings.items()}
    for path in mappings:
        if path[-1:] and path[-1] in _SAME_ONE and path[:-1] in needs:
            needs[path[:-1]].append(path)
        elif path[:-2] in needs and path[-2:-1] and path[-2] in _SAME_MANY:
            needs[path[:-2]].append(path)
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        place = min((path for path in error.args[1] if any(mappings[path].get(name) for name in _REFERENCES)), key=str)
        keyword = next(name for name in _REFERENCES if name in mappings[place])
        yield SchemaProblem((*place, keyword), f"`{keyword}` {mappings[place][keyword]!r} leads back to itself")


def _referred(schema: Mapping[str, Any], targets: Mapping[str, Path]) -> list[Path]:
    references = [schema[keyword] for keyword in _REFERENCES if isinstance(schema.get(keyword), str)]
    return [targets[unquote(reference)] for reference in references if unquote(reference) in targets]
