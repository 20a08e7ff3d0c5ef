"""Schemas: a JSON Schema → the one that the API can hold a model to.

The API reads part of JSON Schema. What else stands in a schema is told to the model in the description of what it
stands in; answers and arguments are checked here in any case. Beside a `$ref` the API takes nothing: a part that says
more than its `$ref` holds the definition itself in its place, as long as these copies do not grow too many; then it is
a choice of that one `$ref`. Definitions stand under `$defs` at the top, and only those that are used. The API follows a
schema that holds itself a few steps, and only where an object may end without: elsewhere the circle is cut, and the
model is told what would follow.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from typing import Any

from ...canonical.frozen import thaw
from ...routing.traits import SchemaGap
from .circles import Circles

Body = dict[str, Any]
Path = tuple[str | int, ...]

_DEEPEST = 60
_MOST_INLINED = 100
_MOST_WITHIN = 3
"""How many definitions may stand in one another's place, in the place of a `$ref`."""
_TOP = "#"
_SAME = frozenset(
    {
        *("type", "title", "description", "required", "propertyOrdering"),
        *("minItems", "maxItems", "minimum", "maximum"),
    }
)
_UNSAID = frozenset(
    {
        *("$schema", "$id", "$comment", "$anchor", "$defs", "definitions", "$ref"),
        *("deprecated", "readOnly", "writeOnly"),
    }
)
_SAID = {"default": "Default", "examples": "Examples", "example": "Example"}
"""What says something of a value, and demands nothing."""
_FORMATS = frozenset({"date-time", "date", "time", "duration", "int32", "int64", "float", "double"})
_WORDS = frozenset({"title", "description", "default", "examples"})
_SEVERAL = ("anyOf", "oneOf")


def schema_gap(schema: Mapping[str, Any]) -> SchemaGap | None:
    """Return the first thing in *schema* that the API cannot hold a model to; None where it can to all."""
    reading = _Reading(schema)
    reading.translate()
    return reading.gaps[0] if reading.gaps else None


def held_schema(schema: Mapping[str, Any]) -> Body:
    """Return *schema* as the API takes it."""
    return _Reading(schema).translate()


class _Reading:
    """One walk through a schema: what is found on the way is in `gaps`."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.gaps: list[SchemaGap] = []
        self._top = schema
        self._names: dict[str, str] = {}
        self._taken = set[str]()
        self._unread = deque[str]()
        self._met: dict[str, int] = {_TOP: 0}
        self._owner = _TOP
        self._within: list[str] = []
        self._inlined = 0
        self._depth = 0
        self._may_be = Circles(self._part_at, must=False)
        self._must_be = Circles(self._part_at, must=True)

    def translate(self) -> Body:
        translated = self._schema(self._top, (), False)
        definitions: Body = {}
        while self._unread:
            self._owner = self._unread.popleft()
            target, path = self._target(self._owner) or ({}, ())
            definitions[self._names[self._owner]] = self._schema(target, path, False)
        return {**translated, "$defs": definitions} if definitions else translated

    def _schema(self, schema: Any, path: Path, is_optional: bool) -> Body:
        """Return the part at *path*; *is_optional* tells that whatever holds it may end without."""
        if schema is True:
            return {}
        if not isinstance(schema, Mapping):
            return self._nothing(path, "it allows no value")
        if self._depth == _DEEPEST:
            return self._cut(schema, path, f"it is nested more than {_DEEPEST} deep")
        self._depth += 1
        made = self._translated(schema, path, is_optional)
        self._depth -= 1
        return made

    def _translated(self, schema: Mapping[str, Any], path: Path, is_optional: bool) -> Body:
        if "$ref" in schema:
            return self._reference(schema, path, is_optional)
        if "allOf" in schema:
            return self._joined(schema, path, is_optional)
        made: Body = {}
        told: Body = {}
        for keyword, value in schema.items():
            self._keyword(keyword, value, (*path, keyword), made, told, schema, is_optional)
        return _described(made, told, schema)

    def _reference(self, schema: Mapping[str, Any], path: Path, is_optional: bool) -> Body:
        pointer = str(schema["$ref"])
        found = self._target(pointer)
        if found is None:
            return self._cut(schema, (*path, "$ref"), "`$ref` leads out of the schema")
        target, place = found
        beside = {key: value for key, value in schema.items() if key not in _UNSAID}
        if beside and isinstance(target, Mapping) and self._may_inline(pointer):
            whole = self._merged(target, beside, path)
            self._inlined += 1
            self._within.append(pointer)
            made = self._schema(whole, place, is_optional)
            self._within.pop()
            return made
        for keyword in beside:
            if keyword not in _WORDS:
                self.gaps.append(SchemaGap((*path, keyword), f"keyword {keyword!r} stands beside a '$ref'"))
        return _beside(self._named(pointer, target, path, is_optional), beside)

    def _may_inline(self, pointer: str) -> bool:
        """Tell whether the definition at *pointer* may stand here: copies in copies would grow without end."""
        is_new = pointer not in self._within and len(self._within) < _MOST_WITHIN
        return is_new and self._inlined < _MOST_INLINED

    def _named(self, pointer: str, target: Any, path: Path, is_optional: bool) -> Body:
        """Return a `$ref` to the definition at *pointer*, or what is left of it where a circle must be cut."""
        if not is_optional and self._closes_circle(pointer):
            return self._cut(target, path, "it holds itself, in what must be there", pointer)
        if self._holds_itself(pointer):
            self.gaps.append(SchemaGap(path, "it holds itself, and the API follows it a few steps only"))
        if pointer not in self._names:
            self._names[pointer] = self._free_name(pointer)
            self._unread.append(pointer)
            self._met.setdefault(pointer, len(self._met))
        return {"$ref": f"#/$defs/{self._names[pointer]}"}

    def _free_name(self, pointer: str) -> str:
        plain = pointer.rpartition("/")[2].strip("#") or "schema"
        name, number = plain, 1
        while name in self._taken:
            number += 1
            name = f"{plain}_{number}"
        self._taken.add(name)
        return name

    def _closes_circle(self, pointer: str) -> bool:
        """Tell whether *pointer* leads back to what is being read, and was met before it: one such step is cut."""
        if self._met.get(pointer, len(self._met)) > self._met[self._owner]:
            return False
        circle = self._must_be.circle_of(pointer)
        return circle is not None and circle == self._must_be.circle_of(self._owner)

    def _holds_itself(self, pointer: str) -> bool:
        return self._may_be.circle_of(pointer) is not None

    def _keyword(
        self,
        keyword: str,
        value: Any,
        path: Path,
        made: Body,
        told: Body,
        schema: Mapping[str, Any],
        is_optional: bool,
    ) -> None:
        if keyword in _SAME:
            made[keyword] = thaw(value)
        elif keyword == "properties":
            made[keyword] = self._properties(value, path, schema, is_optional)
        elif keyword in ("items", "prefixItems"):
            self._items(value, path, made, is_optional)
        elif keyword == "additionalProperties":
            made[keyword] = value if isinstance(value, bool) else self._schema(value, path, True)
        elif keyword in _SEVERAL:
            self._several(keyword, value, path, made, is_optional)
        elif keyword == "const" and _is_plain(value):
            made["enum"] = [value]
        elif (keyword == "enum" and all(map(_is_plain, value))) or (keyword == "format" and value in _FORMATS):
            made[keyword] = thaw(value)
        elif keyword not in _UNSAID and keyword not in _SAID:
            told[keyword] = thaw(value)
            self.gaps.append(SchemaGap(path, f"keyword {keyword!r}"))

    def _properties(self, value: Any, path: Path, schema: Mapping[str, Any], is_optional: bool) -> Body:
        required = schema.get("required", ())
        return {
            name: self._schema(part, (*path, name), is_optional or name not in required) for name, part in value.items()
        }

    def _items(self, value: Any, path: Path, made: Body, is_optional: bool) -> None:
        if isinstance(value, (list, tuple)):
            made["prefixItems"] = [self._schema(part, (*path, index), is_optional) for index, part in enumerate(value)]
        elif value is not True:
            made["items"] = self._schema(value, path, is_optional)

    def _several(self, keyword: str, value: Any, path: Path, made: Body, is_optional: bool) -> None:
        parts = [self._schema(part, (*path, index), is_optional) for index, part in enumerate(value)]
        if keyword == "oneOf":
            self.gaps.append(SchemaGap(path, "keyword 'oneOf'"))
        if "anyOf" in made:
            self.gaps.append(SchemaGap(path, "`oneOf` beside `anyOf`"))
        else:
            made["anyOf"] = parts

    def _joined(self, schema: Mapping[str, Any], path: Path, is_optional: bool) -> Body:
        """Return a part with `allOf` as one: the API knows nothing of the kind."""
        whole: Body = {key: value for key, value in schema.items() if key != "allOf"}
        for index, part in enumerate(schema["allOf"]):
            place = (*path, "allOf", index)
            opened = self._opened(part, place)
            if opened is None:
                self.gaps.append(SchemaGap(place, "keyword 'allOf' with what holds itself, or leads out"))
            else:
                whole = self._merged(opened, whole, place)
        return self._schema(whole, path, is_optional)

    def _opened(self, part: Any, path: Path) -> Mapping[str, Any] | None:
        """Return *part* with the definition that it names in its place."""
        seen = set[str]()
        while isinstance(part, Mapping) and "$ref" in part:
            pointer = str(part["$ref"])
            found = self._target(pointer)
            if found is None or pointer in seen or self._holds_itself(pointer):
                return None
            seen.add(pointer)
            beside = {key: value for key, value in part.items() if key not in _UNSAID}
            part = self._merged(found[0], beside, path) if isinstance(found[0], Mapping) else found[0]
        return part if isinstance(part, Mapping) else None

    def _merged(self, schema: Mapping[str, Any], beside: Mapping[str, Any], path: Path) -> Body:
        """Return *schema* and what stands *beside* it as one; where they differ in a demand, the latter holds."""
        merged = dict(schema)
        for keyword, value in beside.items():
            before = merged.get(keyword)
            if keyword == "properties" and isinstance(before, Mapping):
                merged[keyword] = {**before, **value}
            elif keyword == "required" and before is not None:
                merged[keyword] = list(dict.fromkeys((*before, *value)))
            else:
                if before is not None and before != value and keyword not in _WORDS:
                    self.gaps.append(SchemaGap(path, f"keyword {keyword!r} stands there twice"))
                merged[keyword] = value
        return merged

    def _cut(self, schema: Any, path: Path, why: str, pointer: str = "") -> Body:
        """Return what is left of a part that cannot be told: its type, and what it is called."""
        self.gaps.append(SchemaGap(path, why))
        said = schema if isinstance(schema, Mapping) else {}
        left = {key: thaw(said[key]) for key in ("type", "title", "description") if key in said}
        if pointer:
            name = self._names.get(pointer) or said.get("title") or "the whole"
            return _with_words(left, [f"It is built as {name} is, again."])
        return left

    def _nothing(self, path: Path, why: str) -> Body:
        self.gaps.append(SchemaGap(path, why))
        return {"description": "No value is valid here."}

    def _part_at(self, pointer: str) -> Any:
        found = self._target(pointer)
        return None if found is None else found[0]

    def _target(self, pointer: str) -> tuple[Any, Path] | None:
        """Return what *pointer* leads to, and its place in the schema."""
        if pointer == _TOP:
            return self._top, ()
        if not pointer.startswith("#/"):
            return None
        value: Any = self._top
        path: list[str | int] = []
        for step in pointer[2:].split("/"):
            key: str | int = step.replace("~1", "/").replace("~0", "~")
            if isinstance(value, (list, tuple)) and step.isdecimal() and int(step) < len(value):
                key = int(step)
            elif not isinstance(value, Mapping) or key not in value:
                return None
            value = value[key]
            path.append(key)
        return value, tuple(path)


def _beside(named: Body, words: Mapping[str, Any]) -> Body:
    """Return the `$ref` in *named* with the *words* that stood beside it: the one of a choice of one."""
    said = {key: words[key] for key in ("title", "description") if key in words}
    described = _described(said, {}, words)
    return {**described, "anyOf": [named]} if described and "$ref" in named else named


def _is_plain(value: Any) -> bool:
    return isinstance(value, (str, int, float)) and not isinstance(value, bool)


def _described(made: Body, told: Body, schema: Mapping[str, Any]) -> Body:
    words = [f"{word}: {_json(schema[key])}." for key, word in _SAID.items() if key in schema]
    if told:
        words.append(f"It must be valid under {_json(told)}.")
    return _with_words(made, words)


def _with_words(made: Body, words: list[str]) -> Body:
    if not words:
        return made
    said = made.get("description")
    return {**made, "description": "\n\n".join((said, *words) if isinstance(said, str) and said else words)}


def _json(value: Any) -> str:
    return json.dumps(thaw(value), ensure_ascii=False)
