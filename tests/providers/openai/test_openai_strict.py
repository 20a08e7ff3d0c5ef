from __future__ import annotations

import pytest

from routebook.canonical.frozen import freeze_mapping
from routebook.providers.openai.strict import allows_strict, strict_gap


def closed(**properties: object) -> dict:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


TEXT = {"type": "string"}


@pytest.mark.parametrize(
    "schema",
    [
        closed(),
        closed(a=TEXT, b={"type": ["number", "null"], "minimum": 0}),
        closed(a={"type": "array", "items": closed(b=TEXT)}),
        closed(a={"anyOf": [TEXT, closed(b={"enum": ["x"]})]}),
        {**closed(a={"$ref": "#/$defs/d"}), "$defs": {"d": closed(b=TEXT)}},
        {**closed(a={"type": "string", "format": "date"}), "title": "T", "description": "D"},
    ],
)
def test_a_closed_schema_of_known_words_may_be_strict(schema: dict):
    assert allows_strict(schema)
    assert allows_strict(freeze_mapping(schema))


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "array", "items": TEXT},
        {"type": "object"},
        {**closed(a=TEXT), "required": []},
        {**closed(a=TEXT), "additionalProperties": True},
        {**closed(a=TEXT), "anyOf": [closed()]},
        {**closed(a=TEXT), "patternProperties": {}},
        closed(a={"type": "object", "properties": {"b": TEXT}}),
        closed(a={"type": "array"}),
        closed(a={"type": "array", "items": {"type": "object"}}),
        closed(a={"type": "array", "items": True}),
        closed(a={"type": "string", "minLength": 1}),
        closed(a={"type": "string", "format": "iri"}),
        closed(a={"anyOf": [TEXT, {"type": "object"}]}),
        closed(a={"oneOf": [TEXT]}),
        closed(a={"$ref": "#/$defs/d", "description": "beside"}),
        closed(a={"description": "anything"}),
        closed(a={}),
        closed(a=True),
        {**closed(a=TEXT), "$defs": {"d": {"type": "object"}}},
    ],
)
def test_any_other_schema_may_not(schema: dict):
    assert not allows_strict(schema)


def test_a_schema_nested_beyond_the_apis_depth_may_not():
    schema = closed()
    for _ in range(20):
        schema = closed(a=schema)
    assert not allows_strict(schema)


@pytest.mark.parametrize(
    ("schema", "path", "why"),
    [
        ({"type": "array"}, (), "the top is no object"),
        ({**closed(), "anyOf": [TEXT]}, ("anyOf",), "keyword 'anyOf' stands at the top"),
        (closed(a=closed(b={"oneOf": [TEXT]})), ("properties", "a", "properties", "b", "oneOf"), "keyword 'oneOf'"),
        ({**closed(a=TEXT), "required": []}, ("properties", "a"), "property 'a' is not required"),
        ({**closed(), "required": ["a"]}, ("required",), "property 'a' is required, and not declared"),
        (closed(a={"type": "object"}), ("properties", "a"), "`additionalProperties` is not false"),
        (
            closed(a={"type": "array", "items": closed(b={"type": "string", "format": "iri"})}),
            ("properties", "a", "items", "properties", "b", "format"),
            "format 'iri'",
        ),
        (
            closed(a={"anyOf": [TEXT, {"$ref": "#/$defs/d", "title": "T"}]}),
            ("properties", "a", "anyOf", 1, "title"),
            "keyword 'title' stands beside '$ref'",
        ),
    ],
)
def test_the_first_thing_that_strict_mode_does_not_take_is_told_with_its_place(schema: dict, path: tuple, why: str):
    gap = strict_gap(freeze_mapping(schema))

    assert gap is not None
    assert (gap.path, gap.why) == (path, why)


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        (closed(**{f"p{n}": TEXT for n in range(5001)}), "more than 5000 properties"),
        (closed(a={"enum": list(range(600))}, b={"enum": list(range(600))}), "more than 1000 values"),
        (closed(a={"enum": [f"{n:0>60}" for n in range(251)]}), "an `enum` of more than 250 values"),
        (closed(**{f"{n:a>60}": TEXT for n in range(2001)}), "over 120000 letters"),
        (closed(a={"type": "array", "items": closed(b={"const": "x" * 120_000})}), "over 120000 letters"),
    ],
)
def test_a_schema_may_be_too_large_to_be_strict(schema: dict, why: str):
    gap = strict_gap(schema)
    assert gap is not None
    assert (gap.path, why in gap.why) == ((), True)


def test_a_schema_may_be_large():
    assert allows_strict(closed(**{f"p{n}": TEXT for n in range(5000)}))
    assert allows_strict(closed(a={"enum": list(range(1000))}))
