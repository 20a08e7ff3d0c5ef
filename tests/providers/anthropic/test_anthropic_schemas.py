from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from routebook.canonical.frozen import freeze
from routebook.providers.anthropic.schemas import held_schema, schema_gap

STRING = {"type": "string"}


def closed(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    "schema",
    [
        closed(a=STRING),
        closed(a={"type": ["string", "null"]}, b={"enum": ["x", 1, None]}, c={"const": True}),
        closed(a={"type": "string", "format": "uuid", "description": "An id.", "default": "x", "title": "A"}),
        closed(a={"type": "array", "items": {"type": "integer"}, "minItems": 1}),
        closed(a={"anyOf": [STRING, {"type": "null"}]}),
        {**closed(a={"$ref": "#/$defs/b"}), "$defs": {"b": closed(c=STRING)}},
        {**closed(a=STRING, b=STRING), "required": ["a"]},
    ],
)
def test_a_schema_that_the_api_knows_is_sent_as_it_is(schema: dict[str, Any]):
    assert schema_gap(freeze(schema)) is None
    assert held_schema(freeze(schema)) == schema


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("minimum", 1),
        ("pattern", "^a"),
        ("maxItems", 3),
        ("minItems", 2),
        ("format", "iri"),
        ("enum", [{"a": 1}]),
        ("const", [1]),
        ("not", {"type": "null"}),
    ],
)
def test_a_keyword_that_the_api_does_not_know_is_told_in_words(keyword: str, value: Any):
    schema = closed(a={"type": "integer", "description": "A number.", keyword: value})
    gap = schema_gap(schema)
    assert (gap.path, gap.why) == (("properties", "a", keyword), f"keyword {keyword!r}")
    part = held_schema(schema)["properties"]["a"]
    assert part.keys() == {"type", "description"}
    assert part["description"].startswith('A number.\n\nIt must be valid under {"' + keyword)


def test_an_object_that_takes_anything_else_is_closed():
    schema = {"type": "object", "properties": {"a": {"type": "object", "properties": {"b": STRING}}}}
    assert held_schema(schema) == {
        "type": "object",
        "properties": {"a": {"type": "object", "properties": {"b": STRING}, "additionalProperties": False}},
        "additionalProperties": False,
    }
    assert schema_gap(schema).why == "`additionalProperties` is not false"


def test_one_of_several_is_any_of_them():
    schema = closed(a={"oneOf": [STRING, {"type": "null"}]})
    assert held_schema(schema) == closed(a={"anyOf": [STRING, {"type": "null"}]})
    assert schema_gap(schema).path == ("properties", "a", "oneOf")


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ({"type": "array", "items": STRING}, ()),
        ({"type": "object"}, ()),
        ({"type": "object", "additionalProperties": STRING}, ("additionalProperties",)),
        ({**closed(a=STRING), "additionalProperties": STRING}, ("additionalProperties",)),
        (closed(a={}), ("properties", "a")),
        (closed(a=True), ("properties", "a")),
        (closed(a={"$ref": "https://a.example/b"}), ("properties", "a", "$ref")),
        (closed(a={"$ref": "#"}), ("properties", "a", "$ref")),
        ({**closed(a=STRING), "required": ["a", "b"]}, ("required",)),
        (
            {**closed(a={"$ref": "#/$defs/b"}), "$defs": {"b": closed(c={"$ref": "#/$defs/b"})}},
            ("$defs", "b"),
        ),
        (
            {
                **closed(a={"$ref": "#/$defs/b"}),
                "$defs": {"b": closed(c={"$ref": "#/$defs/d"}), "d": closed(e={"$ref": "#/$defs/b"})},
            },
            ("$defs", "b"),
        ),
        (closed(a={"allOf": [{"$ref": "#/$defs/b"}]}), ("properties", "a", "allOf")),
        # closed, as the API wants them, these would leave no answer
        (closed(a={"allOf": [{"properties": {"b": STRING}}, {"properties": {"c": STRING}}]}), ("properties", "a")),
        (closed(a={"properties": {"b": STRING}, "anyOf": [closed(c=STRING), STRING]}), ("properties", "a")),
        (closed(a={"enum": [{"b": 1}]}), ("properties", "a")),
        ({**closed(**{f"p{index}": STRING for index in range(25)}), "required": []}, ()),
        (closed(**{f"p{index}": {"type": ["string", "null"]} for index in range(17)}), ()),
    ],
)
def test_a_schema_of_which_too_little_would_be_left_is_none(schema: dict[str, Any], path: tuple):
    assert held_schema(schema) is None
    assert schema_gap(schema).path == path


def test_one_object_among_what_is_joined_is_kept():
    for joined in ({"anyOf": [closed(b=STRING), closed(c=STRING)]}, {"allOf": [closed(b=STRING)]}):
        assert held_schema(closed(a=joined)) == closed(a=joined)


def test_a_reference_stands_alone():
    schema = {**closed(a={"$ref": "#/$defs/b", "description": "B."}), "$defs": {"b": STRING}}
    assert held_schema(schema)["properties"]["a"] == {"$ref": "#/$defs/b"}
    assert schema_gap(schema).path == ("properties", "a", "description")


def test_deep_nesting_ends():
    schema: dict[str, Any] = closed(a=STRING)
    for _ in range(100):
        schema = closed(a=schema)
    assert held_schema(schema) is None


@pytest.mark.parametrize("value", [{"a": {"b": "x"}, "n": 3}, {"a": {}, "n": 1}, {"a": {}}, {}])
def test_what_the_written_schema_allows_the_sent_one_allows_as_well(value: Any):
    part = {"type": "object", "properties": {"b": STRING}}
    written = {"type": "object", "properties": {"a": part, "n": {"type": "integer", "minimum": 1}}}
    assert Draft202012Validator(written).is_valid(value)
    assert Draft202012Validator(held_schema(written)).is_valid(value)
