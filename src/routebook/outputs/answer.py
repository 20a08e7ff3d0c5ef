"""Answer: a model's text → one JSON value, read once and strictly."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from .problem import bounded

_DEEPEST = 100
_MOST_DIGITS = 1000
_FENCE = "```"


@dataclass(frozen=True, slots=True)
class JsonAnswer:
    """A model's text read as JSON: its `value`, or the `problem` that keeps it from being JSON."""

    value: Any = None
    problem: str | None = None


class _NotStrict(ValueError):
    """JSON that a lenient reader would take."""


def read_answer(text: str) -> JsonAnswer:
    """Read a model's *text* as one JSON value, once and strictly.

    White space and one markdown fence around it are taken off; nothing is repaired. Duplicate keys, NaN, numbers out of
    range, broken characters and nesting beyond 100 levels are problems.
    """
    body = text.strip()
    if body.startswith(_FENCE) and body.endswith(_FENCE) and len(body) >= 2 * len(_FENCE):
        body = body[len(_FENCE) : -len(_FENCE)]
        body = (body[4:] if body[:4].lower() == "json" else body).strip()
    if not body:
        return JsonAnswer(problem="the answer is empty; it must be one JSON value")
    try:
        value = json.loads(
            body, object_pairs_hook=_object, parse_constant=_constant, parse_float=_float, parse_int=_integer
        )
        _check_depth(value)
        _check_characters(value)
    except json.JSONDecodeError as error:
        return JsonAnswer(problem=_syntax_problem(error))
    except _NotStrict as error:
        return JsonAnswer(problem=str(error))
    except RecursionError:
        return JsonAnswer(problem=f"the answer is nested more than {_DEEPEST} levels deep")
    return JsonAnswer(value)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _NotStrict(f"the key {bounded(repr(key))} stands twice in one object of the answer")
        found[key] = value
    return found


def _constant(name: str) -> Any:
    raise _NotStrict(f"{name} in the answer is no JSON value; use a number or null")


def _float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise _NotStrict(f"the number {bounded(digits)} in the answer is out of range")
    return number


def _integer(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise _NotStrict(f"a number in the answer has more than {_MOST_DIGITS} digits")
    return int(digits)


def _check_characters(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise _NotStrict("the answer holds half of a surrogate pair, which is no character") from error


def _check_depth(value: Any) -> None:
    level, depth = [value], 0
    while level := [item for item in level if isinstance(item, (dict, list))]:
        depth += 1
        if depth > _DEEPEST:
            raise _NotStrict(f"the answer is nested more than {_DEEPEST} levels deep")
        level = [child for item in level for child in (item.values() if isinstance(item, dict) else item)]


def _syntax_problem(error: json.JSONDecodeError) -> str:
    body = error.doc
    if error.msg == "Extra data":
        return f"text follows the JSON value: {bounded(repr(body[error.pos :]))}; answer with the JSON value alone"
    if error.msg.startswith("Unterminated string") or error.pos >= len(body):
        return f"the JSON ends too early, after {len(body)} characters; it was cut off"
    if error.pos == 0 and body.startswith(_FENCE):
        return "the answer opens a markdown fence that does not close at its end; answer with the JSON value alone"
    if error.pos == 0 and any(sign in body for sign in "{["):
        return f"text stands before the JSON value: {bounded(repr(body))}; answer with the JSON value alone"
    if error.pos == 0:
        return f"the answer is text, not JSON: {bounded(repr(body))}"
    said = error.msg[:1].lower() + error.msg[1:]
    return f"the answer is not valid JSON: {said}, at line {error.lineno} column {error.colno}"
