"""Inputs: which variables the JSON Schema of a feature's inputs declares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

_COMBINED = ("allOf", "anyOf", "oneOf")
_CONDITIONAL = ("if", "then", "else")


def declared_inputs(schema: Mapping[str, Any]) -> frozenset[str] | None:
    """Return the names that *schema*, a valid one, has as properties; None where it says that there may be others."""
    names: set[str] = set()
    for part in _parts(schema, schema, set()):
        if part.get("additionalProperties") not in (None, False) or part.get("patternProperties"):
            return None
        names |= part.get("properties", {}).keys()
    return frozenset(names)


def _parts(schema: Any, root: Mapping[str, Any], seen: set[int]) -> Iterator[Mapping[str, Any]]:
    """Yield *schema* and every schema about the same value that it is made of."""
    if not isinstance(schema, Mapping) or id(schema) in seen:
        return
    seen.add(id(schema))
    yield schema
    for keyword in _COMBINED:
        for part in schema.get(keyword, ()):
            yield from _parts(part, root, seen)
    for keyword in _CONDITIONAL:
        yield from _parts(schema.get(keyword), root, seen)
    if isinstance(schema.get("$ref"), str):
        yield from _parts(_target(root, schema["$ref"]), root, seen)


def _target(root: Any, reference: str) -> Any:
    for step in unquote(reference).lstrip("#").split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(root, (list, tuple)):
            root = root[int(name)] if name.isdecimal() and int(name) < len(root) else None
        else:
            root = root.get(name) if isinstance(root, Mapping) else None
    return root
