"""Schemas that can be used, texts that are JSON, values that keep their schema."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema.validators import Draft202012Validator

from routebook.canonical.frozen import freeze_mapping
from routebook.outputs.answer import read_answer
from routebook.outputs.compiled import compile_foreign_schema, compile_schema
from routebook.outputs.keywords import KNOWN_KEYWORDS
from routebook.outputs.places import places
from routebook.outputs.schema import check_schema, form_problems
from routebook.outputs.validate import validate

FOLDER = {
    "type": "object",
    "properties": {"folder_id": {"type": "string"}, "confidence": {"type": "number"}},
    "required": ["folder_id"],
    "additionalProperties": False,
}
TREE = {"$defs": {"node": {"type": "object", "properties": {"kids": {"items": {"$ref": "#/$defs/node"}}}}}}

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def nested(levels):
    value = []
    for _ in range(levels - 1):
        value = [value]
    return value


# a schema


@pytest.mark.parametrize(
    "schema",
    [
        {},
        FOLDER,
        {**TREE, "$ref": "#/$defs/node"},
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "https://example.com/a.json", **FOLDER},
        {"$defs": {"a": {"$anchor": "here", "type": "string"}}, "items": {"$ref": "#here"}},
        {"$defs": {"a/b c": True}, "items": {"$ref": "#/$defs/a~1b%20c"}},
        {"const": {"$ref": "https://example.com/", "$id": 7, "pattern": "["}},
        {"properties": {"$ref": {"type": "string"}, "$id": {"type": "string"}, "pattern": {"type": "string"}}},
        {"not": {"items": {"$ref": "#"}}},
        {"properties": {"not": {"items": {"anyOf": [{"type": "null"}, {"$ref": "#"}]}}}},
        {"pattern": r"^[a-z]+(?:-[a-z]+)*$"},
        {"format": "uuid"},
    ],
)
def test_a_good_schema_has_no_problems(schema):
    assert check_schema(schema) == []
    assert check_schema(freeze_mapping(schema)) == []


@pytest.mark.parametrize(
    ("schema", "path", "said"),
    [
        ({"type": "strin"}, ("type",), "must be one of array, boolean"),
        (
            {"properties": {"a": {"minLength": -1}}},
            ("properties", "a", "minLength"),
            "must be a whole number from 0, not -1",
        ),
        ({"required": "a"}, ("required",), "must be a list of names, none of them twice, not 'a'"),
        (
            {"anyOf": [{"type": "null"}, {"items": 7}]},
            ("anyOf", 1, "items"),
            "must be a schema (a mapping, true or false), not 7",
        ),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, ("$schema",), "only https://json-schema.org/"),
        ({"items": {"$schema": "http://json-schema.org/draft-07/schema#"}}, ("items", "$schema"), "top of a schema"),
        ({"items": {"$id": "https://example.com/"}}, ("items", "$id"), "belongs to the top"),
        ({"$ref": "https://example.com/a.json"}, ("$ref",), "leads out of the schema"),
        ({"items": {"$ref": "other.json#/a"}}, ("items", "$ref"), "leads out of the schema"),
        ({"items": {"$dynamicRef": "other.json"}}, ("items", "$dynamicRef"), "leads out of the schema"),
        ({"items": {"$ref": "#/$defs/missing"}}, ("items", "$ref"), "leads to no schema"),
        ({"items": {"$ref": "#nowhere"}}, ("items", "$ref"), "leads to no schema"),
        ({"items": {"$ref": "#None"}}, ("items", "$ref"), "leads to no schema"),
        ({"const": {"a": 1}, "items": {"$ref": "#/const/a"}}, ("items", "$ref"), "leads to no schema"),
        ({"pattern": "["}, ("pattern",), "unclosed character class"),
        ({"properties": {"a": {"pattern": "(a)\\1"}}}, ("properties", "a", "pattern"), "backreferences"),
        ({"patternProperties": {"(?=a)": {}}}, ("patternProperties", "(?=a)"), "look-around"),
        ({"pattern": "a{1000}{1000}"}, ("pattern",), "size limit"),
        ({"pattern": "[a[b]]"}, ("pattern",), "escape each of"),
        ({"pattern": "[a&&b]"}, ("pattern",), "escape each of"),
        ({"pattern": "[]a]"}, ("pattern",), "escape each of"),
        ({"pattern": r"\<b\>"}, ("pattern",), "without a backslash"),
        ({"patternProperties": {"a": {}}, "unevaluatedProperties": False}, ("unevaluatedProperties",), "does not go"),
        ({"$ref": "#"}, ("$ref",), "leads back to itself"),
        ({"allOf": [{"$ref": "#"}]}, ("allOf", 0, "$ref"), "leads back to itself"),
        ({"not": {"$ref": "#"}}, ("not", "$ref"), "leads back to itself"),
        (
            {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"anyOf": [{"$ref": "#/$defs/a"}]}}},
            ("$defs", "a", "$ref"),
            "leads back to itself",
        ),
    ],
)
def test_a_bad_schema_is_reported_at_its_place(schema, path, said):
    problems = check_schema(schema)

    assert [problem.path for problem in problems] == [path]
    assert said in problems[0].message


@pytest.mark.parametrize("schema", [True, False, None, "object", []])
def test_a_schema_that_is_no_mapping_is_refused(schema):
    assert [problem.path for problem in check_schema(schema)] == [()]


def test_every_mistake_of_a_schema_is_reported_at_once():
    schema = {"properties": {"a": {"type": "strin"}, "b": {"pattern": "("}, "c": {"$ref": "#/$defs/c"}}}

    assert sorted(problem.path[1] for problem in check_schema(schema)) == ["a", "b", "c"]


def test_a_schema_nested_too_deeply_is_a_problem_and_no_crash():
    schema = {}
    for _ in range(5000):
        schema = {"items": schema}

    assert [problem.message for problem in check_schema(schema)] == ["it is nested too deeply"]


def test_a_mistake_is_told_in_one_short_sentence():
    for schema in ({"type": "x" * 5000}, {"required": ["a"] * 5000}, {"$ref": "https://example.com/" + "x" * 5000}):
        (problem,) = check_schema(schema)
        assert len(problem.message) < 250
        assert len(problem.message.splitlines()) == 1


_KEYWORDS = [name for name in KNOWN_KEYWORDS if name not in ("$vocabulary", "$schema", "$id", "$ref", "$dynamicRef")]
_ODD = st.sampled_from(
    [None, True, -1, 0, 1.0, 1.5, "", "a", "string", [], ["a"], ["a", "a"], [1], {}, {"a": {}}, [{}]]
)


@settings(max_examples=300)
@given(st.recursive(_ODD, lambda held: st.dictionaries(st.sampled_from(_KEYWORDS), held, max_size=3), max_leaves=6))
def test_a_schema_has_the_right_form_where_the_standards_own_metaschema_says_so(schema):
    if not isinstance(schema, dict):
        return
    ours = list(form_problems(places(schema)))
    theirs = list(Draft202012Validator(Draft202012Validator.META_SCHEMA).iter_errors(schema))

    assert bool(ours) is bool(theirs), (ours, theirs)


def _properties(count, make):
    return {"type": "object", "properties": {f"p{index}": make(index) for index in range(count)}}


def _deep(levels, schema):
    for _ in range(levels):
        schema = {"items": schema}
    return schema


@pytest.mark.parametrize(
    ("make", "is_good"),
    [
        (lambda: _properties(35_000, lambda index: {"type": "string"}), True),
        (lambda: _properties(25_000, lambda index: {"minimum": "low"}), False),
        (lambda: {"enum": [f"value-{index}" for index in range(70_000)]}, True),
        (lambda: {"anyOf": [{"const": index} for index in range(60_000)]}, True),
        (lambda: _deep(95, {"properties": {str(index): {} for index in range(80_000)}}), True),
        (lambda: {"$defs": {f"d{n}": {"$ref": f"#/$defs/d{n + 1}"} for n in range(25_000)} | {"d25000": {}}}, True),
        (lambda: {"$defs": {f"d{n}": {"$ref": f"#/$defs/d{(n + 1) % 25_000}"} for n in range(25_000)}}, False),
        (lambda: _properties(20_000, lambda index: {"pattern": f"^{index}$"}), False),
        (lambda: _properties(20_000, lambda index: {"pattern": f"\\w{{{100 + index % 300}}}"}), False),
        (lambda: _properties(1_000, lambda index: {"pattern": f"{index}" + "[" * 950}), False),
        (lambda: {"pattern": "[" * 1_000_000}, False),
        (lambda: {"$ref": "#" + "/items" * 150_000}, False),
    ],
    ids=[
        *("properties", "mistakes", "enum", "anyOf", "deep and wide", "chain", "circle"),
        *("patterns", "dear patterns", "unclosed patterns", "one long pattern", "one long reference"),
    ],
)
def test_a_mebibyte_of_schema_is_judged_at_once(make, is_good):
    schema = make()
    started = time.perf_counter()
    problems = check_schema(schema)

    assert time.perf_counter() - started < 4  # two seconds, and as much again for a busy machine
    assert (problems == []) is is_good


# an answer


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1}',
        ' \n{"a": 1}\n\n',
        '```json\n{"a": 1}\n```',
        '```JSON\r\n{"a": 1}\r\n```\n',
        '```\n{"a": 1}\n```',
        '```json {"a": 1}```',
    ],
)
def test_white_space_and_one_fence_around_the_json_are_taken_off(text):
    answer = read_answer(text)

    assert answer.problem is None
    assert answer.value == {"a": 1}


def test_a_json_null_is_a_value_and_no_problem():
    assert read_answer("null").problem is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        (" \n ", "empty"),
        ("``````", "empty"),
        ("```json\n```", "empty"),
        ('{"a": 1', "ends too early"),
        ('{"a": "x', "ends too early"),
        ('"abc', "ends too early"),
        ('{"a": 1,', "ends too early"),
        ("[", "ends too early"),
        ('{"a": 1, "a": 2}', "the key 'a' stands twice"),
        ('[{"b": {"a": 1, "a": 1}}]', "the key 'a' stands twice"),
        ('{"a": NaN}', "NaN"),
        ("[-Infinity]", "-Infinity"),
        ("1e999", "out of range"),
        ("1" * 5000, "more than 1000 digits"),
        ('"\\ud800"', "surrogate"),
        ('{"\\udc00": 1}', "surrogate"),
        ('{"a": 1} I hope this helps', "text follows the JSON value: 'I hope this helps'"),
        ('{"a": 1}{"a": 2}', "text follows the JSON value"),
        ('Here it is: {"a": 1}', "text stands before the JSON value"),
        ('Sure:\n```json\n{"a": 1}\n```', "text stands before the JSON value"),
        ('\ufeff{"a": 1}', "text stands before the JSON value"),
        ('```json\n{"a": 1}', "fence"),
        ('```json\n{"a": 1}\n``` there you go', "fence"),
        ("I cannot do that.", "text, not JSON: 'I cannot do that.'"),
        ("{'a': 1}", "not valid JSON: expecting property name enclosed in double quotes, at line 1 column 2"),
        ('{"a": "x\ny"}', "not valid JSON: invalid control character"),
        ('{"a": 1,}', "not valid JSON"),
        ("[" * 100_000, "nested more than 100 levels deep"),
        ("[" * 101 + "]" * 101, "nested more than 100 levels deep"),
    ],
)
def test_anything_but_strict_json_is_a_problem_that_says_what_it_is(text, said):
    answer = read_answer(text)

    assert answer.value is None
    assert said in answer.problem
    assert len(answer.problem) < 400


def test_nesting_of_exactly_one_hundred_levels_is_read():
    assert read_answer("[" * 100 + "]" * 100).value == nested(100)


@given(values)
def test_whatever_json_a_model_writes_is_read_as_it_is(value):
    assert read_answer(json.dumps(value)).value == value
    assert read_answer(f"```json\n{json.dumps(value, ensure_ascii=False, indent=2)}\n```").value == value


@given(st.text() | st.text('{}[]",:0123456789eE.-+ntrufalse`json\\ '))
def test_no_text_makes_reading_raise(text):
    answer = read_answer(text)

    assert answer.problem is None or answer.value is None


# a value


@pytest.mark.parametrize(
    ("schema", "value", "problems"),
    [
        (FOLDER, {"folder_id": "f"}, ()),
        (FOLDER, {"folder_id": 7}, ("/folder_id: 7 is not of type 'string'",)),
        (FOLDER, {}, ("/: 'folder_id' is a required property",)),
        (FOLDER, [], ("/: [] is not of type 'object'",)),
        (FOLDER, {"folder_id": "f", "b": 1}, ("/: additional properties are not allowed ('b')",)),
        (
            {"items": {"properties": {"a/b~": {"type": "null"}}}},
            [{}, {"a/b~": 1}],
            ("/1/a~1b~0: 1 is not of type 'null'",),
        ),
        ({"properties": {"a\n": False}}, {"a\n": 1}, ("/a\\n: 1 is not allowed here",)),
        ({"type": "integer"}, True, ("/: True is not of type 'integer'",)),
        ({"pattern": "^a$"}, "b", ("/: 'b' does not match '^a$'",)),
        ({"pattern": "^a$"}, "a\n", ("/: 'a\\n' does not match '^a$'",)),
        ({"pattern": r"^\p{Lu}"}, "Éa", ()),
        ({"patternProperties": {"^n_": {"type": "number"}}}, {"n_a": "x"}, ("/n_a: 'x' is not of type 'number'",)),
        ({"patternProperties": {"^n_": {}}, "additionalProperties": False}, {"n_a": 1}, ()),
        (
            {"properties": {"a": {}}, "additionalProperties": {"type": "null"}},
            {"a": 1, "b": 2},
            ("/b: 2 is not of type 'null'",),
        ),
        ({"format": "uuid"}, "no uuid", ()),
        ({"multipleOf": 0.5}, 10**400, ("the value holds a number too large to be checked",)),
    ],
)
def test_each_problem_is_one_sentence_with_its_place(schema, value, problems):
    assert check_schema(schema) == []
    assert validate(schema, value) == problems
    assert validate(freeze_mapping(schema), value) == problems


def test_a_value_that_fits_no_alternative_is_told_why_for_each():
    schema = {"properties": {"a": {"anyOf": [{"type": "string"}, {"items": {"type": "null"}}]}}}

    assert validate(schema, {"a": [1]}) == (
        "/a: [1] is not valid under any of the given schemas "
        "([1] is not of type 'string'; /0: 1 is not of type 'null')",
    )


def test_a_schemas_own_id_and_dialect_change_nothing():
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://example.com/tree.json",
        "type": "object",
        "properties": {"kids": {"items": {"$ref": "#"}}, "name": {"pattern": "^(a+)+$"}},
    }

    assert validate(schema, {"kids": [{"kids": [7]}]}) == ("/kids/0/kids/0: 7 is not of type 'object'",)


def test_a_frozen_value_is_validated_like_a_plain_one():
    assert validate(FOLDER, freeze_mapping({"folder_id": "f"})) == ()
    assert validate({"properties": {"a": {"type": "array"}}}, freeze_mapping({"a": [1]})) == ()


def test_a_hundred_problems_are_told_as_twenty():
    problems = validate({"items": {"type": "null"}}, list(range(100)))

    assert len(problems) == 20
    assert problems[0] == "/0: 0 is not of type 'null'"
    assert problems[-1] == "there are further problems"


def test_twenty_problems_are_all_told():
    problems = validate({"items": {"type": "null"}}, list(range(20)))

    assert problems[-1] == "/19: 19 is not of type 'null'"


def test_a_problem_with_a_huge_value_is_short_and_still_says_what_is_wrong():
    (problem,) = validate({"maxLength": 3}, "x" * 100_000)

    assert len(problem) < 250
    assert problem.endswith("is too long")


def test_nesting_without_end_is_a_problem_and_no_crash():
    assert validate({**TREE, "items": {"$ref": "#"}}, nested(3000)) == ("the value is nested too deeply to be checked",)


def test_a_pattern_that_makes_a_backtracking_matcher_hang_is_matched_at_once():
    schema = {"properties": {"a": {"pattern": "^(a+)+$"}}, "patternProperties": {"^(b|b)*$": {}}}
    started = time.perf_counter()

    assert check_schema(schema) == []
    assert len(validate(schema, {"a": "a" * 50_000 + "!", "b" * 50_000 + "!": 1})) == 1
    assert time.perf_counter() - started < 5


@settings(max_examples=60)
@given(values)
def test_no_value_makes_validating_raise_and_all_that_is_said_is_bounded(value):
    schema = {
        "anyOf": [{"type": "object", "additionalProperties": {"$ref": "#"}, "minProperties": 3}, {"type": "null"}]
    }

    for problem in validate(schema, value):
        assert len(problem) < 1500
        assert len(problem.splitlines()) == 1


def test_a_schema_is_compiled_once_for_as_long_as_it_is_the_same_object():
    schema = freeze_mapping(FOLDER)

    assert compile_schema(schema) is compile_schema(schema)
    assert compile_foreign_schema(schema) is compile_foreign_schema(schema)
    assert compile_schema(schema) is not compile_schema(freeze_mapping(FOLDER))
