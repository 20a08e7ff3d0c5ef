"""The `subset_of` check: every item of a list is in a list of the caller's.

Comes in: the check, the caller's inputs, a model's answer. Goes out: a problem for each item that is not allowed.
Types count as in JSON: 1 is 1.0, and neither is true or the text "1".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import RequestError
from ...routing.output_spec import SubsetSpec
from .fit import LIST, Misfit, field_misfits, key_misfits, object_misfits
from .found import at_field, identity, shown


def read_members(spec: SubsetSpec, inputs: Mapping[str, Any]) -> frozenset[Any]:
    """Read what *inputs* allow for *spec*; an empty list allows nothing.

    Raises:
        RequestError: `field` is `inputs`. The input is missing or no list, or one of its items is no scalar, or with
            `id` no mapping that holds a scalar under that key.
    """
    if spec.members not in inputs:
        name = spec.members
        raise RequestError(f"input {name!r} is missing; pass inputs={{{name!r}: [...]}}, what is allowed", "inputs")
    given = inputs[spec.members]
    if not isinstance(given, (list, tuple, set, frozenset)):
        raise RequestError(f"input {spec.members!r} is {_kind(given)}; pass a list", "inputs")
    return frozenset(identity(_member(spec, index, item)) for index, item in enumerate(given))


def subset_problems(spec: SubsetSpec, members: frozenset[Any], value: Any) -> Iterator[str]:
    """Say which items of the field of *value* are not allowed; null and a missing field are left to the schema.

    With `id`, an item that is an object counts by its own value under that key.
    """
    given = at_field(value, spec.field)
    if given is None:
        return
    if not isinstance(given, (list, tuple)):
        yield f"/{spec.field}: {shown(given)} is not a list"
        return
    for index, item in enumerate(given):
        compared = item.get(spec.id) if spec.id is not None and isinstance(item, Mapping) else item
        if identity(compared) not in members:
            yield f"/{spec.field}/{index}: {shown(compared)} is not in the list that is allowed ({spec.members})"


def subset_misfits(spec: SubsetSpec, schema: Mapping[str, Any]) -> Iterator[Misfit]:
    """Say why *spec* does not go with *schema*."""
    yield from object_misfits(schema)
    yield from field_misfits(schema, ("field",), spec.field, LIST)
    if spec.id is not None:
        yield from key_misfits(schema, ("id",), spec.field, spec.id)


def _member(spec: SubsetSpec, index: int, item: Any) -> str | int | float | bool:
    place = f"inputs[{spec.members!r}][{index}]"
    if spec.id is not None:
        if not isinstance(item, Mapping):
            raise RequestError(f"{place} is {_kind(item)}; pass a mapping with its {spec.id!r}", "inputs")
        item, place = item.get(spec.id), f"the {spec.id!r} of {place}"
    if not isinstance(item, (str, int, float, bool)):
        mend = "name the key of its id in the check's `id`" if isinstance(item, Mapping) else "pass text or a number"
        raise RequestError(f"{place} is {_kind(item)}; {mend}", "inputs")
    return item


def _kind(value: object) -> str:
    return "null" if value is None else f"of type {type(value).__name__}"
