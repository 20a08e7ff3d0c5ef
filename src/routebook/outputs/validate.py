"""Validate: is a schema one that Routebook can hold a model to, is a text JSON, does a value keep its schema.

Comes in: a JSON Schema (2020-12), a model's text, a value. Goes out: what is wrong, as sentences; empty where nothing
is. Nothing is fetched, and nothing that a model writes can make this hang: patterns are matched in linear time,
numbers, nesting and what is said about them are bounded. `format` is an annotation only.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from itertools import islice
from typing import Any
from urllib.parse import unquote

from jsonschema.exceptions import ValidationError
from jsonschema.validators import Draft202012Validator, extend
from pydantic_core import SchemaError, SchemaValidator, core_schema
from referencing import Registry

from ..canonical.frozen import thaw

Path = tuple[str | int, ...]

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_MOST_PROBLEMS = 20
_LONGEST = 200
_DEEPEST = 100
_MOST_DIGITS = 1000

# Keywords whose value is a schema about the same value, a schema about a part of it, a list or a mapping of schemas.
_SAME_ONE = ("else", "if", "not", "then")
_SAME_MANY = ("allOf", "anyOf", "dependentSchemas", "oneOf")
_PART_ONE = ("additionalProperties", "contains", "contentSchema", "items", "propertyNames")
_HOLDS_ONE = (*_SAME_ONE, *_PART_ONE, "unevaluatedItems", "unevaluatedProperties")
_HOLDS_LIST = ("allOf", "anyOf", "oneOf", "prefixItems")
_HOLDS_NAMED = ("$defs", "definitions", "dependentSchemas", "patternProperties", "properties")
_REFERENCES = ("$ref", "$dynamicRef")

_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_CLASS = re.compile(r"\[\^?([^\]]*)\]")
_FENCE = "```"


@dataclass(frozen=True, slots=True)
class SchemaProblem:
    """What is wrong with a schema (`message`), and where in it (`path`: keys and indices from its top)."""

    path: Path
    message: str


@dataclass(frozen=True, slots=True)
class JsonAnswer:
    """A model's text read as JSON: its `value`, or the `problem` that keeps it from being JSON."""

    value: Any = None
    problem: str | None = None


# --- a schema ---------------------------------------------------------------------------------------------------------


def check_schema(schema: object) -> list[SchemaProblem]:
    """Return what is wrong with *schema* as the schema of an output; empty where `validate` can use it.

    It must be a mapping and valid JSON Schema 2020-12. References must stay inside it, lead to a schema and not lead
    back to themselves; patterns must be ones that can be matched in linear time.
    """
    if not isinstance(schema, Mapping):
        return [SchemaProblem((), "it is not a mapping; say what an answer is, such as `type: object`")]
    try:
        plain = thaw(schema)
        errors = Draft202012Validator(Draft202012Validator.META_SCHEMA).iter_errors(plain)
        problems = [SchemaProblem(tuple(error.absolute_path), _explained(error)) for error in errors]
        problems += _check_places(dict(_places(plain, ())))
    except RecursionError:
        return [SchemaProblem((), "it is nested too deeply")]
    return list(dict.fromkeys(problems))[:_MOST_PROBLEMS]


def _places(schema: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """Yield *schema* and every schema in it, each with its path; what only looks like one (`const`) is left out."""
    yield path, schema
    if not isinstance(schema, dict):
        return
    for keyword, value in schema.items():
        if keyword in _HOLDS_ONE:
            yield from _places(value, (*path, keyword))
        elif keyword in _HOLDS_LIST and isinstance(value, list):
            for index, item in enumerate(value):
                yield from _places(item, (*path, keyword, index))
        elif keyword in _HOLDS_NAMED and isinstance(value, dict):
            for name, item in value.items():
                yield from _places(item, (*path, keyword, name))


def _check_places(places: Mapping[Path, Any]) -> Iterator[SchemaProblem]:
    mappings = {path: schema for path, schema in places.items() if isinstance(schema, dict)}
    targets = {f"#{_pointer(path)}": path for path in places}
    for path, schema in mappings.items():
        anchors = (schema[keyword] for keyword in ("$anchor", "$dynamicAnchor") if keyword in schema)
        targets |= {f"#{anchor}": path for anchor in anchors}
    for path, schema in mappings.items():
        yield from _check_identity(path, schema)
        yield from _check_references(path, schema, targets)
        yield from _check_patterns(path, schema)
    yield from _check_mixture(mappings)
    yield from _check_circles(mappings, targets)


def _check_identity(path: Path, schema: Mapping[str, Any]) -> Iterator[SchemaProblem]:
    for keyword in ("$schema", "$id"):
        if path and keyword in schema:
            yield SchemaProblem((*path, keyword), f"`{keyword}` belongs to the top of a schema; remove it here")
    dialect = schema.get("$schema", DIALECT)
    if not path and isinstance(dialect, str) and dialect.removesuffix("#") != DIALECT:
        yield SchemaProblem(("$schema",), f"`$schema` is {dialect!r}; only {DIALECT} is known")


def _check_references(path: Path, schema: Mapping[str, Any], targets: Mapping[str, Path]) -> Iterator[SchemaProblem]:
    for keyword in _REFERENCES:
        reference = schema.get(keyword)
        if not isinstance(reference, str):
            continue
        if not reference.startswith("#"):
            message = f"`{keyword}` {reference!r} leads out of the schema; copy what it names into `$defs`"
            yield SchemaProblem((*path, keyword), message)
        elif unquote(reference) not in targets:
            yield SchemaProblem((*path, keyword), f"`{keyword}` {reference!r} leads to no schema in this one")


def _check_patterns(path: Path, schema: Mapping[str, Any]) -> Iterator[SchemaProblem]:
    named = schema.get("patternProperties")
    written = [((*path, "patternProperties", key), key) for key in (named if isinstance(named, dict) else ())]
    written.append(((*path, "pattern"), schema.get("pattern")))
    for place, pattern in written:
        problem = _pattern_problem(pattern) if isinstance(pattern, str) else None
        if problem is not None:
            yield SchemaProblem(place, f"pattern {_bounded(repr(pattern))} cannot be used: {problem}")


def _check_mixture(mappings: Mapping[Path, Any]) -> Iterator[SchemaProblem]:
    if any("patternProperties" in schema for schema in mappings.values()):
        for path, schema in mappings.items():
            if "unevaluatedProperties" in schema:
                message = "`unevaluatedProperties` does not go with `patternProperties`; use `additionalProperties`"
                yield SchemaProblem((*path, "unevaluatedProperties"), message)


def _check_circles(mappings: Mapping[Path, Any], targets: Mapping[str, Path]) -> Iterator[SchemaProblem]:
    """Find a schema that has to be applied to a value before it can be applied to that value."""
    needs = {path: _referred(schema, targets) for path, schema in mappings.items()}
    for path in mappings:
        if path[-1:] and path[-1] in _SAME_ONE and path[:-1] in needs:
            needs[path[:-1]].append(path)
        elif path[:-2] in needs and path[-2:-1] and path[-2] in _SAME_MANY:
            needs[path[:-2]].append(path)
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        place = min((path for path in error.args[1] if any(mappings[path].get(name) for name in _REFERENCES)), key=str)
        keyword = next(name for name in _REFERENCES if name in mappings[place])
        yield SchemaProblem((*place, keyword), f"`{keyword}` {mappings[place][keyword]!r} leads back to itself")


def _referred(schema: Mapping[str, Any], targets: Mapping[str, Path]) -> list[Path]:
    references = [schema[keyword] for keyword in _REFERENCES if isinstance(schema.get(keyword), str)]
    return [targets[unquote(reference)] for reference in references if unquote(reference) in targets]


# --- patterns ---------------------------------------------------------------------------------------------------------


def _pattern_problem(pattern: str) -> str | None:
    """Return why *pattern* cannot be matched in linear time, or would not mean here what it means elsewhere."""
    if any(char in "<>" for char in _ESCAPE.findall(pattern)):
        return "write < and > without a backslash"
    for inside in _CLASS.findall(_ESCAPE.sub("x", pattern)):
        if not inside or any(sign in inside for sign in ("[", "&&", "--", "~~")):
            return "inside [...], escape each of [ ] & - ~ that stands for itself"
    try:
        _matcher(pattern)
    except SchemaError as error:
        lines = [line.strip() for line in str(error).splitlines()]
        said = next((line.removeprefix("error: ") for line in lines if line.startswith("error: ")), lines[-1])
        return said[:1].lower() + said[1:]
    return None


@lru_cache(maxsize=256)
def _matcher(pattern: str) -> SchemaValidator:
    """Compile *pattern* for a matcher that never backtracks: no text, however made, takes it longer than linear."""
    return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))


def _matches(pattern: str, text: str) -> bool:
    return _matcher(pattern).isinstance_python(text)


def _pattern(validator: Any, pattern: str, value: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(value, str) and not _matches(pattern, value):
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
            if _matches(pattern, key):
                yield from _property(validator, key, item, subschema)


def _additional_properties(validator: Any, allowed: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
    if not isinstance(value, dict):
        return
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    extra = [key for key in value if key not in known and not any(_matches(pattern, key) for pattern in patterns)]
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


# --- an answer --------------------------------------------------------------------------------------------------------


class _NotStrict(ValueError):
    """JSON that a lenient reader would take."""


def read_answer(text: str) -> JsonAnswer:
    """Read a model's *text* as one JSON value, once and strictly.

    White space and one markdown fence around it are taken off; nothing is repaired. Duplicate keys, NaN, numbers out of
    range, broken characters and nesting beyond 100 levels are problems.
    """
    body = text.strip()
    if body.startswith(_FENCE) and body.endswith(_FENCE) and len(body) >= 2 * len(_FENCE):
        body = body[len(_FENCE) : -len(_FENCE)]
        body = (body[4:] if body[:4].lower() == "json" else body).strip()
    if not body:
        return JsonAnswer(problem="the answer is empty; it must be one JSON value")
    try:
        value = json.loads(
            body, object_pairs_hook=_object, parse_constant=_constant, parse_float=_float, parse_int=_integer
        )
        _check_depth(value)
        _check_characters(value)
    except json.JSONDecodeError as error:
        return JsonAnswer(problem=_syntax_problem(error))
    except _NotStrict as error:
        return JsonAnswer(problem=str(error))
    except RecursionError:
        return JsonAnswer(problem=f"the answer is nested more than {_DEEPEST} levels deep")
    return JsonAnswer(value)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _NotStrict(f"the key {_bounded(repr(key))} stands twice in one object of the answer")
        found[key] = value
    return found


def _constant(name: str) -> Any:
    raise _NotStrict(f"{name} in the answer is no JSON value; use a number or null")


def _float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise _NotStrict(f"the number {_bounded(digits)} in the answer is out of range")
    return number


def _integer(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise _NotStrict(f"a number in the answer has more than {_MOST_DIGITS} digits")
    return int(digits)


def _check_characters(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise _NotStrict("the answer holds half of a surrogate pair, which is no character") from error


def _check_depth(value: Any) -> None:
    level, depth = [value], 0
    while level := [item for item in level if isinstance(item, (dict, list))]:
        depth += 1
        if depth > _DEEPEST:
            raise _NotStrict(f"the answer is nested more than {_DEEPEST} levels deep")
        level = [child for item in level for child in (item.values() if isinstance(item, dict) else item)]


def _syntax_problem(error: json.JSONDecodeError) -> str:
    body = error.doc
    if error.msg == "Extra data":
        return f"text follows the JSON value: {_bounded(repr(body[error.pos :]))}; answer with the JSON value alone"
    if error.msg.startswith("Unterminated string") or error.pos >= len(body):
        return f"the JSON ends too early, after {len(body)} characters; it was cut off"
    if error.pos == 0 and body.startswith(_FENCE):
        return "the answer opens a markdown fence that does not close at its end; answer with the JSON value alone"
    if error.pos == 0 and any(sign in body for sign in "{["):
        return f"text stands before the JSON value: {_bounded(repr(body))}; answer with the JSON value alone"
    if error.pos == 0:
        return f"the answer is text, not JSON: {_bounded(repr(body))}"
    said = error.msg[:1].lower() + error.msg[1:]
    return f"the answer is not valid JSON: {said}, at line {error.lineno} column {error.colno}"


# --- a value ----------------------------------------------------------------------------------------------------------


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
    problems = [_located(error.absolute_path, _explained(error)) for error in errors]
    if len(problems) > _MOST_PROBLEMS:
        problems[_MOST_PROBLEMS - 1 :] = ["there are further problems"]
    return tuple(dict.fromkeys(problems))


@lru_cache(maxsize=128)
def _compiled(schema: str) -> Any:
    plain = {key: value for key, value in json.loads(schema).items() if key not in ("$schema", "$id")}
    return _Validator(plain, registry=Registry())


def _explained(error: ValidationError) -> str:
    """Return the error's sentence, with what up to three alternatives had to say where it is about alternatives."""
    why = [
        _located(cause.relative_path, _bounded(cause.message)) if cause.relative_path else _bounded(cause.message)
        for cause in error.context[:3]
    ]
    return _bounded(error.message) + (f" ({'; '.join(why)})" if why else "")


def _located(path: Iterable[str | int], message: str) -> str:
    pointer = _bounded(_pointer(path)) or "/"
    return f"{pointer if pointer.isprintable() else repr(pointer)[1:-1]}: {message}"


def _pointer(path: Iterable[str | int]) -> str:
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def _bounded(text: str) -> str:
    """Return *text*, its middle left out where it is long: what is wrong stands at the end of a sentence."""
    if len(text) <= _LONGEST:
        return text
    return f"{text[: _LONGEST - 80]} ... {text[-75:]}"
