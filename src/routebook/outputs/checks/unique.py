"""The `unique` check: no two items of a list are equal, or have equal values under a key.

Equal is what JSON calls equal: 1 is 1.0, and neither is true.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...routing.output_spec import UniqueSpec
from .fit import LIST, Misfit, field_misfits, key_misfits, object_misfits
from .found import ABSENT, at_field, identity, shown


def unique_problems(spec: UniqueSpec, value: Any) -> Iterator[str]:
    """Say which items of the field of *value* repeat an earlier one; null and a missing field are left to the schema.

    With a key, an item that does not have it is not compared.
    """
    given = at_field(value, spec.field)
    if given is None:
        return
    if not isinstance(given, (list, tuple)):
        yield f"/{spec.field}: {shown(given)} is not a list"
        return
    seen: dict[Any, int] = {}
    for index, item in enumerate(given):
        compared = _compared(spec, item)
        if compared is ABSENT:
            continue
        first = seen.setdefault(identity(compared), index)
        if first != index:
            place = f"/{spec.field}/{index}" + ("" if spec.by is None else f"/{spec.by}")
            yield f"{place}: {shown(compared)} repeats item {first}; items must differ"


def _compared(spec: UniqueSpec, item: Any) -> Any:
    if spec.by is None:
        return item
    return item.get(spec.by, ABSENT) if isinstance(item, Mapping) else ABSENT


def unique_misfits(spec: UniqueSpec, schema: Mapping[str, Any]) -> Iterator[Misfit]:
    """Say why *spec* does not go with *schema*."""
    yield from object_misfits(schema)
    yield from field_misfits(schema, ("field",), spec.field, LIST)
    if spec.by is not None:
        yield from key_misfits(schema, ("by",), spec.field, spec.by)
