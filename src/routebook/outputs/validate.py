"""Validate: does a value keep a schema that `check_schema` found good.

Goes out: what is wrong, as sentences; empty where nothing is. Nothing is fetched, and nothing that a model writes can
make this hang: patterns are matched in linear time, what is said is bounded. `format` is an annotation only.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any

from jsonschema.exceptions import ValidationError
from jsonschema.validators import Draft202012Validator, extend
from referencing import Registry

from ..canonical.frozen import thaw
from .pattern import matches
from .problem import explained, located

_MOST_PROBLEMS = 20


def validate(schema: Mapping[str, Any], value: Any) -> tuple[str, ...]:
    """Return what keeps *value* from being valid under *schema*, which `check_schema` found good.

    At most 20 sentences, each with the place in the value as a JSON pointer: `/folder_id: 7 is not of type 'string'`.
    """
    try:
        compiled = _compiled(json.dumps(schema, default=dict))
        errors = list(islice(compiled.iter_errors(thaw(value)), _MOST_PROBLEMS + 1))
    except RecursionError:
        return ("the answer is nested too deeply to be checked",)
    except OverflowError:
        return ("the answer holds a number too large to be checked",)
    problems = [located(error.absolute_path, explained(error)) for error in errors]
    if len(problems) > _MOST_PROBLEMS:
        problems[_MOST_PROBLEMS - 1 :] = ["there are further problems"]
    return tuple(dict.fromkeys(problems))


@lru_cache(maxsize=128)
def _compiled(schema: str) -> Any:
    plain = {key: value for key, value in json.loads(schema).items() if key not in ("$schema", "$id")}
    return _Validator(plain, registry=Registry())


def _pattern(validator: Any, pattern: str, value: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(value, str) and not matches(pattern, value):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


def _property(validator: Any, key: str, value: Any, schema: Any) -> Iterator[ValidationError]:
    if schema is False:  # the library forgets where it met this schema
        yield ValidationError(f"{value!r} is not allowed here", path=(key,))
    else:
        yield from validator.descend(value, schema, path=key)


def _properties(validator: Any, properties: Mapping[str, Any], value: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(value, dict):
        for key, subschema in properties.items():
            if key in value:
                yield from _property(validator, key, value[key], subschema)


def _pattern_properties(
    validator: Any, patterns: Mapping[str, Any], value: Any, schema: Any
) -> Iterator[ValidationError]:
    if not isinstance(value, dict):
        return
    for pattern, subschema in patterns.items():
        for key, item in value.items():
            if matches(pattern, key):
                yield from _property(validator, key, item, subschema)


def _additional_properties(validator: Any, allowed: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
    if not isinstance(value, dict):
        return
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    extra = [key for key in value if key not in known and not any(matches(pattern, key) for pattern in patterns)]
    if allowed is False and extra:
        yield ValidationError(f"additional properties are not allowed ({', '.join(map(repr, extra))})")
    elif allowed is not False:
        for key in extra:
            yield from _property(validator, key, value[key], allowed)


_KEYWORDS: dict[str, Callable[..., Iterator[ValidationError]]] = {
    "pattern": _pattern,
    "properties": _properties,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
}
_Validator = extend(Draft202012Validator, validators=_KEYWORDS)  # type: ignore[no-untyped-call]
