"""Wrapper: a schema whose answers need be no objects, put where an API takes objects only.

The answer stands under the key `value`. References inside the schema lead to the same places as before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..canonical.frozen import thaw
from .places import places

VALUE = "value"
"""The one key of a wrapper."""

_REFERENCES = ("$ref", "$dynamicRef")


def wrapped(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of an object that holds a value of *schema*, which `check_schema` found good.

    The definitions move to the top, where APIs look for them.
    """
    inner: dict[str, Any] = thaw(schema)
    for place in places(inner):
        if isinstance(place.schema, dict):
            _lead_inside(place.schema)
    top: dict[str, Any] = {key: inner.pop(key) for key in ("$schema", "$id", "$defs") if key in inner}
    shape = {"type": "object", "properties": {VALUE: inner}, "required": [VALUE], "additionalProperties": False}
    return {**top, **shape}


def _lead_inside(schema: dict[str, Any]) -> None:
    for keyword in _REFERENCES:
        reference = schema.get(keyword)
        if not isinstance(reference, str) or reference.startswith("#/$defs/"):
            continue
        if reference == "#" or reference.startswith("#/"):
            schema[keyword] = f"#/properties/{VALUE}{reference[1:]}"
