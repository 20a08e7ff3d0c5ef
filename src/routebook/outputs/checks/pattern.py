"""The `pattern` check: a pattern is found in a text, in linear time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...routing.output_spec import PatternSpec
from ..pattern import matches
from .fit import TEXT, Misfit, field_misfits, object_misfits
from .found import at_field, shown


def pattern_problems(spec: PatternSpec, value: Any) -> Iterator[str]:
    """Say why the field of *value* does not match; null and a missing field are left to the schema."""
    given = at_field(value, spec.field)
    if given is None:
        return
    if not isinstance(given, str):
        yield f"/{spec.field}: {shown(given)} is not text"
    elif not matches(spec.matches, given):
        yield f"/{spec.field}: {shown(given)} does not match {spec.matches!r}"


def pattern_misfits(spec: PatternSpec, schema: Mapping[str, Any]) -> Iterator[Misfit]:
    """Say why *spec* does not go with *schema*."""
    yield from object_misfits(schema)
    yield from field_misfits(schema, ("field",), spec.field, TEXT)
