"""The `range` check: a number lies between two bounds, both included."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...routing.output_spec import RangeSpec
from .fit import NUMBER, Misfit, field_misfits, object_misfits
from .found import at_field, shown


def range_problems(spec: RangeSpec, value: Any) -> Iterator[str]:
    """Say why the field of *value* is out of range; null and a missing field are left to the schema."""
    given = at_field(value, spec.field)
    if given is None:
        return
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        yield f"/{spec.field}: {shown(given)} is not a number"
    elif spec.min is not None and given < spec.min:
        yield f"/{spec.field}: {shown(given)} is less than {spec.min:.15g}"
    elif spec.max is not None and given > spec.max:
        yield f"/{spec.field}: {shown(given)} is greater than {spec.max:.15g}"


def range_misfits(spec: RangeSpec, schema: Mapping[str, Any]) -> Iterator[Misfit]:
    """Say why *spec* does not go with *schema*."""
    yield from object_misfits(schema)
    yield from field_misfits(schema, ("field",), spec.field, NUMBER)
