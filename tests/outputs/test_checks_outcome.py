"""The record of what a check decided."""

from __future__ import annotations

import json

import pytest

from routebook.outputs.checks.outcome import CheckOutcome


def test_an_outcome_as_plain_data_has_all_seven_fields_even_where_they_are_none():
    outcome = CheckOutcome("choice", "no_candidates", None, confidence=0.0, reason="empty")

    assert json.loads(json.dumps(outcome.to_dict())) == {
        "name": "choice",
        "status": "no_candidates",
        "value": None,
        "source": None,
        "original": None,
        "confidence": 0.0,
        "reason": "empty",
    }


def test_an_outcome_comes_back_equal_from_its_plain_data():
    outcome = CheckOutcome("choice", "invalid_choice", 3, "input:last", ["a", {"b": 1}], 0.3, "because")

    assert CheckOutcome.from_dict(outcome.to_dict()) == outcome


def test_an_outcome_does_not_change_with_what_it_was_made_from():
    original = ["a"]
    outcome = CheckOutcome("choice", "invalid_choice", None, original=original)
    original.append("b")

    assert outcome.original == ("a",)
    with pytest.raises(AttributeError):
        outcome.value = "b"
