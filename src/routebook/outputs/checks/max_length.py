"""The `max_length` check: a text has at most so many characters, a list so many items."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...routing.output_spec import MaxLengthSpec
from .fit import LIST, TEXT, Misfit, field_misfits, object_misfits
from .found import at_field, shown


def max_length_problems(spec: MaxLengthSpec, value: Any) -> Iterator[str]:
    """Say that the field of *value* is too long; null and a missing field are left to the schema."""
    given = at_field(value, spec.field)
    if given is None:
        return
    if not isinstance(given, (str, list, tuple)):
        yield f"/{spec.field}: {shown(given)} is neither text nor a list"
    elif len(given) > spec.at_most:
        unit = "characters" if isinstance(given, str) else "items"
        yield f"/{spec.field}: it has {len(given)} {unit}; at most {spec.at_most} are allowed"


def max_length_misfits(spec: MaxLengthSpec, schema: Mapping[str, Any]) -> Iterator[Misfit]:
    """Say why *spec* does not go with *schema*."""
    yield from object_misfits(schema)
    yield from field_misfits(schema, ("field",), spec.field, TEXT | LIST)
