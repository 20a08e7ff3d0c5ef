"""Fit: does a check go with the schema of its output.

Comes in: a valid JSON Schema and the field that a key of a check names. Goes out: misfits, each with the key it is
about. Only what the schema says is held against a check: a field without a type may hold anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

TEXT = frozenset({"string"})
NUMBER = frozenset({"number", "integer"})
IDENTITY = frozenset({"string", "integer"})
LIST = frozenset({"array"})

_CALLED = {
    TEXT: "text",
    NUMBER: "a number",
    IDENTITY: "an id (a string or an integer)",
    LIST: "a list",
    TEXT | LIST: "text or a list",
}


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why a check does not go with its schema: `path` leads from the check to the value at fault."""

    path: tuple[str, ...]
    message: str


def object_misfits(schema: Mapping[str, Any]) -> Iterator[Misfit]:
    """Say that the answer is no object, where the schema does not promise one."""
    if not any(part.get("type") in ("object", ["object"], ("object",)) for part in _parts(schema, schema, ())):
        yield Misfit((), "the schema does not say `type: object`")


def field_misfits(
    schema: Mapping[str, Any], path: tuple[str, ...], field: str, types: frozenset[str]
) -> Iterator[Misfit]:
    """Say why the property *field* of *schema* cannot hold one of *types*."""
    found = _property(schema, field)
    if found is None:
        yield Misfit(path, f"`{'.'.join(path)}` names {field!r}, which is not among the schema's properties")
    elif not _may_be(found, types):
        yield Misfit(path, f"`{'.'.join(path)}` names {field!r}, whose type cannot hold {_CALLED[types]}")


def item_misfits(
    schema: Mapping[str, Any], path: tuple[str, ...], field: str, types: frozenset[str]
) -> Iterator[Misfit]:
    """Say why the items of the list *field* cannot be of one of *types*."""
    if not _may_be(_items(schema, field), types):
        yield Misfit(path, f"`{'.'.join(path)}` names {field!r}, whose items cannot hold {_CALLED[types]}")


def key_misfits(schema: Mapping[str, Any], path: tuple[str, ...], field: str, key: str) -> Iterator[Misfit]:
    """Say why the items of the list *field* have no *key*: they are declared, and it is not among their properties."""
    declared = [part["properties"] for part in _items(schema, field) if part.get("properties")]
    if declared and not any(key in properties for properties in declared):
        yield Misfit(path, f"`{'.'.join(path)}` names {key!r}, which is not among the properties of an item")


def _property(schema: Mapping[str, Any], field: str) -> list[Mapping[str, Any]] | None:
    """Return every schema that holds for the property *field*; None where no properties name it."""
    named = [
        part["properties"][field] for part in _parts(schema, schema, ()) if field in (part.get("properties") or {})
    ]
    if not named:
        return None
    return [part for found in named for part in _parts(found, schema, ())]


def _items(schema: Mapping[str, Any], field: str) -> list[Mapping[str, Any]]:
    return [
        part
        for holder in _property(schema, field) or ()
        if "items" in holder
        for part in _parts(holder["items"], schema, ())
    ]


def _may_be(parts: list[Mapping[str, Any]], types: frozenset[str]) -> bool:
    for part in parts:
        declared = part.get("type")
        if declared is not None and types.isdisjoint([declared] if isinstance(declared, str) else declared):
            return False
    return True


def _parts(schema: Any, root: Mapping[str, Any], followed: tuple[str, ...]) -> Iterator[Mapping[str, Any]]:
    """Yield *schema* and every schema that holds wherever it does: what it refers to, and all of its `allOf`."""
    if not isinstance(schema, Mapping):
        return
    yield schema
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference not in followed:
        yield from _parts(_target(root, reference), root, (*followed, reference))
    for part in schema.get("allOf", ()):
        yield from _parts(part, root, followed)


def _target(root: Mapping[str, Any], reference: str) -> Any:
    """Return what the JSON pointer *reference* (`#/$defs/item`) points to below *root*, or None."""
    if reference != "#" and not reference.startswith("#/"):
        return None
    found: Any = root
    for step in unquote(reference).split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, Mapping):
            found = found.get(key)
        elif isinstance(found, (list, tuple)) and key.isdecimal() and int(key) < len(found):
            found = found[int(key)]
        else:
            return None
    return found
