"""Refusals: the words with which OpenAI's APIs, and those who copy them, say no, and where they stand.

Pure. How they are read is `lexicon`'s; what only one API says is in that API's `faults`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import FaultKind
from ..lexicon import Lexicon, Refusal, Words
from ..rate_limit_headers import HeaderNames
from ..sentence import parse_json, sentence_of

RATE_LIMITS = HeaderNames(
    requests_limit="x-ratelimit-limit-requests",
    requests_remaining="x-ratelimit-remaining-requests",
    requests_reset="x-ratelimit-reset-requests",
    tokens_limit="x-ratelimit-limit-tokens",
    tokens_remaining="x-ratelimit-remaining-tokens",
    tokens_reset="x-ratelimit-reset-tokens",
)
KINDS: dict[str, FaultKind] = {
    "invalid_api_key": "authentication",
    "invalid_authentication": "authentication",
    "authentication_error": "authentication",
    "token_not_found_in_db": "authentication",
    "permission_denied": "permission_denied",
    "permission_error": "permission_denied",
    "permissiondenied": "permission_denied",
    "unsupported_country_region_territory": "permission_denied",
    "account_deactivated": "permission_denied",
    "organization_restricted": "permission_denied",
    "model_terms_required": "permission_denied",
    "key_model_access_denied": "permission_denied",
    "team_model_access_denied": "permission_denied",
    "model_not_found": "not_found",
    "model_not_available": "not_found",
    "model_decommissioned": "not_found",
    "not_found_error": "not_found",
    "unknown_model": "not_found",
    "deploymentnotfound": "not_found",
    "unknown_parameter": "unsupported_option",
    "unsupported_parameter": "unsupported_option",
    "unsupported_value": "unsupported_option",
    "extra_forbidden": "unsupported_option",
    "operationnotsupported": "unsupported_capability",
    "context_length_exceeded": "context_window_exceeded",
    "exceed_context_size_error": "context_window_exceeded",
    "content_filter": "content_filter",
    "content_policy_violation": "content_filter",
    "invalid_prompt": "content_filter",
    "responsibleaipolicyviolation": "content_filter",
    "moderation_blocked": "content_filter",
    "insufficient_quota": "quota_exceeded",
    "insufficient_balance": "quota_exceeded",
    "exceeded_current_quota_error": "quota_exceeded",
    "budget_exceeded": "quota_exceeded",
    "billing_hard_limit_reached": "quota_exceeded",
    "billing_not_active": "quota_exceeded",
    "rate_limit_exceeded": "rate_limit",
    "rate_limit_error": "rate_limit",
    "rate_limit_reached_error": "rate_limit",
    "ratelimitreached": "rate_limit",
    "overloaded_error": "overloaded",
    "engine_overloaded_error": "overloaded",
    "capacity_exceeded": "overloaded",
    "tool_use_failed": "malformed_response",
    "json_validate_failed": "malformed_response",
}
# Names that say no more than a status does, for an answer whose own status is a success.
STATUSES: dict[str, int] = {
    "invalid_request_error": 400,
    "badrequesterror": 400,
    "notfounderror": 404,
    "not_found": 404,
    "unauthorized": 401,
    "too_many_requests_error": 429,
    "service_unavailable_error": 503,
}

# What words make of a status that says little, in this order: an unsupported parameter also names the model, and a
# missing capability comes with the status of a missing model.
WORDS: Words = (
    ("authentication", (400,), r"\b(invalid|incorrect|missing) api.?key|\bapi.?key (is )?(not valid|invalid)"),
    (
        "quota_exceeded",
        (400, 403, 412, 429),
        r"credit balance is too low|insufficient (account )?(balance|credits?|funds|quota)|\bkey limit exceeded"
        r"|balance is (insufficient|not enough)|used all available credits|doesn't have any credits|spending limit"
        r"|budget has been exceeded",
    ),
    (
        "unsupported_option",
        (400, 404, 422),
        r"\b(unsupported|unknown|unrecognized) (request )?(parameter|argument|field|value|option)"
        r"|\b(parameter|argument|option)\b.{0,60} not supported|extra inputs are not permitted"
        r"|\bdoes not support (parameters?|this tool_choice)\b|\bUnsupportedParamsError\b"
        r"|endpoints found that can handle the requested parameters"
        r"|^\W?(?!tools\b)\w+\W? is not supported with this model|^property \W?\w+\W? is unsupported",
    ),
    (
        "unsupported_capability",
        (400, 404, 422),
        r"\b(does not|doesn't|not) support (\w+ ){0,2}"
        r"(images?|vision|audio|files?|tools?|function|thinking|reasoning|embeddings?|response.format)\b"
        r"|endpoints found that support|not supported for JSON mode|only supported by certain models"
        r"|\b(image|audio|file|tool) (input|use|choice|call|calling)s?\W? (is|are) not (supported|enabled)"
        r"|tool choice requires|not a multimodal model|\bat most 0 (image|audio|video)"
        r"|\bresponse_format\b.{0,40} (unavailable now|must be)",
    ),
    (
        "context_window_exceeded",
        (400, 422),
        r"\bcontext (length|window|size)|\b(prompt|input|messages?) (is|are|was) too (long|large)"
        r"|too many (input |prompt )?tokens|reduce the length of the (messages|prompt|input)"
        r"|\bmaximum (prompt|input|model) length|\binput token count\b|`inputs` (tokens|must have less)"
        r"|'messages\[[^']{0,60}': string too long|\bContextWindowExceededError\b",
    ),
    (
        "not_found",
        (400, 410, 422),
        r"\bmodel\b.{0,100}\b(not found|not exist|not supported|not available|no longer available)"
        r"|not a valid model|\b(unknown|invalid|no such) model|\bno models loaded",
    ),
    (
        "content_filter",
        (400, 403),
        r"content.{0,20} (policy|filter)|content exists risk|safety (system|reasons)|\bflagged\b|\bmoderation\b"
        r"|violates usage guidelines|\bContentPolicyViolationError\b",
    ),
    ("overloaded", (429, 503), r"overload|at capacity|over capacity|too busy|server (is )?busy"),
)


def find_refusal(parsed: Any, sentence: str | None) -> Refusal:
    """Return the parts of a refusal, *parsed* and with its *sentence* known; see `Lexicon`."""
    error = _error_of(parsed)
    metadata = _mapping(error.get("metadata"))
    upstream = metadata.get("raw")
    return Refusal(
        names=_names(error, _error_of(_parsed(upstream))),
        status_names=(error.get("code"), error.get("status_code"), error.get("type")),
        sentence=_joined(sentence, sentence_of(upstream)),
        passed_on={str(name).lower(): str(value) for name, value in _mapping(metadata.get("headers")).items()},
    )


def _error_of(parsed: Any) -> Mapping[str, Any]:
    """Return the mapping that has `code` and `type`: under `error`, at the top, or first in a list."""
    if isinstance(parsed, list) and parsed:
        parsed = parsed[0]
    if not isinstance(parsed, Mapping):
        return {}
    error, detail = parsed.get("error"), parsed.get("detail")
    if isinstance(error, Mapping):
        return error
    return _error_of(detail) if isinstance(detail, (Mapping, list)) else parsed


def _names(error: Mapping[str, Any], upstream: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the names that are given to an error, the most telling first; a router passes on its provider's."""
    inner = _mapping(error.get("innererror"))
    for names in (inner, error, upstream):
        yield names.get("code")
        yield names.get("type")


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _parsed(value: Any) -> Any:
    return parse_json(value)[0] if isinstance(value, str) else value


def _joined(sentence: str | None, upstream: str | None) -> str | None:
    """Add what the provider behind a router said, where the router passes it on."""
    return ": ".join(part for part in (sentence, upstream) if part) or None


LEXICON = Lexicon(find_refusal, KINDS, STATUSES, WORDS)
"""Reads the refusals of the calls that both APIs have."""
