from __future__ import annotations

import json
import time
from typing import Any

import pytest

from routebook.providers.gemini.schemas import held_schema, schema_gap

NODE = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "next": {"$ref": "#/$defs/node"}},
    "required": ["name"],
}
MUST = {**NODE, "required": ["name", "next"]}


def holding(definition: dict[str, Any], **defs: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"root": {"$ref": "#/$defs/node"}},
        "required": ["root"],
        "$defs": {"node": definition, **defs},
    }


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False},
        {"type": "object", "additionalProperties": {"type": "number", "minimum": 0, "maximum": 1}},
        {"type": "array", "items": {"type": ["string", "null"]}, "minItems": 1, "maxItems": 3},
        {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}]},
        {"type": "string", "enum": ["a", "b"]},
        {"type": "number", "enum": [1, 2.5]},
        {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}], "title": "When", "description": "W."},
        {},
    ],
)
def test_what_the_api_knows_is_sent_as_it_is(schema: dict[str, Any]):
    assert held_schema(schema) == schema
    assert schema_gap(schema) is None


@pytest.mark.parametrize(
    ("schema", "sent"),
    [
        ({"const": "a"}, {"enum": ["a"]}),
        ({"$schema": "x", "$id": "y", "$comment": "z", "type": "string"}, {"type": "string"}),
        ({"type": "integer", "default": 3}, {"type": "integer", "description": "Default: 3."}),
        (
            {"type": "string", "description": "A name.", "examples": ["x"]},
            {"type": "string", "description": 'A name.\n\nExamples: ["x"].'},
        ),
        ({"items": [{"type": "string"}]}, {"prefixItems": [{"type": "string"}]}),
        ({"type": "array", "items": True}, {"type": "array"}),
        ({"allOf": [{"type": "string"}], "title": "T"}, {"type": "string", "title": "T"}),
    ],
)
def test_what_can_be_said_in_another_way_is_no_gap(schema: dict[str, Any], sent: dict[str, Any]):
    assert held_schema(schema) == sent
    assert schema_gap(schema) is None


@pytest.mark.parametrize(
    ("schema", "path", "why"),
    [
        ({"type": "string", "pattern": "^a"}, ("pattern",), "keyword 'pattern'"),
        ({"properties": {"a": {"minLength": 1}}}, ("properties", "a", "minLength"), "keyword 'minLength'"),
        ({"items": {"format": "email"}}, ("items", "format"), "keyword 'format'"),
        ({"enum": ["a", None]}, ("enum",), "keyword 'enum'"),
        ({"const": True}, ("const",), "keyword 'const'"),
        ({"not": {"type": "null"}}, ("not",), "keyword 'not'"),
        ({"anyOf": [{"if": {}}]}, ("anyOf", 0, "if"), "keyword 'if'"),
        ({"oneOf": [{"type": "string"}]}, ("oneOf",), "keyword 'oneOf'"),
        ({"patternProperties": {"^a": {}}}, ("patternProperties",), "keyword 'patternProperties'"),
        ({"additionalProperties": {"exclusiveMinimum": 1}}, ("additionalProperties", "exclusiveMinimum"), "keyword"),
        ({"properties": {"a": False}}, ("properties", "a"), "it allows no value"),
        ({"$ref": "https://a.example/b"}, ("$ref",), "`$ref` leads out of the schema"),
        ({"$ref": "#/$defs/gone"}, ("$ref",), "`$ref` leads out of the schema"),
        (
            {"allOf": [{"type": "string"}, {"type": "integer"}]},
            ("allOf", 1),
            "keyword 'type' stands there twice",
        ),
        (holding(NODE), ("$defs", "node", "properties", "next"), "the API follows it a few steps only"),
        (holding(MUST), ("properties", "root"), "the API follows it a few steps only"),
    ],
)
def test_what_the_api_cannot_hold_a_model_to_is_named_with_its_place(schema: dict[str, Any], path: tuple, why: str):
    gap = schema_gap(schema)
    assert gap is not None
    if schema == holding(NODE):
        path = ("properties", "root")  # the first place where the circle is met
    assert (gap.path, why in gap.why) == (path, True), gap


def test_keywords_that_the_api_does_not_know_are_told_in_words():
    schema = {"type": "string", "description": "A code.", "pattern": "^ü+$", "minLength": 2}
    words = 'A code.\n\nIt must be valid under {"pattern": "^ü+$", "minLength": 2}.'
    assert held_schema(schema) == {"type": "string", "description": words}


def test_a_reference_with_something_beside_it_holds_the_definition_in_its_place():
    schema = {
        "type": "object",
        "properties": {
            "home": {"$ref": "#/$defs/place", "description": "Where from.", "title": "Home"},
            "away": {"$ref": "#/$defs/place"},
        },
        "$defs": {"place": {"type": "string", "title": "Place"}, "unused": {"type": "null"}},
    }
    assert held_schema(schema) == {
        "type": "object",
        "properties": {
            "home": {"type": "string", "title": "Home", "description": "Where from."},
            "away": {"$ref": "#/$defs/place"},
        },
        "$defs": {"place": {"type": "string", "title": "Place"}},
    }
    assert schema_gap(schema) is None


def test_no_reference_has_anything_beside_it_and_each_leads_somewhere():
    """Whatever stands in a schema: definitions stand at the top alone, and only those that are used."""
    schema = {
        "definitions": {"a": {"$ref": "#/definitions/b", "default": 1}, "b": {"anyOf": [{"$ref": "#/properties/x"}]}},
        "type": "object",
        "properties": {
            "x": {"type": "array", "items": {"$ref": "#/definitions/a"}, "$defs": {"inner": {"type": "string"}}},
            "y": {"$ref": "#/properties/x/$defs/inner"},
            "z": {"$ref": "#"},
            "w": {"allOf": [{"$ref": "#/definitions/b"}], "description": "W."},
        },
    }
    held = held_schema(schema)
    references = list(found(held))
    assert references
    for reference in references:
        assert reference.keys() == {"$ref"}
        assert reference["$ref"].removeprefix("#/$defs/") in held["$defs"]
    assert json.dumps(held).count('"$defs"') == 1
    assert "definitions" not in held


def found(value: Any):
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value
        for part in value.values():
            yield from found(part)
    elif isinstance(value, list):
        for part in value:
            yield from found(part)


def test_a_circle_by_what_may_be_missing_stays():
    held = held_schema(holding(NODE))
    assert held["$defs"]["node"]["properties"]["next"] == {"$ref": "#/$defs/node"}


def test_a_circle_by_what_must_be_there_is_cut_and_told():
    held = held_schema(holding(MUST))
    assert held["properties"]["root"] == {"$ref": "#/$defs/node"}
    assert held["$defs"]["node"]["properties"]["next"] == {
        "type": "object",
        "description": "It is built as node is, again.",
    }


def test_a_circle_of_several_is_cut_once():
    schema = {
        "$ref": "#/$defs/a",
        "$defs": {
            "a": {"type": "object", "properties": {"b": {"$ref": "#/$defs/b"}}, "required": ["b"]},
            "b": {"type": "array", "items": {"anyOf": [{"$ref": "#/$defs/a"}, {"type": "null"}]}},
        },
    }
    held = held_schema(schema)
    assert held["$defs"]["a"]["properties"]["b"] == {"$ref": "#/$defs/b"}
    assert held["$defs"]["b"]["items"]["anyOf"][0] == {"type": "object", "description": "It is built as a is, again."}


def test_what_leads_to_a_circle_is_not_part_of_it():
    schema = holding(NODE, other={"type": "object", "properties": {"n": {"$ref": "#/$defs/node"}}, "required": ["n"]})
    schema["properties"]["other"] = {"$ref": "#/$defs/other"}
    schema["required"] = ["root", "other"]
    assert held_schema(schema)["$defs"]["other"]["properties"]["n"] == {"$ref": "#/$defs/node"}


def test_a_circle_that_may_end_at_one_step_is_not_cut_there():
    leaf = {"type": "object", "properties": {"up": {"$ref": "#/$defs/node"}}}
    tree = {"type": "object", "properties": {"leaf": {"$ref": "#/$defs/leaf"}}, "required": ["leaf"]}
    held = held_schema(holding(tree, leaf=leaf))
    assert held["$defs"]["node"]["properties"]["leaf"] == {"$ref": "#/$defs/leaf"}
    assert held["$defs"]["leaf"]["properties"]["up"] == {"$ref": "#/$defs/node"}


def test_the_whole_may_hold_itself():
    schema = {"type": "object", "properties": {"next": {"$ref": "#"}, "name": {"type": "string"}}}
    held = held_schema(schema)
    assert held["properties"]["next"] == {"$ref": "#/$defs/schema"}
    assert held["$defs"]["schema"]["properties"]["next"] == {"$ref": "#/$defs/schema"}


def test_a_reference_to_itself_with_words_beside_it_ends():
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node", "description": "The next."}}}
    held = held_schema(holding(node))
    assert list(found(held))
    assert len(json.dumps(held)) < 1000


def test_definitions_that_double_at_each_step_take_no_time():
    """Each definition names the next one twice, with words beside: in place of all of them would be 2**40 parts."""
    defs = {
        f"d{step}": {
            "type": "object",
            "properties": {side: {"$ref": f"#/$defs/d{step + 1}", "description": side} for side in ("left", "right")},
        }
        for step in range(40)
    }
    began = time.process_time()
    held = held_schema({"$ref": "#/$defs/d0", "$defs": {**defs, "d40": {"type": "string"}}})
    assert time.process_time() - began < 2
    assert len(json.dumps(held)) < 1_000_000


def test_copies_do_not_grow_and_the_words_beside_a_reference_stay():
    """Each of many definitions names others with words beside: what would be copied in copies is named."""
    count = 100
    defs = {
        f"d{step}": {
            "type": "object",
            "properties": {
                f"p{i}": {
                    "$ref": f"#/$defs/d{(step * 7 + i * 13) % count}",
                    "description": f"D{step}, {i}.",
                    "default": 1,
                }
                for i in range(5)
            },
        }
        for step in range(count)
    }
    schema = {"type": "object", "properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": defs}
    held = held_schema(schema)
    assert len(json.dumps(held)) < 3 * len(json.dumps(schema))
    assert len(held["$defs"]) == count
    (wrapped,) = {json.dumps(part) for part in wraps(held) if "D99, 1." in part["description"]}
    assert json.loads(wrapped) == {
        "description": "D99, 1.\n\nDefault: 1.",
        "anyOf": [{"$ref": f"#/$defs/d{(99 * 7 + 13) % count}"}],
    }


def wraps(value: Any):
    """Yield the choices of one in *value*."""
    if isinstance(value, dict):
        if len(value.get("anyOf", ())) == 1:
            yield value
        for part in value.values():
            yield from wraps(part)


@pytest.mark.parametrize("beside", [{}, {"description": "One."}])
def test_definitions_that_lead_to_one_another_are_looked_at_once(beside: dict[str, Any]):
    """Each of many definitions leads to all the others, on many ways, and nowhere does reading one need another."""
    count = 1500
    defs = {
        f"d{step}": {
            "properties": {f"p{i}": {"$ref": f"#/$defs/d{(step * 7 + i * 13 + 1) % count}", **beside} for i in range(6)}
        }
        for step in range(count)
    }
    began = time.process_time()
    held = held_schema({"$ref": "#/$defs/d0", "$defs": defs})
    assert time.process_time() - began < 2
    assert len(held["$defs"]) == count


def test_definitions_in_one_anothers_place_are_no_tower():
    """A chain of definitions, each with words beside its `$ref`, is longer than functions can call one another."""
    defs = {f"d{step}": {"properties": {"n": {"$ref": f"#/$defs/d{step + 1}", "title": "N"}}} for step in range(2000)}
    held = held_schema({"$ref": "#/$defs/d0", "$defs": {**defs, "d2000": {"type": "string"}}})
    assert held["$defs"]["d2000"] == {"type": "string"}


def test_parts_of_parts_are_no_tower():
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(1000):
        schema = {"allOf": [schema]}
    assert "nested" in schema_gap({"properties": {"a": schema}}).why


def test_a_schema_that_is_nested_too_deeply_is_cut():
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(200):
        schema = {"type": "array", "items": schema}
    assert json.dumps(held_schema(schema)).count("items") < 100
    assert "nested" in schema_gap(schema).why
