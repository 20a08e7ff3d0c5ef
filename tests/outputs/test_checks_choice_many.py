"""The `choice` check over a list of ids (`many`)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from choosing import FOLDERS, SPEC, judge, result
from hypothesis import given
from hypothesis import strategies as st

from routebook.outputs.checks.candidates import read_candidates, render_candidates
from routebook.outputs.checks.choice import (
    apply,
    failed_choice,
    no_candidates,
)

# many

MANY = replace(SPEC, field="folder_ids", many=True)


def many(*ids, confidence=0.9):
    return {"folder_ids": list(ids), "confidence": confidence}


def test_many_ids_that_are_all_in_the_list_are_accepted():
    outcome = judge(many("f-work", "f-home"), MANY)

    assert result(outcome) == ("accepted", ("f-work", "f-home"), "model", 0.9)
    assert (outcome.original, outcome.reason) == (("f-work", "f-home"), None)


def test_of_many_ids_those_that_are_not_in_the_list_are_dropped_and_named():
    outcome = judge(many("f-work", "f-invented", 7, None), MANY)

    assert result(outcome) == ("accepted", ("f-work",), "model", 0.9)
    assert outcome.original == ("f-work", "f-invented", 7, None)
    assert outcome.reason == "dropped from folder_ids, not in the list: ['f-invented', 7, None]"


@pytest.mark.parametrize("answered", [["f-invented"], [], [["f-work"]], "f-work", None, {"f-work": 1}])
def test_of_many_none_left_is_an_invalid_choice_and_the_alternative_stands_as_a_list_of_one(answered):
    outcome = judge({"folder_ids": answered, "confidence": 0.9}, MANY)

    assert result(outcome) == ("invalid_choice", ("f-home",), "where:is_default=True", 0.3)


def test_of_many_none_left_without_an_alternative_is_an_empty_list_from_nobody():
    assert result(judge(many("x"), replace(MANY, otherwise=()))) == ("invalid_choice", (), None, 0.3)


@pytest.mark.parametrize(
    ("if_none", "value", "source"), [("keep", ("f-work",), "model"), ("empty", (), None), ("fail", (), None)]
)
def test_too_low_a_confidence_is_that_of_the_whole_list(if_none, value, source):
    answer = many("f-work", "f-invented", confidence=0.1)
    kept = judge(answer, replace(MANY, otherwise=(), if_none=if_none))

    assert result(judge(answer, MANY)) == ("low_confidence", ("f-home",), "where:is_default=True", 0.1)
    assert result(kept) == ("low_confidence", value, source, 0.1)


def test_many_without_candidates_or_after_a_failure_are_lists_too():
    spec, inputs = replace(MANY, on_failure="otherwise"), {"folders": FOLDERS}

    assert no_candidates(MANY).value == ()
    assert failed_choice(spec, read_candidates(spec, inputs), inputs, "timeout").value == ("f-home",)


def test_many_stand_in_the_answer_as_a_plain_list():
    answer = many("f-work", "x")

    assert apply(judge(answer, MANY), "folder_ids", answer) == {"folder_ids": ["f-work"], "confidence": 0.9}


@given(
    folders=st.lists(st.integers(0, 4) | st.sampled_from("abc"), unique=True).map(lambda ids: [{"id": i} for i in ids]),
    answered=st.lists(st.integers(0, 6) | st.sampled_from("abcd") | st.booleans() | st.none()) | st.text() | st.none(),
    confidence=st.floats(0, 1),
    if_none=st.sampled_from(["keep", "empty", "fail"]),
    held=st.integers(0, 6),
)
def test_whatever_way_many_came_about_each_is_in_the_list(folders, answered, confidence, if_none, held):
    spec = replace(MANY, if_none=if_none)
    outcome = judge({"folder_ids": answered, "confidence": confidence}, spec, folders, category_folder_id=held)
    allowed = read_candidates(spec, {"folders": folders})

    assert isinstance(outcome.value, tuple)
    assert all(allowed.has(value) for value in outcome.value)


def test_candidates_of_many_are_introduced_as_what_each_item_must_be():
    heading = render_candidates(MANY, read_candidates(MANY, {"folders": FOLDERS})).splitlines()[0]

    assert heading == 'each item of "folder_ids" must be the "id" of one of these, copied exactly:'
