"""Faults: a refused chat completions call → kind, sentence, and how long to wait.

Pure. The provider's own code and type are asked first, the status second, and where the status says little, the
words. Words are matched only against the sentence that a person would read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...errors import FaultKind
from ..answer import Answer
from ..fault import Fault, kind_of_status, read_retry_after, redirect, say, status_phrase
from ..sentence import parse_json, read_sentence, sentence_of

_BY_CODE: dict[str, FaultKind] = {
    "invalid_api_key": "authentication",
    "invalid_authentication": "authentication",
    "authentication_error": "authentication",
    "permission_denied": "permission_denied",
    "permission_error": "permission_denied",
    "unsupported_country_region_territory": "permission_denied",
    "model_not_found": "not_found",
    "not_found_error": "not_found",
    "unknown_model": "not_found",
    "unknown_parameter": "unsupported_option",
    "unsupported_parameter": "unsupported_option",
    "unsupported_value": "unsupported_option",
    "extra_forbidden": "unsupported_option",
    "context_length_exceeded": "context_window_exceeded",
    "exceed_context_size_error": "context_window_exceeded",
    "content_filter": "content_filter",
    "content_policy_violation": "content_filter",
    "insufficient_quota": "quota_exceeded",
    "insufficient_balance": "quota_exceeded",
    "billing_hard_limit_reached": "quota_exceeded",
    "billing_not_active": "quota_exceeded",
    "rate_limit_exceeded": "rate_limit",
    "rate_limit_error": "rate_limit",
    "overloaded_error": "overloaded",
    "server_error": "server_error",
    "internal_server_error": "server_error",
}

# What words make of a status that says little, in this order: an unsupported parameter also names the model, and a
# missing capability comes with the status of a missing model.
_BY_WORDS: tuple[tuple[FaultKind, tuple[int, ...], str], ...] = (
    ("authentication", (400,), r"\b(invalid|incorrect|missing) api.?key|\bapi.?key (is )?(not valid|invalid)"),
    ("quota_exceeded", (400, 403, 429), r"credit balance is too low|insufficient (balance|credits?|funds)"),
    (
        "unsupported_option",
        (400, 422),
        r"\b(unsupported|unknown|unrecognized) (request )?(parameter|argument|field|value|option)"
        r"|\b(parameter|argument|option)\b.{0,60} not supported|extra inputs are not permitted",
    ),
    (
        "unsupported_capability",
        (400, 404, 422),
        r"\b(does not|doesn't|not) support (\w+ ){0,2}(images?|vision|audio|files?|tools?|function)\b"
        r"|endpoints found that support|\b(image|audio|file|tool) (input|use|choice)s? (is|are) not supported",
    ),
    (
        "context_window_exceeded",
        (400, 422),
        r"\bcontext (length|window|size)|\b(prompt|input|messages?) (is|are|was) too (long|large)"
        r"|too many (input |prompt )?tokens|reduce the length of the (messages|prompt|input)",
    ),
    (
        "not_found",
        (400, 422),
        r"\bmodel\b.{0,100}\b(not found|not exist|not supported|not available)|not a valid model"
        r"|\b(unknown|invalid|no such) model",
    ),
    ("content_filter", (400, 403), r"content.{0,20} (policy|filter)|safety system|\bflagged\b|\bmoderation\b"),
    ("overloaded", (503,), r"overload|at capacity|over capacity"),
)


def read_fault(answer: Answer) -> Fault:
    """Return what a refusal says: an answer whose status is no success.

    The message has at most 500 characters, is never JSON and holds no secret.
    """
    if 300 <= answer.status < 400:
        return Fault("malformed_response", say(redirect(answer.headers), answer.secrets))
    error, _ = parse_json(answer.body)
    return _fault(error, read_sentence(answer.body), answer)


def fault_of_error(error: Any, answer: Answer) -> Fault:
    """Return what an `error` says that stands in an answer of any status, a success included."""
    return _fault({"error": error}, sentence_of(error), answer)


def _fault(parsed: Any, sentence: str | None, answer: Answer) -> Fault:
    error = _error_of(parsed)
    sentence = _with_upstream(error, sentence) or status_phrase(answer.status)
    kind = _kind(error, sentence, _meant_status(error, answer.status))
    return Fault(kind, say(sentence, answer.secrets), read_retry_after(answer.headers, answer.now))


def _error_of(parsed: Any) -> Mapping[str, Any]:
    """Return the mapping that has `code` and `type`: under `error`, at the top, or first in a list."""
    if isinstance(parsed, list) and parsed:
        parsed = parsed[0]
    if not isinstance(parsed, Mapping):
        return {}
    error = parsed.get("error")
    return error if isinstance(error, Mapping) else parsed


def _meant_status(error: Mapping[str, Any], status: int) -> int:
    """Return *status*, or the one that the error's code stands for where the HTTP status tells of a success."""
    code = str(error.get("code"))
    return int(code) if status < 300 and re.fullmatch(r"[45][0-9]{2}", code) else status


def _kind(error: Mapping[str, Any], sentence: str, status: int) -> FaultKind:
    for name in (error.get("code"), error.get("type")):
        if isinstance(name, str) and name.lower() in _BY_CODE:
            return _BY_CODE[name.lower()]
    for kind, statuses, words in _BY_WORDS:
        if status in statuses and re.search(words, sentence, re.IGNORECASE):
            return kind
    return kind_of_status(status)


def _with_upstream(error: Mapping[str, Any], sentence: str | None) -> str | None:
    """Add what the provider behind a router said, where the router passes it on."""
    metadata = error.get("metadata")
    raw = sentence_of(metadata.get("raw")) if isinstance(metadata, Mapping) else None
    return ": ".join(part for part in (sentence, raw) if part) or None
