"""Published: a JSON Schema as pydantic derives it → the same one as an editor shows it well.

What is accepted stays the same, but for one thing: the default of `{env: NAME, default: VALUE}` must fit the field.
Alternatives lie in one flat `anyOf`, bounds stand at the form that they bind, defaults are written as a person writes
them, titles are words. A key that need not be given has a `default` only where something holds without it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .scalars import DURATION_PATTERN, duration_text

Schema = dict[str, Any]

_OF_NAMES = frozenset({"properties", "patternProperties", "$defs"})
_OF_ONE = frozenset({"items", "additionalProperties", "not", "propertyNames"})
_OF_SEVERAL = frozenset({"anyOf", "oneOf", "allOf"})
# pydantic keeps its own words for bounds on scalars that may also be read from the environment.
_WORDS: dict[str, str] = {"ge": "minimum", "le": "maximum"}
_BINDS = {
    "minimum": ("number", "integer"),
    "maximum": ("number", "integer"),
    "pattern": ("string",),
    "minLength": ("string",),
}
_SCALARS = frozenset({"string", "number", "integer", "boolean"})
_ENVIRONMENT = "EnvReference"
_SHARED: dict[str, list[Schema]] = {
    "EnvText": [{"type": "string"}],
    "EnvNumber": [{"type": "number"}],
    "EnvInteger": [{"type": "integer"}],
    "EnvBoolean": [{"type": "boolean"}],
    "EnvScalar": [{"type": "string"}, {"type": "number"}, {"type": "boolean"}],
    "EnvDuration": [{"pattern": DURATION_PATTERN, "type": "string"}],
}


def publish(schema: Schema) -> Schema:
    """Return *schema*, whole, as an editor shows it well."""
    definitions = {_short(name): part for name, part in schema.get("$defs", {}).items()}
    reference = _tidy(definitions.pop(_ENVIRONMENT, {}))
    shown = _tidy({**schema, "$defs": definitions})
    return _with_environment(shown, reference) if reference else shown


def _short(name: str) -> str:
    """Return a definition's name; of two of one name, with the module that it comes from."""
    module, _, short = name.rpartition("__")
    return f"{module.rpartition('__')[2].removesuffix('s').capitalize()}{short}"


def _tidy(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    tidied: Schema = {
        _WORDS.get(str(key), str(key)): _part(key, value) for key, value in schema.items() if key != "title"
    }
    for name, part in tidied.get("$defs", {}).items():
        part["title"] = re.sub("(?<=[a-z])[A-Z]", lambda letter: f" {letter[0].lower()}", name)
    if "$ref" in tidied:
        tidied["$ref"] = f"#/$defs/{_short(tidied['$ref'].removeprefix('#/$defs/'))}"
    if "description" in tidied:
        tidied["description"] = " ".join(tidied["description"].split())
    return _with_default(_with_patterns(_flat(tidied)))


def _part(key: str, value: Any) -> Any:
    if key in _OF_NAMES:
        return {name: _tidy(part) for name, part in value.items()}
    if key in _OF_SEVERAL:
        return [_tidy(part) for part in value]
    return _tidy(value) if key in _OF_ONE else value


def _flat(schema: Schema) -> Schema:
    """Return *schema* with its alternatives side by side, and bounds at the alternatives that they bind."""
    key = "oneOf" if all("required" not in form for form in schema.get("oneOf", ({"required": []},))) else "anyOf"
    if any("required" in form for form in schema.get(key, ({"required": []},))):
        return schema
    rest = {name: value for name, value in schema.items() if name not in {key, *_BINDS}}
    bounds = {name: value for name, value in schema.items() if name in _BINDS}
    forms: list[Schema] = []
    for form in schema[key]:
        forms += form["anyOf"] if form.keys() == {"anyOf"} else [form]
    types = {form.get("type") for form in forms}
    forms = [_bound(form, bounds) for form in forms if not (form == {"type": "integer"} and "number" in types)]
    return {"anyOf": [_of_environment(form, forms) for form in forms], **rest}


def _bound(form: Schema, bounds: Mapping[str, Any]) -> Schema:
    return form | {name: value for name, value in bounds.items() if form.get("type") in _BINDS[name]}


def _of_environment(form: Schema, forms: list[Schema]) -> Schema:
    """Return the *form* `{env: NAME, default: VALUE}` with a default that fits the scalars beside it."""
    if form != {"$ref": f"#/$defs/{_ENVIRONMENT}"}:
        return form
    scalars = [other for other in forms if other.get("type") in _SCALARS]
    name = next((name for name, known in _SHARED.items() if known == scalars), None)
    return {_ENVIRONMENT: scalars} if name is None else {"$ref": f"#/$defs/{name}"}


def _with_environment(schema: Schema, reference: Schema) -> Schema:
    """Return *schema* with each form `{env: NAME, default: VALUE}` written out, shared ones among the definitions."""
    shown: Schema = _replaced(schema, reference)
    shared = {
        name: {**_environment(reference, scalars), "title": f"{name.removeprefix('Env')} from the environment"}
        for name, scalars in _SHARED.items()
    }
    return {**shown, "$defs": {**shown["$defs"], **shared}}


def _replaced(schema: Any, reference: Schema) -> Any:
    if isinstance(schema, list):
        return [_replaced(item, reference) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.keys() == {_ENVIRONMENT}:
        return _environment(reference, schema[_ENVIRONMENT])
    return {key: _replaced(value, reference) for key, value in schema.items()}


def _environment(reference: Schema, scalars: list[Schema]) -> Schema:
    fits = scalars[0] if len(scalars) == 1 else {"anyOf": scalars}
    default = {"description": reference["properties"]["default"]["description"], **fits, "examples": _examples(fits)}
    properties = {"env": reference["properties"]["env"], "default": default}
    return {**reference, "properties": properties}


def _examples(schema: Schema) -> list[Any]:
    first = schema.get("anyOf", [schema])[0]
    if "enum" in first or "const" in first:
        return [first.get("const", first.get("enum", [None])[0])]
    by_type = {"string": "premium", "boolean": True, "integer": 1, "number": 1}
    return ["30s" if first.get("pattern") == DURATION_PATTERN else by_type[first["type"]]]


def _with_patterns(schema: Schema) -> Schema:
    """Return *schema* with what holds for keys of a pattern said in whole: `additionalProperties` holds for others."""
    other, patterns = schema.get("additionalProperties"), schema.get("patternProperties")
    if not isinstance(other, dict) or not patterns:
        return schema
    forms = [form for form in other["anyOf"] if form.get("type") != "string" and "Env" not in form.get("$ref", "")]
    said = {"description": "A header that carries a credential is a reference, never the credential.", "anyOf": forms}
    return {**schema, "patternProperties": dict.fromkeys(patterns, said)}


def _with_default(schema: Schema) -> Schema:
    if "default" not in schema:
        return schema
    rest = {key: value for key, value in schema.items() if key != "default"}
    if schema["default"] is None:
        return rest
    texts_only = all(form.get("type") not in {"number", "integer"} for form in schema.get("anyOf", (schema,)))
    if isinstance(schema["default"], float) and texts_only:
        return {**rest, "default": duration_text(schema["default"])}
    return schema
