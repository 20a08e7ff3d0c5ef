"""The `choice` check: the value of a field must be the id of one of the caller's own candidates.

Comes in: the check, the caller's inputs, the model's validated answer. Goes out: an outcome whose value is always the
id of a candidate or None, whichever way it came about: from the model, from an alternative, after a failure.

Types count: the ids 1 and "1" are two ids, and a model that answers 7 has not chosen the candidate "7".
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from reprlib import Repr
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote

from ...canonical.frozen import thaw
from ...errors import RequestError
from ...routing.output_spec import Alternative, ChoiceSpec
from .outcome import CheckOutcome, Status

_NAME = "choice"
_ABSENT = object()
_SHORT = Repr()
_SHORT.maxstring = 80
# Control and format characters, lone surrogates, line and paragraph separators: everything that ends a line somewhere,
# turns the direction of writing, or is not seen at all.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class Candidates:
    """The caller's candidates in the caller's order: `items[n]` is the one with the id `ids[n]`; no id stands twice.

    `lines[n]` is what a model is shown of it, rendered when it was read.
    """

    items: tuple[Mapping[str, Any], ...]
    ids: tuple[str | int, ...]
    lines: tuple[str, ...]

    def has(self, value: object) -> bool:
        """Tell whether *value* is the id of a candidate, its type included."""
        return _is_id(value) and value in self.ids


def read_candidates(spec: ChoiceSpec, inputs: Mapping[str, Any]) -> Candidates:
    """Read the candidates that *inputs* hold for *spec*; an empty list is one without candidates.

    Raises:
        RequestError: `field` is `inputs`. The input is missing or no list, or a candidate is no mapping, has no id, an
            id that is neither text nor an integer, one that an earlier candidate has, or a label that is not JSON.
    """
    name = spec.candidates
    if name not in inputs:
        raise _refusal(f"input {name!r} is missing; pass inputs={{{name!r}: [...]}}, the list to choose from")
    given = inputs[name]
    if not isinstance(given, (list, tuple)):
        raise _refusal(f"input {name!r} is {_kind(given)}; pass a list of mappings")
    seen: dict[str | int, int] = {}
    items, lines = [], []
    for index, item in enumerate(given):
        place = f"inputs[{name!r}][{index}]"
        identity = _read_id(spec, item, place)
        if identity in seen:
            raise _refusal(
                f"{place} has the {spec.id} {_SHORT.repr(identity)}, as [{seen[identity]}] does; ids must differ"
            )
        lines.append(_line(spec, item, place))
        seen[identity] = index
        items.append(MappingProxyType(dict(item)))
    return Candidates(tuple(items), tuple(seen), tuple(lines))


def render_candidates(spec: ChoiceSpec, candidates: Candidates) -> str:
    """Return the text that shows *candidates* to a model: a heading, then one line of JSON for each.

    Quotes, line breaks and invisible characters in a candidate's texts are escaped, so that none can forge a line.
    """
    heading = f"{_json(spec.field)} must be the {_json(spec.id)} of one of these, copied exactly:"
    return "\n".join((heading, *candidates.lines))


def confidence_problems(spec: ChoiceSpec, value: Any) -> tuple[str, ...]:
    """Return what is wrong with the confidence in a model's answer *value*, to stand beside the schema's problems.

    A confidence is a number from 0 to 1; true, null, text and NaN are none. A missing one is no problem.
    """
    if spec.confidence is None or not isinstance(value, Mapping) or spec.confidence.field not in value:
        return ()
    given = value[spec.confidence.field]
    if isinstance(given, (int, float)) and not isinstance(given, bool) and 0 <= given <= 1:
        return ()
    return (f"/{spec.confidence.field}: {_SHORT.repr(given)} is not a number from 0 to 1",)


def check_choice(
    spec: ChoiceSpec, value: Mapping[str, Any], candidates: Candidates, inputs: Mapping[str, Any]
) -> CheckOutcome:
    """Judge the model's choice in *value*, an answer without problems.

    Returns:
        `accepted` with the model's id; else `invalid_choice` or `low_confidence` with the first valid alternative.
        Where there is none, the value is None with no source, save a low confidence under `if_none: keep`, which
        keeps the model's. `low_confidence` with no source is what `if_none: fail` has to be raised for.
    """
    original, given = value.get(spec.field), value.get(spec.reason)
    reason = given if isinstance(given, str) else None
    confidence = _confidence(spec, value)
    if not candidates.has(original):
        invalid = None if spec.confidence is None else spec.confidence.invalid
        wrong = f"{spec.field} {_SHORT.repr(original)} is not in the list"
        return _instead(spec, candidates, inputs, "invalid_choice", original, invalid, reason or wrong)
    if spec.confidence is None or confidence is None or confidence >= spec.confidence.at_least:
        return CheckOutcome(_NAME, "accepted", original, "model", original, confidence, reason)
    wrong = f"confidence {confidence} is below {spec.confidence.at_least}"
    outcome = _instead(spec, candidates, inputs, "low_confidence", original, confidence, reason or wrong)
    if outcome.source is None and spec.if_none == "keep":
        return CheckOutcome(_NAME, "low_confidence", original, "model", original, confidence, outcome.reason)
    return outcome


def no_candidates(spec: ChoiceSpec) -> CheckOutcome:
    """Return the outcome of an empty list, for which no model is called."""
    return CheckOutcome(_NAME, "no_candidates", None, confidence=0.0, reason=f"input {spec.candidates!r} is empty")


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
    return {**value, field: outcome.value}


def problems_of(spec: ChoiceSpec, schema: Mapping[str, Any]) -> list[str]:
    """Return why *spec* does not fit a valid JSON Schema *schema*, one sentence each; empty where it fits."""
    parts = list(_parts(schema, schema, ()))
    problems = []
    if not any(part.get("type") in ("object", ["object"], ("object",)) for part in parts):
        problems.append("the schema does not say `type: object`")
    problems += _misfit(parts, "field", spec.field, {"string", "integer"}, "an id (a string or an integer)")
    if spec.confidence is not None:
        problems += _misfit(
            parts, "confidence.field", spec.confidence.field, {"number", "integer"}, "a number from 0 to 1"
        )
    return problems


def _refusal(message: str) -> RequestError:
    return RequestError(message, field="inputs")


def _kind(value: object) -> str:
    return "null" if value is None else f"of type {type(value).__name__}"


def _is_id(value: object) -> bool:
    return isinstance(value, (str, int)) and not isinstance(value, bool)


def _read_id(spec: ChoiceSpec, item: Any, place: str) -> str | int:
    if not isinstance(item, Mapping):
        raise _refusal(f"{place} is {_kind(item)}; a candidate is a mapping with its {spec.id!r}")
    identity = item.get(spec.id)
    if identity is None or identity == "":
        raise _refusal(f"{place} has no {spec.id!r}; every candidate needs one, text or an integer")
    if not _is_id(identity):
        raise _refusal(f"the {spec.id!r} of {place} is {_kind(identity)}; it must be text or an integer")
    return identity  # type: ignore[no-any-return]


def _line(spec: ChoiceSpec, item: Mapping[str, Any], place: str) -> str:
    """Return *item* as one line of JSON: its id, and those of its labels that it has."""
    shown = {name: item[name] for name in (spec.id, *spec.label) if item.get(name) is not None}
    try:
        return _json(thaw(shown))
    except (TypeError, ValueError, RecursionError) as error:
        raise _refusal(f"the labels {', '.join(spec.label)} of {place} are not JSON: {error}") from error


def _json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if text.isprintable():  # quick, and never true of what is hidden
        return text
    return "".join(json.dumps(char)[1:-1] if unicodedata.category(char) in _HIDDEN else char for char in text)


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
            return CheckOutcome(_NAME, status, value, alternative.name, original, confidence, reason)
    return CheckOutcome(_NAME, status, None, None, original, confidence, reason)


def _held_by(alternative: Alternative, candidates: Candidates, inputs: Mapping[str, Any]) -> Any:
    if alternative.input is not None:
        return inputs.get(alternative.input)
    for identity, item in zip(candidates.ids, candidates.items, strict=True):
        if all(_same(item.get(name, _ABSENT), wanted) for name, wanted in alternative.where.items()):
            return identity
    return None


def _same(value: object, wanted: object) -> bool:
    """Tell whether two scalars are equal; 1 is not true, and an absent field equals nothing, null included."""
    if not isinstance(value, (str, int, float, bool, type(None))):
        return False
    return isinstance(value, bool) == isinstance(wanted, bool) and value == wanted


def _parts(schema: Any, root: Mapping[str, Any], followed: tuple[str, ...]) -> Iterator[Mapping[str, Any]]:
    """Yield *schema* and every schema that holds wherever it does: what it refers to, and all of its `allOf`."""
    if not isinstance(schema, Mapping):
        return
    yield schema
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference not in followed:
        yield from _parts(_target(root, reference), root, (*followed, reference))
    for part in schema.get("allOf", ()):
        yield from _parts(part, root, followed)


def _target(root: Mapping[str, Any], reference: str) -> Any:
    """Return what the JSON pointer *reference* (`#/$defs/item`) points to below *root*, or None."""
    if reference != "#" and not reference.startswith("#/"):
        return None
    found: Any = root
    for step in unquote(reference).split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, Mapping):
            found = found.get(key)
        elif isinstance(found, (list, tuple)) and key.isdecimal() and int(key) < len(found):
            found = found[int(key)]
        else:
            return None
    return found


def _misfit(parts: list[Mapping[str, Any]], key: str, field: str, types: set[str], holds: str) -> Iterator[str]:
    """Say why the property *field* that *key* of the check names cannot hold one of *types*."""
    found = [part["properties"][field] for part in parts if field in part.get("properties", {})]
    if not found:
        yield f"`{key}` names {field!r}, which is not among the schema's properties"
    for schema in found:
        declared = schema.get("type") if isinstance(schema, Mapping) else None
        if declared is not None and types.isdisjoint([declared] if isinstance(declared, str) else declared):
            yield f"`{key}` names {field!r}, whose type cannot hold {holds}"
