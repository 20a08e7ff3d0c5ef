"""The `choice` check: the value of a field must be the id of one of the caller's own candidates.

Comes in: the check, the caller's candidates, the model's validated answer. Goes out: an outcome whose value is always
the id of a candidate or None, whichever way it came about: from the model, from an alternative, after a failure. With
`many` it is a list of such ids.

Types count: the ids 1 and "1" are two ids, and a model that answers 7 has not chosen the candidate "7".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...canonical.frozen import thaw
from ...routing.output_spec import Alternative, ChoiceSpec
from .candidates import Candidates
from .fit import IDENTITY, LIST, NUMBER, Misfit, field_misfits, item_misfits, object_misfits
from .found import ABSENT, shown
from .outcome import CheckOutcome, Status


def confidence_problems(spec: ChoiceSpec, value: Any) -> tuple[str, ...]:
    """Return what is wrong with the confidence in a model's answer *value*, to stand beside the schema's problems.

    A confidence is a number from 0 to 1; true, null, text and NaN are none. A missing one is no problem.
    """
    if spec.confidence is None or not isinstance(value, Mapping) or spec.confidence.field not in value:
        return ()
    given = value[spec.confidence.field]
    if isinstance(given, (int, float)) and not isinstance(given, bool) and 0 <= given <= 1:
        return ()
    return (f"/{spec.confidence.field}: {shown(given)} is not a number from 0 to 1",)


def check_choice(
    spec: ChoiceSpec, value: Mapping[str, Any], candidates: Candidates, inputs: Mapping[str, Any]
) -> CheckOutcome:
    """Judge the model's choice in *value*, an answer without problems.

    Returns:
        `accepted` with the model's id; else `invalid_choice` or `low_confidence` with the first valid alternative.
        Where there is none, the value is None with no source, save a low confidence under `if_none: keep`, which
        keeps the model's. `low_confidence` with no source is what `if_none: fail` has to be raised for.

        With `many`, ids that are not in the list are dropped; where none is left, the choice is invalid. An
        alternative stands as a list of one, and an empty list stands for None.
    """
    original, given = value.get(spec.field), value.get(spec.reason)
    reason = given if isinstance(given, str) else None
    confidence = _confidence(spec, value)
    chosen = _chosen(spec, original, candidates)
    if chosen is ABSENT:
        invalid = None if spec.confidence is None else spec.confidence.invalid
        return _instead(spec, candidates, inputs, "invalid_choice", original, invalid, reason or _wrong(spec, original))
    if spec.confidence is None or confidence is None or confidence >= spec.confidence.at_least:
        reason = reason or _dropped(spec, original, candidates)
        return CheckOutcome(spec.kind, "accepted", chosen, "model", original, confidence, reason)
    wrong = f"confidence {confidence} is below {spec.confidence.at_least}"
    outcome = _instead(spec, candidates, inputs, "low_confidence", original, confidence, reason or wrong)
    if outcome.source is None and spec.if_none == "keep":
        return CheckOutcome(spec.kind, "low_confidence", chosen, "model", original, confidence, outcome.reason)
    return outcome


def no_candidates(spec: ChoiceSpec) -> CheckOutcome:
    """Return the outcome of an empty list, for which no model is called."""
    reason = f"input {spec.candidates!r} is empty"
    return CheckOutcome(spec.kind, "no_candidates", _nothing(spec), confidence=0.0, reason=reason)


def failed_choice(
    spec: ChoiceSpec, candidates: Candidates, inputs: Mapping[str, Any], reason: str
) -> CheckOutcome | None:
    """Return the outcome of a run that failed for *reason*.

    None where its error is to be raised: no alternative is valid, or the check does not say `on_failure: otherwise`.
    """
    if spec.on_failure != "otherwise":
        return None
    outcome = _instead(spec, candidates, inputs, "failed", None, 0.0, reason)
    return None if outcome.source is None else outcome


def apply(outcome: CheckOutcome, field: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of the model's answer *value* in which *field* holds the outcome's value."""
    return {**value, field: thaw(outcome.value)}


def choice_misfits(spec: ChoiceSpec, schema: Mapping[str, Any]) -> Iterator[Misfit]:
    """Say why *spec* does not go with the valid JSON Schema *schema*."""
    yield from object_misfits(schema)
    yield from field_misfits(schema, ("field",), spec.field, LIST if spec.many else IDENTITY)
    if spec.many:
        yield from item_misfits(schema, ("field",), spec.field, IDENTITY)
    if spec.confidence is not None:
        yield from field_misfits(schema, ("confidence", "field"), spec.confidence.field, NUMBER)


def _chosen(spec: ChoiceSpec, original: Any, candidates: Candidates) -> Any:
    """Return what of the model's own choice is in the list, or ABSENT."""
    if not spec.many:
        return original if candidates.has(original) else ABSENT
    kept = [item for item in original if candidates.has(item)] if isinstance(original, (list, tuple)) else []
    return kept or ABSENT


def _wrong(spec: ChoiceSpec, original: Any) -> str:
    if spec.many:
        return f"{spec.field} {shown(original)} has no id that is in the list"
    return f"{spec.field} {shown(original)} is not in the list"


def _dropped(spec: ChoiceSpec, original: Any, candidates: Candidates) -> str | None:
    """Say which of a list's ids were dropped; None where all are in the list."""
    dropped = [item for item in original if not candidates.has(item)] if spec.many else []
    return f"dropped from {spec.field}, not in the list: {shown(dropped)}" if dropped else None


def _nothing(spec: ChoiceSpec) -> Any:
    return [] if spec.many else None


def _confidence(spec: ChoiceSpec, value: Mapping[str, Any]) -> float | None:
    if spec.confidence is None:
        return None
    return float(value.get(spec.confidence.field, spec.confidence.missing))


def _instead(
    spec: ChoiceSpec,
    candidates: Candidates,
    inputs: Mapping[str, Any],
    status: Status,
    original: Any,
    confidence: float | None,
    reason: str,
) -> CheckOutcome:
    """Return an outcome with the first alternative that is itself in the list, or with neither value nor source."""
    for alternative in spec.otherwise:
        value = _held_by(alternative, candidates, inputs)
        if candidates.has(value):
            final = [value] if spec.many else value
            return CheckOutcome(spec.kind, status, final, alternative.name, original, confidence, reason)
    return CheckOutcome(spec.kind, status, _nothing(spec), None, original, confidence, reason)


def _held_by(alternative: Alternative, candidates: Candidates, inputs: Mapping[str, Any]) -> Any:
    if alternative.input is not None:
        return inputs.get(alternative.input)
    for identity, item in zip(candidates.ids, candidates.items, strict=True):
        if all(_same(item.get(name, ABSENT), wanted) for name, wanted in alternative.where.items()):
            return identity
    return None


def _same(value: object, wanted: object) -> bool:
    """Tell whether two scalars are equal; 1 is not true, and an absent field equals nothing, null included."""
    if not isinstance(value, (str, int, float, bool, type(None))):
        return False
    return isinstance(value, bool) == isinstance(wanted, bool) and value == wanted
