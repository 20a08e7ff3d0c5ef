"""Faults: a refused messages call → kind, sentence, and how long to wait.

Pure. The words of this API and of its proxies, and where they stand; how they are read is `lexicon`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...canonical.frozen import EMPTY
from ...errors import FaultKind
from ..lexicon import Lexicon, Refusal, Words
from ..rate_limit_headers import HeaderNames

RATE_LIMITS = HeaderNames(
    requests_limit="anthropic-ratelimit-requests-limit",
    requests_remaining="anthropic-ratelimit-requests-remaining",
    requests_reset="anthropic-ratelimit-requests-reset",
    tokens_limit="anthropic-ratelimit-tokens-limit",
    tokens_remaining="anthropic-ratelimit-tokens-remaining",
    tokens_reset="anthropic-ratelimit-tokens-reset",
)
_BY_NAME: dict[str, FaultKind] = {
    "contract_spend_limit_reached": "quota_exceeded",
    "enforced_spend_limit_reached": "quota_exceeded",
    "linked_organization_spend_limit_reached": "quota_exceeded",
    "linked_organization_billing_unavailable": "quota_exceeded",
    "ramp_limit_exceeded": "rate_limit",
    "organization_on_hold": "permission_denied",
    "request_body_too_large_after_decoding": "context_window_exceeded",
    "request_body_timeout": "timeout",
    "compaction_unavailable": "overloaded",
    "authentication_error": "authentication",
    "billing_error": "quota_exceeded",
    "permission_error": "permission_denied",
    "not_found_error": "not_found",
    "request_too_large": "context_window_exceeded",
    "rate_limit_error": "rate_limit",
    "timeout_error": "timeout",
    "overloaded_error": "overloaded",
    # said by proxies, of the models that they stand for
    "context_length_exceeded": "context_window_exceeded",
    "insufficient_quota": "quota_exceeded",
    "invalid_api_key": "authentication",
    "model_not_found": "not_found",
}
_STATUS_OF_NAME: dict[str, int] = {
    "invalid_request_error": 400,
    "conflict_error": 409,
    "rate_limit_error": 429,
    "overloaded_error": 529,
}

# What words make of a status that says little, in this order: an unsupported parameter also names the model, and a
# missing capability comes with the status of a missing model.
_BY_WORDS: Words = (
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


def _find(parsed: Any, sentence: str | None) -> Refusal:
    error = _error_of(parsed)
    return Refusal(names=_names(error), status_names=(error.get("type"),), sentence=sentence, passed_on=EMPTY)


def _error_of(parsed: Any) -> Mapping[str, Any]:
    """Return the mapping that has `type` and `details`: under `error`, or at the top."""
    if not isinstance(parsed, Mapping):
        return {}
    error = parsed.get("error")
    return error if isinstance(error, Mapping) else parsed


def _names(error: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the names that are given to an error, the most telling first."""
    details = error.get("details")
    if isinstance(details, Mapping):
        yield details.get("error_code")
    yield error.get("code")
    yield error.get("type")


_LEXICON = Lexicon(_find, _BY_NAME, _STATUS_OF_NAME, _BY_WORDS, unnamed_status=500)
read_fault = _LEXICON.read_fault
fault_of_error = _LEXICON.fault_of_error
