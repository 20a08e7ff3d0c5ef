"""Keywords: what each keyword of JSON Schema 2020-12 may be given.

Comes in: one schema, without what is inside it. Goes out: the keywords whose values are wrong, each with a short
sentence. Keywords that the standard does not know are notes, and left alone. This is the standard's own metaschema as
one table: read through the metaschema itself, a schema of a mebibyte would take many seconds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .checks.found import shown
from .places import HOLDS_LIST, HOLDS_NAMED, HOLDS_ONE

_TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")
_ANCHOR = re.compile(r"[A-Za-z_][-A-Za-z0-9._]*")


def keyword_problems(schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each keyword of *schema* whose value is wrong, and what it has to be."""
    for keyword, value in schema.items():
        rule = _RULES.get(keyword)
        if rule is not None and not rule[0](value):
            yield keyword, f"`{keyword}` must be {rule[1]}, not {_shown(value)}"


def is_schema(value: Any) -> bool:
    """Tell whether *value* has the form of a schema."""
    return isinstance(value, (dict, bool))


def _shown(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, list):
        return shown(value) if value else "an empty list"
    return shown(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_anchor(value: Any) -> bool:
    return isinstance(value, str) and _ANCHOR.match(value) is not None


def _is_identity(value: Any) -> bool:
    return isinstance(value, str) and "#" not in value.removesuffix("#")


def _is_truth(value: Any) -> bool:
    return isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_positive(value: Any) -> bool:
    return _is_number(value) and value > 0


def _is_count(value: Any) -> bool:
    return _is_number(value) and value >= 0 and (isinstance(value, int) or value.is_integer())


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _is_mapping(value: Any) -> bool:
    return isinstance(value, dict)


def _is_some_list(value: Any) -> bool:
    return isinstance(value, list) and bool(value)


def _is_type(value: Any) -> bool:
    if isinstance(value, str):
        return value in _TYPES
    return _is_names(value) and bool(value) and all(name in _TYPES for name in value)


def _is_names(value: Any) -> bool:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        return False
    return len(set(value)) == len(value)


def _is_names_by_name(value: Any) -> bool:
    return isinstance(value, dict) and all(_is_names(names) for names in value.values())


def _is_truths_by_name(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(truth, bool) for truth in value.values())


_Rule = tuple[Callable[[Any], bool], str]


def _each(keywords: str, rule: Callable[[Any], bool], wanted: str) -> dict[str, _Rule]:
    return dict.fromkeys(keywords.split(), (rule, wanted))


_RULES: Mapping[str, _Rule] = {
    "type": (_is_type, f"one of {', '.join(_TYPES)}, or a list of some of them"),
    "$id": (_is_identity, "a URI without a fragment"),
    "multipleOf": (_is_positive, "a number above zero"),
    "required": (_is_names, "a list of names, none of them twice"),
    "dependentRequired": (_is_names_by_name, "a mapping of lists of names"),
    "$vocabulary": (_is_truths_by_name, "a mapping to true and false"),
    **_each("$anchor $dynamicAnchor $recursiveAnchor", _is_anchor, "a name without special characters"),
    **_each("$schema $ref $dynamicRef $recursiveRef $comment title description", _is_text, "text"),
    **_each("pattern format contentEncoding contentMediaType", _is_text, "text"),
    **_each("minimum maximum exclusiveMinimum exclusiveMaximum", _is_number, "a number"),
    **_each("minLength maxLength minItems maxItems minContains maxContains", _is_count, "a whole number from 0"),
    **_each("minProperties maxProperties", _is_count, "a whole number from 0"),
    **_each("uniqueItems deprecated readOnly writeOnly", _is_truth, "true or false"),
    **_each("enum examples", _is_list, "a list"),
    **_each(" ".join(HOLDS_ONE), is_schema, "a schema (a mapping, true or false)"),
    **_each(" ".join(HOLDS_LIST), _is_some_list, "a list of at least one schema"),
    **_each(" ".join(HOLDS_NAMED), _is_mapping, "a mapping of names to schemas"),
}

KNOWN_KEYWORDS = tuple(sorted(_RULES))
"""The keywords that have a rule."""
