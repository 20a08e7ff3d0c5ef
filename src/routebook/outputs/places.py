"""Places: every schema inside a JSON Schema, and where it stands.

What only looks like a schema (a `const`, an example) is none. A place knows its parent, so that the way to it is
written out only where somebody asks for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

Path = tuple[str | int, ...]

# Keywords whose value is a schema about the same value, a schema about a part of it, a list or a mapping of schemas.
SAME_ONE = ("else", "if", "not", "then")
SAME_MANY = ("allOf", "anyOf", "dependentSchemas", "oneOf")
_PART_ONE = ("additionalProperties", "contains", "contentSchema", "items", "propertyNames")
HOLDS_ONE = frozenset({*SAME_ONE, *_PART_ONE, "unevaluatedItems", "unevaluatedProperties"})
HOLDS_LIST = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
HOLDS_NAMED = frozenset({"$defs", "definitions", "dependentSchemas", "patternProperties", "properties"})


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A schema and where it stands: `steps` lead to it from its `parent`; the top has neither."""

    schema: Any
    parent: Place | None = None
    steps: Path = ()

    @property
    def path(self) -> Path:
        """The keys and indices that lead here from the top."""
        found: list[Path] = []
        place: Place | None = self
        while place is not None:
            found.append(place.steps)
            place = place.parent
        return tuple(step for steps in reversed(found) for step in steps)


def places(schema: Any) -> Iterator[Place]:
    """Yield *schema*, made of plain dicts and lists, and every schema in it, parents first."""
    waiting = [Place(schema)]
    while waiting:
        place = waiting.pop()
        yield place
        waiting += reversed(list(_inner(place)))


def _inner(place: Place) -> Iterator[Place]:
    if not isinstance(place.schema, dict):
        return
    for keyword, value in place.schema.items():
        if keyword in HOLDS_ONE:
            yield Place(value, place, (keyword,))
        elif keyword in HOLDS_LIST and isinstance(value, list):
            for index, item in enumerate(value):
                yield Place(item, place, (keyword, index))
        elif keyword in HOLDS_NAMED and isinstance(value, dict):
            for name, item in value.items():
                yield Place(item, place, (keyword, name))


NOWHERE = object()
"""What a pointer leads to that leads to no schema."""

_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")


def schema_at(top: Any, pointer: str) -> Any:
    """Return the schema in *top* that the JSON *pointer* (`/$defs/item`) leads to, or NOWHERE."""
    found, steps = top, [unquote(step).replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    while steps:
        if not isinstance(found, dict):
            return NOWHERE
        keyword = steps.pop(0)
        found = found.get(keyword, NOWHERE)
        if keyword in HOLDS_NAMED and isinstance(found, dict) and steps:
            found = found.get(steps.pop(0), NOWHERE)
        elif keyword in HOLDS_LIST and isinstance(found, list) and steps:
            found = _item(found, steps.pop(0))
        elif keyword not in HOLDS_ONE:
            return NOWHERE
    return found


def _item(items: list[Any], step: str) -> Any:
    if not _INDEX.fullmatch(step) or int(step) >= len(items):
        return NOWHERE
    return items[int(step)]
