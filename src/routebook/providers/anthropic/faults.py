"""Faults: a refused messages call → kind, sentence, and how long to wait.

Pure. The provider's own code and type are asked first, the status second, and where the status says little, the
words. Words are matched only against the sentence that a person would read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...errors import FaultKind
from ..answer import Answer
from ..fault import LONGEST_MATCHED, Fault, kind_of_status, read_retry_after, redirect, say, status_phrase
from ..rate_limit_headers import HeaderNames
from ..sentence import parse_json, read_sentence, sentence_of

RATE_LIMITS = HeaderNames(
    requests_limit="anthropic-ratelimit-requests-limit",
    requests_remaining="anthropic-ratelimit-requests-remaining",
    requests_reset="anthropic-ratelimit-requests-reset",
    tokens_limit="anthropic-ratelimit-tokens-limit",
    tokens_remaining="anthropic-ratelimit-tokens-remaining",
    tokens_reset="anthropic-ratelimit-tokens-reset",
)
_BY_CODE: dict[str, FaultKind] = {
    "contract_spend_limit_reached": "quota_exceeded",
    "enforced_spend_limit_reached": "quota_exceeded",
    "linked_organization_spend_limit_reached": "quota_exceeded",
    "linked_organization_billing_unavailable": "quota_exceeded",
    "ramp_limit_exceeded": "rate_limit",
    "organization_on_hold": "permission_denied",
    "request_body_too_large_after_decoding": "context_window_exceeded",
    "request_body_timeout": "timeout",
    "compaction_unavailable": "overloaded",
    # said by proxies, of the models that they stand for
    "context_length_exceeded": "context_window_exceeded",
    "insufficient_quota": "quota_exceeded",
    "invalid_api_key": "authentication",
    "model_not_found": "not_found",
}
_BY_TYPE: dict[str, FaultKind] = {
    "authentication_error": "authentication",
    "billing_error": "quota_exceeded",
    "permission_error": "permission_denied",
    "not_found_error": "not_found",
    "request_too_large": "context_window_exceeded",
    "rate_limit_error": "rate_limit",
    "timeout_error": "timeout",
    "overloaded_error": "overloaded",
}
_STATUS_OF_TYPE = {
    "invalid_request_error": 400,
    "conflict_error": 409,
    "rate_limit_error": 429,
    "overloaded_error": 529,
}

# What words make of a status that says little, in this order: an unsupported parameter also names the model, and a
# missing capability comes with the status of a missing model.
_BY_WORDS: tuple[tuple[FaultKind, tuple[int, ...], str], ...] = (
    ("authentication", (400,), r"\b(invalid|incorrect|missing) (x-)?api.?key|\bapi.?key (is )?(not valid|invalid)"),
    (
        "quota_exceeded",
        (400, 403, 429),
        r"credit balance is too low|insufficient (balance|credits?|funds)"
        r"|reached your (specified )?(api )?usage limits?",
    ),
    ("permission_denied", (400,), r"organization has been disabled"),
    (
        "context_window_exceeded",
        (400, 422),
        r"\bcontext (limit|length|window)|\b(prompt|input|messages?) (is|are|was) too (long|large)"
        r"|too many ((input |prompt )?tokens|total text bytes)|\bContextWindowExceededError\b",
    ),
    (
        "unsupported_option",
        (400, 422),
        r"extra inputs are not permitted|\b(unsupported|unknown|unrecognized) (request )?(parameter|field|value|option)"
        r"|\b(parameter|option)\b.{0,60} not supported|\bis deprecated for this model"
        r"|\bthinking\b.{0,60} (is|are) not supported|thinking may not be enabled"
        r"|\b(does not|doesn't|not) support (the )?(effort|thinking|adaptive thinking|temperature|top_[pk])\b",
    ),
    (
        "unsupported_capability",
        (400, 404, 422),
        r"\b(does not|doesn't|not) support (\w+ ){0,3}"
        r"(images?|vision|pdfs?|documents?|files?|tools?|prefill|structured outputs?|output format)\b"
        r"|\b(image|pdf|document|tool|output) (input|use|choice|format)s? (is|are) not supported",
    ),
    (
        "not_found",
        (400, 422),
        r"\bmodel\b.{0,100}\b(not found|not exist|not supported|not available)|not a valid model"
        r"|\b(unknown|invalid|no such) model",
    ),
    ("content_filter", (400, 403, 500), r"content.{0,20} (policy|filter)|\bflagged\b"),
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
    status = _meant_status(error, answer.status)
    sentence = sentence or status_phrase(status)
    kind = _kind(error, sentence, status)
    return Fault(kind, say(sentence, answer.secrets), read_retry_after(answer.headers, answer.now, status))


def _error_of(parsed: Any) -> Mapping[str, Any]:
    """Return the mapping that has `type` and `details`: under `error`, or at the top."""
    if not isinstance(parsed, Mapping):
        return {}
    error = parsed.get("error")
    return error if isinstance(error, Mapping) else parsed


def _meant_status(error: Mapping[str, Any], status: int) -> int:
    """Return *status*, or the one that the error's type stands for where the HTTP status tells of a success."""
    return _STATUS_OF_TYPE.get(str(error.get("type")), 500) if status < 300 else status


def _kind(error: Mapping[str, Any], sentence: str, status: int) -> FaultKind:
    details = error.get("details")
    for code in (details.get("error_code") if isinstance(details, Mapping) else None, error.get("code")):
        if isinstance(code, str) and code in _BY_CODE:
            return _BY_CODE[code]
    name = error.get("type")
    if isinstance(name, str) and name in _BY_TYPE:
        return _BY_TYPE[name]
    matched = sentence[:LONGEST_MATCHED]
    for kind, statuses, words in _BY_WORDS:
        if status in statuses and re.search(words, matched, re.IGNORECASE):
            return kind
    return kind_of_status(status)
