"""Schemas: a JSON Schema → the one that the API can hold a model to.

The API decodes along a schema, but it knows only part of JSON Schema and refuses the rest with an error. So: objects
are closed, and keywords that it does not know are told to the model in the description of what they stand in. An
answer that the result allows is one that the schema allows, or the check of the answer, made here in any case, finds
what the words did not prevent. A schema of which too little is left is not sent as one at all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ...canonical.frozen import thaw
from ...routing.traits import SchemaGap

Body = dict[str, Any]
Path = tuple[str | int, ...]

_MOST_OPTIONAL = 24
_MOST_UNIONS = 16
_DEEPEST = 60
_DEFINITIONS = ("$defs", "definitions")
_SAME = frozenset({"type", "title", "description", "default", "required"})
_UNSAID = frozenset({"$schema", "$id", "$comment", "additionalProperties"})
_FORMATS = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"},
)
_SAYS_WHAT = frozenset({"type", "anyOf", "oneOf", "allOf", "enum", "const", "properties"})


class _Inexpressible(Exception):
    """The API cannot be given a schema for this at all."""

    def __init__(self, path: Path, why: str) -> None:
        self.gap = SchemaGap(path, why)
        super().__init__(why)


def schema_gap(schema: Mapping[str, Any]) -> SchemaGap | None:
    """Return the first thing in *schema* that the API cannot hold a model to; None where it can to all."""
    _, gaps = _translated(schema)
    return gaps[0] if gaps else None


def held_schema(schema: Mapping[str, Any]) -> Body | None:
    """Return *schema* as the API takes it; None where it has no schema of the kind."""
    return _translated(schema)[0]


def _translated(schema: Mapping[str, Any]) -> tuple[Body | None, list[SchemaGap]]:
    reading = _Reading()
    try:
        return reading.translate(schema), reading.gaps
    except _Inexpressible as problem:
        return None, [problem.gap]


class _Reading:
    """One walk through a schema: what is found on the way is in `gaps`."""

    def __init__(self) -> None:
        self.gaps: list[SchemaGap] = []
        self._optional = 0
        self._unions = 0

    def translate(self, schema: Mapping[str, Any]) -> Body:
        translated = self._schema(schema, ())
        if schema.get("type") != "object":
            raise _Inexpressible((), "the top is no object")
        if self._optional > _MOST_OPTIONAL:
            raise _Inexpressible((), f"more than {_MOST_OPTIONAL} of its properties are not required")
        if self._unions > _MOST_UNIONS:
            raise _Inexpressible((), f"more than {_MOST_UNIONS} of its parts have several types")
        circle = _circle(schema)
        if circle is not None:
            raise _Inexpressible(circle, "it holds itself")
        return translated

    def _schema(self, schema: Any, path: Path) -> Body:
        if not isinstance(schema, Mapping):
            raise _Inexpressible(path, "it is no mapping")
        if len(path) > _DEEPEST:
            raise _Inexpressible(path, f"it is nested more than {_DEEPEST} deep")
        if "$ref" in schema:
            return self._reference(schema, path)
        if not schema.keys() & _SAYS_WHAT:
            raise _Inexpressible(path, "it has no `type`")
        made: Body = {}
        told: Body = {}
        for keyword, value in schema.items():
            self._keyword(keyword, value, (*path, keyword), made, told)
        self._close(schema, path, made)
        _check_rest(made, path)
        if isinstance(schema.get("type"), (list, tuple)) or "anyOf" in made:
            self._unions += 1
        return _described(made, told)

    def _reference(self, schema: Mapping[str, Any], path: Path) -> Body:
        if not str(schema["$ref"]).startswith(tuple(f"#/{name}/" for name in _DEFINITIONS)):
            raise _Inexpressible((*path, "$ref"), "`$ref` leads elsewhere than to `$defs`")
        made: Body = {"$ref": schema["$ref"]}
        for keyword, value in schema.items():
            if keyword in _DEFINITIONS:
                made[keyword] = self._by_name(value, (*path, keyword))
            elif keyword != "$ref":
                self.gaps.append(SchemaGap((*path, keyword), f"keyword {keyword!r} stands beside '$ref'"))
        return made

    def _keyword(self, keyword: str, value: Any, path: Path, made: Body, told: Body) -> None:
        if keyword in _SAME:
            made[keyword] = thaw(value)
        elif keyword == "properties" or keyword in _DEFINITIONS:
            made[keyword] = self._by_name(value, path)
        elif keyword == "items":
            made[keyword] = self._schema(value, path)
        elif keyword in ("anyOf", "oneOf", "allOf"):
            self._several(keyword, value, path, made)
        elif _is_known(keyword, value):
            made[keyword] = thaw(value)
        elif keyword not in _UNSAID:
            told[keyword] = thaw(value)
            self.gaps.append(SchemaGap(path, f"keyword {keyword!r}"))

    def _by_name(self, schemas: Mapping[str, Any], path: Path) -> Body:
        return {name: self._schema(part, (*path, name)) for name, part in schemas.items()}

    def _several(self, keyword: str, value: Any, path: Path, made: Body) -> None:
        parts = [self._schema(part, (*path, index)) for index, part in enumerate(value)]
        if keyword == "allOf" and any("$ref" in part for part in parts):
            raise _Inexpressible(path, "`allOf` with a `$ref`")
        if keyword == "oneOf":
            if "anyOf" in made:
                raise _Inexpressible(path, "`oneOf` beside `anyOf`")
            self.gaps.append(SchemaGap(path, "keyword 'oneOf'"))
            keyword = "anyOf"
        made[keyword] = parts

    def _close(self, schema: Mapping[str, Any], path: Path, made: Body) -> None:
        properties, more = schema.get("properties", {}), schema.get("additionalProperties", True)
        if "object" not in _types(schema) and not properties:
            return
        place = (*path, "additionalProperties") if "additionalProperties" in schema else path
        if more is not False:
            if isinstance(more, Mapping) or not properties:
                raise _Inexpressible(place, "its keys are not named")
            self.gaps.append(SchemaGap(place, "`additionalProperties` is not false"))
        required = schema.get("required", ())
        for name in required:
            if name not in properties:
                raise _Inexpressible((*path, "required"), f"property {name!r} is required, and not declared")
        self._optional += len(properties) - len(frozenset(required))
        made["type"] = made.get("type", "object")
        made["additionalProperties"] = False


def _check_rest(made: Body, path: Path) -> None:
    """Refuse what no answer would be right for any more: objects that are closed to each other's properties."""
    if not made.keys() & _SAYS_WHAT:
        raise _Inexpressible(path, "nothing is left that says what it is")
    joined = [made, *made.get("allOf", ()), {key: True for part in made.get("anyOf", ()) for key in part}]
    if sum("additionalProperties" in part for part in joined) > 1:
        raise _Inexpressible(path, "it joins objects, each of which would be closed to what the others name")


def _is_known(keyword: str, value: Any) -> bool:
    """Tell whether the API knows the keyword with this value."""
    if keyword == "enum":
        return all(_is_plain(item) for item in value)
    if keyword == "const":
        return _is_plain(value)
    if keyword == "format":
        return value in _FORMATS
    return keyword == "minItems" and value in (0, 1)


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, (str, int, float, bool))


def _described(made: Body, told: Body) -> Body:
    if not told:
        return made
    words = f"It must be valid under {json.dumps(told, ensure_ascii=False)}."
    said = made.get("description")
    return {**made, "description": f"{said}\n\n{words}" if said else words}


def _types(schema: Mapping[str, Any]) -> tuple[Any, ...]:
    written = schema.get("type", ())
    return (written,) if isinstance(written, str) else tuple(written)


def _circle(schema: Mapping[str, Any]) -> Path | None:
    """Return where a definition stands that leads back to itself."""
    defined = {
        f"#/{section}/{name}": ((section, name), part)
        for section in _DEFINITIONS
        for name, part in schema.get(section, {}).items()
    }
    leads = {reference: frozenset(_references(part)) for reference, (_, part) in defined.items()}
    for reference, (path, _) in defined.items():
        reached, fresh = set[str](), set(leads[reference])
        while fresh:
            reached |= fresh
            fresh = {after for lead in fresh for after in leads.get(lead, ())} - reached
        if reference in reached:
            return path
    return None


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for part in value.values():
            yield from _references(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _references(part)
