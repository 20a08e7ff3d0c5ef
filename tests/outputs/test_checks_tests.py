"""The checks that find problems: range, pattern, unique, subset_of, max_length, python."""

from __future__ import annotations

import json

import pytest

from routebook.canonical.frozen import freeze_mapping
from routebook.errors import RequestError
from routebook.outputs.checks.examine import misfits, ready, run_test
from routebook.outputs.checks.python import python_problems
from routebook.outputs.inputs import candidate_inputs_of, inputs_of
from routebook.routing.output_spec import (
    Alternative,
    ChoiceSpec,
    MaxLengthSpec,
    OutputSpec,
    PatternSpec,
    PythonSpec,
    RangeSpec,
    SubsetSpec,
    UniqueSpec,
)

RANGE = RangeSpec("a", 1, 3)
PATTERN = PatternSpec("a", "^x+$")
UNIQUE = UniqueSpec("a")
BY = UniqueSpec("a", "id")
MAX = MaxLengthSpec("a", 3)
TAGS = SubsetSpec("a", "tags")
IDS = SubsetSpec("a", "folders", "id")
INPUTS = {"tags": ["x", 1, True], "folders": [{"id": "f"}, {"id": 2, "name": "g"}]}


def problems(spec, held, inputs=INPUTS):
    return list(ready(spec, inputs)({"a": held}))


@pytest.mark.parametrize(
    ("spec", "held"),
    [
        (RANGE, 1),
        (RANGE, 3.0),
        (RangeSpec("a", min=1), 10**400),
        (RangeSpec("a", max=1), -5),
        (PATTERN, "xxx"),
        (PatternSpec("a", "b"), "abc"),
        (UNIQUE, []),
        (UNIQUE, [1, True, "1", [1], {"a": 1}, {"a": True}, None]),
        (BY, [{"id": 1}, {"id": 2}, {"name": "x"}, {"name": "x"}, 7, 7]),
        (MAX, "äöü"),
        (MAX, [1, 2, 3]),
        (TAGS, []),
        (TAGS, ["x", 1.0, True, "x"]),
        (IDS, ["f", 2]),
        (IDS, [{"id": "f", "name": "other"}]),
        (RANGE, None),
        (PATTERN, None),
        (UNIQUE, None),
        (MAX, None),
        (TAGS, None),
    ],
)
def test_what_is_fine_has_no_problem(spec, held):
    assert problems(spec, held) == []
    assert list(ready(spec, INPUTS)(freeze_mapping({"a": held}))) == []
    assert list(ready(spec, INPUTS)({})) == []
    assert list(ready(spec, INPUTS)("no object")) == []


@pytest.mark.parametrize(
    ("spec", "held", "said"),
    [
        (RANGE, 0.5, ["/a: 0.5 is less than 1"]),
        (RANGE, 4, ["/a: 4 is greater than 3"]),
        (RANGE, True, ["/a: True is not a number"]),
        (RANGE, "2", ["/a: '2' is not a number"]),
        (PATTERN, "xy", ["/a: 'xy' does not match '^x+$'"]),
        (PATTERN, "x\n", ["/a: 'x\\n' does not match '^x+$'"]),
        (PATTERN, 7, ["/a: 7 is not text"]),
        (
            UNIQUE,
            [1, 2, 1.0, 2],
            ["/a/2: 1.0 repeats item 0; items must differ", "/a/3: 2 repeats item 1; items must differ"],
        ),
        (
            UNIQUE,
            [{"x": [1], "y": 2}, {"y": 2, "x": [1]}],
            ["/a/1: {'x': [1], 'y': 2} repeats item 0; items must differ"],
        ),
        (UNIQUE, "xx", ["/a: 'xx' is not a list"]),
        (BY, [{"id": 1, "n": 1}, {"id": 1, "n": 2}], ["/a/1/id: 1 repeats item 0; items must differ"]),
        (MAX, "abcd", ["/a: it has 4 characters; at most 3 are allowed"]),
        (MAX, [1, 2, 3, 4], ["/a: it has 4 items; at most 3 are allowed"]),
        (MAX, 1234, ["/a: 1234 is neither text nor a list"]),
        (TAGS, ["x", "y"], ["/a/1: 'y' is not in the list that is allowed (tags)"]),
        (TAGS, [None, "1", False], ["/a/0: None", "/a/1: '1'", "/a/2: False"]),
        (TAGS, "x", ["/a: 'x' is not a list"]),
        (IDS, ["g", {"id": "g"}, {}], ["/a/0: 'g'", "/a/1: 'g'", "/a/2: None"]),
    ],
)
def test_what_is_not_fine_is_told_with_its_place(spec, held, said):
    found = problems(spec, held)

    assert len(found) == len(said)
    assert all(problem.startswith(start) for problem, start in zip(found, said, strict=True))


def test_a_huge_value_does_not_fill_a_problem():
    assert all(len(problem) < 200 for spec in (PATTERN, UNIQUE, TAGS) for problem in problems(spec, ["y" * 9999] * 2))


@pytest.mark.parametrize(
    ("spec", "inputs", "said"),
    [
        (TAGS, {}, "input 'tags' is missing"),
        (TAGS, {"tags": "x"}, "input 'tags' is of type str"),
        (TAGS, {"tags": None}, "input 'tags' is null"),
        (TAGS, {"tags": [{"id": 1}]}, "name the key of its id in the check's `id`"),
        (TAGS, {"tags": ["x", None]}, "inputs['tags'][1] is null"),
        (IDS, {"folders": ["f"]}, "inputs['folders'][0] is of type str"),
        (IDS, {"folders": [{"name": "f"}]}, "the 'id' of inputs['folders'][0] is null"),
    ],
)
def test_inputs_that_a_subset_cannot_be_taken_from_are_refused(spec, inputs, said):
    with pytest.raises(RequestError) as caught:
        ready(spec, inputs)

    assert caught.value.field == "inputs"
    assert said in str(caught.value)


def test_members_do_not_change_with_the_callers_list():
    inputs = {"tags": ["x"]}
    examine = ready(TAGS, inputs)
    inputs["tags"].append("y")

    assert list(examine({"a": ["y"]})) != []


# outcomes


def test_a_test_that_is_passed_is_accepted_with_the_value_it_saw():
    outcome, found = run_test(MAX, ready(MAX, {}), {"a": "abc"})

    assert (outcome.name, outcome.status, outcome.value, outcome.reason) == ("max_length", "accepted", "abc", None)
    assert found == ()


def test_a_test_that_is_not_passed_is_failed_and_says_why():
    outcome, found = run_test(UNIQUE, ready(UNIQUE, {}), {"a": [1, 1]})

    assert (outcome.name, outcome.status, outcome.value) == ("unique", "failed", (1, 1))
    assert outcome.reason == found[0]
    json.dumps(outcome.to_dict())


def test_a_hundred_problems_of_one_check_are_told_as_twenty():
    assert len(run_test(UNIQUE, ready(UNIQUE, {}), {"a": [1] * 101})[1]) == 20


# functions of the application


def judged(returned):
    def check(value, inputs):
        if isinstance(returned, Exception):
            raise returned
        return returned

    return list(python_problems(PythonSpec("app.checks:check"), check, {"a": 1}, {}))


@pytest.mark.parametrize("returned", [None, True, [], ()])
def test_a_function_that_returns_nothing_or_true_finds_the_answer_fine(returned):
    assert judged(returned) == []


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        ("too\n  late", ["too late"]),
        (["a", "b"], ["a", "b"]),
        ("", ["check app.checks:check refuses the answer"]),
        (False, ["check app.checks:check refuses the answer"]),
        (7, ["check app.checks:check returned int; it must return None, True, a text or a list of texts"]),
        ([1], ["check app.checks:check returned list; it must return None, True, a text or a list of texts"]),
        (ValueError("sk-secret"), ["check app.checks:check raised ValueError"]),
    ],
)
def test_whatever_else_a_function_does_is_a_problem(returned, said):
    assert judged(returned) == said


def test_a_function_that_turns_out_to_be_async_is_a_problem_and_leaves_nothing_unawaited(recwarn):
    async def check(value, inputs):
        return None

    (problem,) = python_problems(PythonSpec("app:check"), lambda value, inputs: check(value, inputs), {}, {})

    assert "returned coroutine" in problem
    assert list(recwarn) == []


def test_a_function_gets_a_copy_of_the_answer_and_the_inputs_to_read():
    answer, inputs = {"a": {"b": [1]}}, {"x": 1}

    def check(value, given):
        value["a"]["b"].append(given["x"])
        with pytest.raises(TypeError):
            given["y"] = 2

    assert list(python_problems(PythonSpec("app:check"), check, answer, inputs)) == []
    assert (answer, inputs) == ({"a": {"b": [1]}}, {"x": 1})


# fitting a schema

ITEMS = {"type": "object", "properties": {"id": {"type": "string"}}}


def schema_of(held):
    return {"type": "object", "properties": {"a": held}}


@pytest.mark.parametrize(
    ("spec", "held"),
    [
        (RANGE, {"type": "integer"}),
        (RANGE, {"type": ["number", "null"]}),
        (RANGE, {}),
        (RANGE, True),
        (PATTERN, {"type": "string"}),
        (UNIQUE, {"type": "array"}),
        (BY, {"type": "array", "items": ITEMS}),
        (BY, {"type": "array", "items": {}}),
        (IDS, {"type": "array", "items": {"type": "string"}}),
        (MAX, {"type": ["string", "array"]}),
        (ChoiceSpec("a", "folders", many=True), {"type": "array", "items": {"type": "string"}}),
        (ChoiceSpec("a", "folders", many=True), {"type": ["array", "null"]}),
        (PythonSpec("a:b"), {"type": "null"}),
    ],
)
def test_a_check_fits_a_schema_that_can_hold_what_it_looks_at(spec, held):
    assert misfits(spec, freeze_mapping(schema_of(held))) == []


@pytest.mark.parametrize(
    ("spec", "held", "path", "said"),
    [
        (RANGE, {"type": "string"}, ("field",), "whose type cannot hold a number"),
        (PATTERN, {"type": "array"}, ("field",), "whose type cannot hold text"),
        (UNIQUE, {"type": "object"}, ("field",), "whose type cannot hold a list"),
        (BY, {"type": "array", "items": {"properties": {"x": {}}}}, ("by",), "not among the properties of an item"),
        (TAGS, {"type": "string"}, ("field",), "whose type cannot hold a list"),
        (IDS, {"type": "array", "items": {"properties": {"x": {}}}}, ("id",), "not among the properties of an item"),
        (MAX, {"type": "integer"}, ("field",), "whose type cannot hold text or a list"),
        (ChoiceSpec("a", "f"), {"type": "array"}, ("field",), "whose type cannot hold an id"),
        (ChoiceSpec("a", "f", many=True), {"type": "string"}, ("field",), "whose type cannot hold a list"),
        (ChoiceSpec("a", "f", many=True), {"items": {"type": "object"}}, ("field",), "whose items cannot hold an id"),
    ],
)
def test_a_check_that_does_not_fit_is_told_why_and_at_which_key(spec, held, path, said):
    [misfit] = misfits(spec, schema_of(held))

    assert misfit.path == path
    assert said in misfit.message


@pytest.mark.parametrize("spec", [RANGE, PATTERN, UNIQUE, MAX, TAGS, ChoiceSpec("a", "f")])
def test_a_check_of_a_field_that_the_schema_does_not_have_does_not_fit(spec):
    [misfit] = misfits(spec, {"type": "object", "properties": {"b": {}}})

    assert misfit.message == "`field` names 'a', which is not among the schema's properties"


@pytest.mark.parametrize("spec", [RANGE, PATTERN, UNIQUE, MAX, TAGS])
def test_a_check_of_a_field_needs_an_answer_that_is_an_object(spec):
    assert misfits(spec, {"properties": {"a": {}}})[0].message == "the schema does not say `type: object`"


# inputs


def test_the_inputs_of_an_output_are_those_that_its_checks_read():
    choice = ChoiceSpec("a", "folders", otherwise=(Alternative(input="category"), Alternative(where={"x": 1})))
    spec = OutputSpec("o", {}, checks=(choice, TAGS, RANGE, PythonSpec("a:b")))

    assert inputs_of(spec) == {"folders", "category", "tags"}
    assert candidate_inputs_of(spec) == {"folders"}
    assert inputs_of(OutputSpec("o", {})) == frozenset()
