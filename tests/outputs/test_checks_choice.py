"""The `choice` check, row by row of its table, and what holds on every path."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from choosing import (
    FOLDERS,
    INVENTED,
    SPEC,
    SURE,
    UNSURE,
    WITHOUT_ALTERNATIVES,
    WITHOUT_CONFIDENCE,
    judge,
    misfit_messages,
    result,
)
from hypothesis import given
from hypothesis import strategies as st

from routebook.canonical.frozen import freeze_mapping
from routebook.outputs.checks.candidates import read_candidates
from routebook.outputs.checks.choice import (
    apply,
    check_choice,
    confidence_problems,
    failed_choice,
    no_candidates,
)
from routebook.routing.output_spec import Alternative, ChoiceSpec, ConfidenceSpec

# the table: accepted


def test_an_id_in_the_list_with_enough_confidence_is_accepted():
    outcome = judge(SURE)

    assert result(outcome) == ("accepted", "f-work", "model", 0.9)
    assert (outcome.name, outcome.original, outcome.reason) == ("choice", "f-work", "it is about work")


def test_a_confidence_exactly_at_the_threshold_is_accepted():
    assert result(judge({"folder_id": "f-work", "confidence": 0.7})) == ("accepted", "f-work", "model", 0.7)


def test_a_whole_number_is_a_confidence_too():
    assert result(judge({"folder_id": "f-work", "confidence": 1})) == ("accepted", "f-work", "model", 1.0)


def test_a_missing_confidence_is_the_one_the_check_names():
    lenient = replace(SPEC, confidence=ConfidenceSpec("confidence", at_least=0.5, missing=0.5))

    assert result(judge({"folder_id": "f-work"}, lenient)) == ("accepted", "f-work", "model", 0.5)
    assert result(judge({"folder_id": "f-work"})) == ("low_confidence", "f-home", "where:is_default=True", 0.5)


def test_without_a_confidence_in_the_check_every_id_in_the_list_is_accepted():
    assert result(judge({"folder_id": "f-work", "confidence": 0.0}, WITHOUT_CONFIDENCE)) == (
        "accepted",
        "f-work",
        "model",
        None,
    )


def test_an_accepted_choice_without_a_reason_has_none():
    assert judge({"folder_id": "f-work", "confidence": 1, "reason": 7}).reason is None


# the table: invalid_choice


def test_an_invented_id_takes_the_first_alternative():
    outcome = judge(INVENTED, category_folder_id="f-health")

    assert result(outcome) == ("invalid_choice", "f-health", "input:category_folder_id", 0.3)
    assert outcome.original == "f-invented"
    assert outcome.reason == "folder_id 'f-invented' is not in the list"


def test_an_invented_id_keeps_the_models_own_reason():
    assert judge({**INVENTED, "reason": "it felt right"}).reason == "it felt right"


@pytest.mark.parametrize("held", [None, "f-gone", "", 7, True, ["f-work"], {"id": "f-work"}])
def test_an_alternative_that_is_not_in_the_list_gives_way_to_the_next(held):
    assert result(judge(INVENTED, category_folder_id=held))[:3] == (
        "invalid_choice",
        "f-home",
        "where:is_default=True",
    )


def test_an_alternative_whose_input_is_absent_gives_way_to_the_next():
    assert judge(INVENTED).source == "where:is_default=True"


def test_an_invented_id_without_a_valid_alternative_gives_null_from_nobody():
    outcome = judge(INVENTED, folders=FOLDERS[:1], category_folder_id="f-gone")

    assert result(outcome) == ("invalid_choice", None, None, 0.3)


@pytest.mark.parametrize("if_none", ["keep", "empty", "fail"])
def test_if_none_says_nothing_about_an_invented_id(if_none):
    assert result(judge(INVENTED, replace(WITHOUT_ALTERNATIVES, if_none=if_none)))[:3] == ("invalid_choice", None, None)


def test_an_invented_id_has_no_confidence_where_the_check_asks_for_none():
    assert judge(INVENTED, WITHOUT_CONFIDENCE).confidence is None


def test_an_invented_id_with_a_low_confidence_is_an_invalid_choice():
    assert judge({"folder_id": "f-invented", "confidence": 0.1}).status == "invalid_choice"


@pytest.mark.parametrize("answered", [None, "", "F-WORK", " f-work", ["f-work"], {"id": "f-work"}, True, 0])
def test_anything_but_an_exact_id_is_an_invalid_choice(answered):
    outcome = judge({"folder_id": answered, "confidence": 1})

    assert outcome.status == "invalid_choice"
    assert outcome.value == "f-home"


def test_an_answer_without_the_field_is_an_invalid_choice():
    assert result(judge({"confidence": 1}))[:2] == ("invalid_choice", "f-home")


@pytest.mark.parametrize(
    ("identity", "answered"), [("7", 7), (7, "7"), (1, True), (0, False), (7, 7.0), ("true", True), ("None", None)]
)
def test_the_type_of_an_id_counts(identity, answered):
    outcome = judge({"folder_id": answered, "confidence": 1}, WITHOUT_ALTERNATIVES, [{"id": identity}])

    assert (outcome.status, outcome.value) == ("invalid_choice", None)


def test_an_integer_id_is_accepted_as_an_integer():
    outcome = judge({"folder_id": 7, "confidence": 1}, folders=[{"id": 7}, {"id": "7"}])

    assert (outcome.status, outcome.value) == ("accepted", 7)
    assert isinstance(outcome.value, int)


def test_a_long_invented_id_does_not_fill_the_reason():
    assert len(judge({"folder_id": "x" * 10_000, "confidence": 1}).reason) < 150


# the table: low_confidence


def test_a_low_confidence_takes_the_first_valid_alternative_and_keeps_the_models_confidence():
    outcome = judge(UNSURE)

    assert result(outcome) == ("low_confidence", "f-home", "where:is_default=True", 0.69)
    assert (outcome.original, outcome.reason) == ("f-work", "confidence 0.69 is below 0.7")


@pytest.mark.parametrize(
    ("if_none", "value", "source"), [("keep", "f-work", "model"), ("empty", None, None), ("fail", None, None)]
)
def test_a_low_confidence_without_an_alternative_does_as_if_none_says(if_none, value, source):
    outcome = judge(UNSURE, replace(WITHOUT_ALTERNATIVES, if_none=if_none))

    assert result(outcome) == ("low_confidence", value, source, 0.69)


@pytest.mark.parametrize("if_none", ["keep", "empty", "fail"])
def test_a_valid_alternative_comes_before_if_none(if_none):
    assert judge(UNSURE, replace(SPEC, if_none=if_none)).value == "f-home"


# the table: no_candidates, failed


def test_an_empty_list_has_an_outcome_of_its_own():
    assert read_candidates(SPEC, {"folders": []}).ids == ()
    assert result(no_candidates(SPEC)) == ("no_candidates", None, None, 0.0)
    assert no_candidates(SPEC).reason == "input 'folders' is empty"


def test_a_failed_run_takes_the_first_valid_alternative_where_the_check_says_so():
    spec, inputs = replace(SPEC, on_failure="otherwise"), {"folders": FOLDERS, "category_folder_id": "f-gone"}
    outcome = failed_choice(spec, read_candidates(spec, inputs), inputs, "timeout: no answer")

    assert result(outcome) == ("failed", "f-home", "where:is_default=True", 0.0)
    assert (outcome.original, outcome.reason) == (None, "timeout: no answer")


def test_a_failed_run_without_a_valid_alternative_is_to_be_raised():
    spec, inputs = replace(SPEC, on_failure="otherwise"), {"folders": FOLDERS[:1], "category_folder_id": "f-gone"}

    assert failed_choice(spec, read_candidates(spec, inputs), inputs, "timeout") is None


def test_a_failed_run_is_to_be_raised_where_the_check_does_not_say_otherwise():
    inputs = {"folders": FOLDERS}

    assert failed_choice(SPEC, read_candidates(SPEC, inputs), inputs, "timeout") is None


# alternatives by `where`


@pytest.mark.parametrize(
    ("where", "chosen"),
    [
        ({"rank": 1}, "number"),
        ({"rank": True}, "truth"),
        ({"rank": "1"}, "text"),
        ({"rank": None}, "null"),
        ({"rank": 1.0}, "number"),
        ({"rank": 1, "kind": "b"}, "both"),
        ({"kind": None}, None),
        ({"rank": 2}, None),
    ],
)
def test_where_takes_the_first_candidate_that_has_all_of_its_values_types_included(where, chosen):
    folders = [
        {"id": "list", "rank": [1]},
        {"id": "truth", "rank": True},
        {"id": "text", "rank": "1"},
        {"id": "null", "rank": None},
        {"id": "number", "rank": 1},
        {"id": "both", "rank": 1, "kind": "b"},
    ]
    spec = replace(SPEC, otherwise=(Alternative(where=where),))

    assert judge(INVENTED, spec, folders).value == chosen


# confidence


@pytest.mark.parametrize("given", [-0.01, 1.01, 10**400, math.nan, math.inf, True, False, None, "0.9", "high", [1], {}])
def test_a_confidence_that_is_no_number_from_0_to_1_is_a_problem(given):
    (problem,) = confidence_problems(SPEC, {"folder_id": "f-work", "confidence": given})

    assert problem.startswith("/confidence: ")
    assert problem.endswith(" is not a number from 0 to 1")
    assert len(problem) < 150


@pytest.mark.parametrize("given", [0, 0.0, 0.5, 1, 1.0])
def test_a_number_from_0_to_1_is_a_confidence(given):
    assert confidence_problems(SPEC, {"confidence": given}) == ()


def test_a_missing_confidence_is_no_problem():
    assert confidence_problems(SPEC, {"folder_id": "f-work"}) == ()


def test_a_check_without_confidence_has_no_problem_with_any():
    assert confidence_problems(WITHOUT_CONFIDENCE, {"confidence": "high"}) == ()


@pytest.mark.parametrize("value", [None, [], "text", 7])
def test_an_answer_that_is_no_object_is_left_to_the_schema(value):
    assert confidence_problems(SPEC, value) == ()


# the answer


def test_the_final_value_stands_in_a_copy_of_the_answer():
    answer = {"folder_id": "f-invented", "confidence": 0.99, "reason": "r"}
    final = apply(judge(answer), "folder_id", freeze_mapping(answer))

    assert final == {"folder_id": "f-home", "confidence": 0.99, "reason": "r"}
    assert answer["folder_id"] == "f-invented"


def test_an_empty_list_gives_an_answer_whose_choice_is_null():
    assert apply(no_candidates(SPEC), "folder_id", {}) == {"folder_id": None}


# the check and its schema

SCHEMA = {
    "type": "object",
    "properties": {"folder_id": {"type": "string"}, "confidence": {"type": "number", "minimum": 0, "maximum": 1}},
}


@pytest.mark.parametrize(
    "schema",
    [
        SCHEMA,
        {"type": "object", "properties": {"folder_id": {"type": ["integer", "null"]}, "confidence": {}}},
        {"type": "object", "properties": {"folder_id": True, "confidence": {"type": "integer"}}},
        {"$defs": {"a": SCHEMA}, "$ref": "#/$defs/a"},
        {"type": "object", "allOf": [{"properties": {"folder_id": {}}}, {"properties": {"confidence": {}}}]},
    ],
)
def test_a_check_fits_a_schema_that_has_its_fields(schema):
    assert misfit_messages(SPEC, schema) == []
    assert misfit_messages(SPEC, freeze_mapping(schema)) == []


@pytest.mark.parametrize(
    ("schema", "problems"),
    [
        (
            {"type": "object", "properties": {"folder": {}, "confidence": {}}},
            ["`field` names 'folder_id', which is not among the schema's properties"],
        ),
        (
            {"type": "object", "properties": {"folder_id": {}}},
            ["`confidence.field` names 'confidence', which is not among the schema's properties"],
        ),
        ({"properties": {"folder_id": {}, "confidence": {}}}, ["the schema does not say `type: object`"]),
        (
            {"type": ["object", "null"], "properties": {"folder_id": {}, "confidence": {}}},
            ["the schema does not say `type: object`"],
        ),
        (
            {
                "type": "object",
                "properties": {"folder_id": {"type": "array"}, "confidence": {"type": ["string", "null"]}},
            },
            [
                "`field` names 'folder_id', whose type cannot hold an id (a string or an integer)",
                "`confidence.field` names 'confidence', whose type cannot hold a number",
            ],
        ),
        (
            {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"type": "object"}}, "$ref": "#/$defs/a"},
            [
                "`field` names 'folder_id', which is not among the schema's properties",
                "`confidence.field` names 'confidence', which is not among the schema's properties",
            ],
        ),
    ],
)
def test_a_check_that_does_not_fit_its_schema_is_told_why(schema, problems):
    assert misfit_messages(SPEC, schema) == problems


def test_a_check_without_confidence_asks_for_no_such_property():
    assert misfit_messages(WITHOUT_CONFIDENCE, {"type": "object", "properties": {"folder_id": {}}}) == []


# what holds for all inputs

ids = st.text(min_size=1, max_size=6) | st.integers(-3, 3)
scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.text(max_size=6)
lists = st.lists(
    st.fixed_dictionaries({"id": ids}, optional={"name": scalars.filter(lambda name: name == name), "kind": scalars}),
    max_size=5,
    unique_by=lambda item: (type(item["id"]), item["id"]),
)
alternatives = st.lists(
    st.sampled_from([Alternative(input="held"), Alternative(input="gone"), Alternative(where={"kind": 1})])
    | st.builds(Alternative, where=st.dictionaries(st.sampled_from(["kind", "name"]), scalars)),
    max_size=3,
).map(tuple)
specs = st.builds(
    ChoiceSpec,
    field=st.just("folder_id"),
    candidates=st.just("folders"),
    label=st.just(("name",)),
    confidence=st.none() | st.builds(ConfidenceSpec, st.just("confidence"), at_least=st.floats(0, 1)),
    otherwise=alternatives,
    if_none=st.sampled_from(["keep", "empty", "fail"]),
    on_failure=st.sampled_from(["raise", "otherwise"]),
)
answers = st.fixed_dictionaries({}, optional={"folder_id": ids | scalars, "confidence": st.floats(0, 1)})


@given(specs, lists, answers, scalars)
def test_the_final_value_is_always_a_candidates_id_or_null(spec, folders, answer, held):
    folders = [
        {**folder, "name": None if folder.get("name") in (math.inf, -math.inf) else folder.get("name")}
        for folder in folders
    ]
    inputs = {"folders": folders, "held": held}
    candidates = read_candidates(spec, inputs)
    known = {(type(folder["id"]), folder["id"]) for folder in folders}
    outcomes = [check_choice(spec, answer, candidates, inputs), failed_choice(spec, candidates, inputs, "x")]

    for outcome in filter(None, outcomes):
        assert outcome.value is None or (type(outcome.value), outcome.value) in known
        assert (outcome.value is None) == (outcome.source is None)
        assert apply(outcome, "folder_id", answer)["folder_id"] == outcome.value
