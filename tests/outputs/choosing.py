"""A choice among three folders, as the tests of choices and of their candidates use it."""

from __future__ import annotations

from dataclasses import replace

from routebook.outputs.checks.candidates import read_candidates
from routebook.outputs.checks.choice import (
    check_choice,
    choice_misfits,
)
from routebook.routing.output_spec import Alternative, ChoiceSpec, ConfidenceSpec

SPEC = ChoiceSpec(
    field="folder_id",
    candidates="folders",
    label=("name", "description"),
    confidence=ConfidenceSpec("confidence", at_least=0.7, missing=0.5, invalid=0.3),
    otherwise=(Alternative(input="category_folder_id"), Alternative(where={"is_default": True})),
)
WITHOUT_ALTERNATIVES = replace(SPEC, otherwise=())
WITHOUT_CONFIDENCE = replace(SPEC, confidence=None)
FOLDERS = [
    {"id": "f-work", "name": "Work"},
    {"id": "f-home", "name": "Home", "is_default": True},
    {"id": "f-health", "name": "Health", "description": "Doctors and sport"},
]
SURE = {"folder_id": "f-work", "confidence": 0.9, "reason": "it is about work"}
INVENTED = {"folder_id": "f-invented", "confidence": 0.99}
UNSURE = {"folder_id": "f-work", "confidence": 0.69}


def judge(value, spec=SPEC, folders=FOLDERS, **inputs):
    inputs = {"folders": folders, **inputs}
    return check_choice(spec, value, read_candidates(spec, inputs), inputs)


def misfit_messages(spec, schema):
    return [misfit.message for misfit in choice_misfits(spec, schema)]


def result(outcome):
    return outcome.status, outcome.value, outcome.source, outcome.confidence
