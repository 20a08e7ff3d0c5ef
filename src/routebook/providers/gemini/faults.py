"""Faults: a refused generateContent call → kind, sentence, and how long to wait.

Pure. The words of this API, which are those of all of Google's, and where they stand; how they are read is `lexicon`'s.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ...canonical.frozen import EMPTY
from ...errors import FaultKind
from ..lexicon import Lexicon, Refusal, Words

_PER_DAY = "quota of a day"
_BY_NAME: dict[str, FaultKind] = {
    _PER_DAY: "quota_exceeded",
    # the reason in `ErrorInfo`
    "api_key_invalid": "authentication",
    "api_key_expired": "authentication",
    "access_token_expired": "authentication",
    "access_token_type_unsupported": "authentication",
    "account_state_invalid": "authentication",
    "credentials_missing": "authentication",
    "session_cookie_invalid": "authentication",
    "access_token_scope_insufficient": "permission_denied",
    "api_key_service_blocked": "permission_denied",
    "api_key_http_referrer_blocked": "permission_denied",
    "api_key_ip_address_blocked": "permission_denied",
    "api_key_android_app_blocked": "permission_denied",
    "api_key_ios_app_blocked": "permission_denied",
    "consumer_invalid": "permission_denied",
    "consumer_suspended": "permission_denied",
    "iam_permission_denied": "permission_denied",
    "location_policy_violated": "permission_denied",
    "security_policy_violated": "permission_denied",
    "service_disabled": "permission_denied",
    "user_project_denied": "permission_denied",
    "billing_disabled": "quota_exceeded",
    "resource_quota_exceeded": "quota_exceeded",
    "rate_limit_exceeded": "rate_limit",
    "rate_limit_exceeded_per_minute": "rate_limit",
    # the status
    "unauthenticated": "authentication",
    "deadline_exceeded": "timeout",
    # said by proxies, of the models that they stand for
    "context_length_exceeded": "context_window_exceeded",
    "insufficient_quota": "quota_exceeded",
    "invalid_api_key": "authentication",
    "model_not_found": "not_found",
}
_STATUS_OF_NAME: dict[str, int] = {
    "invalid_argument": 400,
    "failed_precondition": 400,
    "out_of_range": 400,
    "unauthenticated": 401,
    "permission_denied": 403,
    "not_found": 404,
    "aborted": 409,
    "already_exists": 409,
    "resource_exhausted": 429,
    "cancelled": 499,
    "internal": 500,
    "unknown": 500,
    "data_loss": 500,
    "unimplemented": 501,
    "unavailable": 503,
    "deadline_exceeded": 504,
}

# What words make of a status that says little, in this order: an unsupported parameter also names the model, and a
# missing capability comes with the status of a missing model.
_BY_WORDS: Words = (
    (
        "authentication",
        (400, 403),
        r"\bapi.?key (is )?(not valid|not found|invalid|expired)|pass a valid api key|unregistered callers"
        r"|api key was reported as leaked|invalid authentication credentials",
    ),
    ("permission_denied", (400,), r"location is not supported|not available in your (country|region)"),
    (
        "quota_exceeded",
        (400, 403, 429),
        r"\bprepa\w+ credits?\b.{0,40} (depleted|exhausted)|spending (cap|limit)|\bbilling\b.{0,60}\b(disabled|enable)"
        r"|requires billing|\bper[ _]?day\b|\bdaily (limit|quota)|\blimit: 0\b",
    ),
    (
        "context_window_exceeded",
        (400, 413, 422, 500),
        r"\binput token count\b|maximum number of (input )?tokens|(input|prompt|request|context) is too (long|large)"
        r"|request payload size exceeds|supports up to \d+ (input )?tokens|\bContextWindowExceededError\b",
    ),
    (
        "unsupported_capability",
        (400, 404, 422),
        r"\b(function calling|tool use|developer instruction|system instruction|json mode|structured output"
        r"|controlled generation|code execution|search grounding|multimodal function responses?"
        r"|(image|audio|video|pdf|file)( input)?( modality)?)s?\b.{0,80}"
        r"(is not enabled|is not supported|is unsupported|are not supported)"
        r"|unsupported (mime|file) ?type|response modalit|modalities .{0,60}not supported"
        r"|does not support (\w+ ){0,3}(images?|audio|videos?|tools?|function|files?)\b",
    ),
    (
        "unsupported_option",
        (400, 422),
        r"\bunknown name\b|cannot find field|\b(unsupported|unknown|unrecognized) (parameter|field|value|option)"
        r"|\b(penalty|penalties|logprobs|multiple candidates|seed|top_?k|thinking|thinking_?config|thinking level"
        r"|thinking budget|service tier|flex|output dimensionality)\b.{0,80}"
        r"(is not enabled|is not supported|are not supported|not support|is only enabled|is invalid)"
        r"|\bbudget \d+ is invalid|thinking budget\b.{0,40}\binvalid|only works in thinking mode",
    ),
    (
        "not_found",
        (400, 422),
        r"\bmodel\b.{0,200}\b(not found|not exist|not supported|not available|no longer available)"
        r"|\b(unknown|invalid|no such) model|unexpected model name",
    ),
    (
        "content_filter",
        (400, 403),
        r"responsible ai|sensitive words|prohibited (content|use)|content.{0,20} (policy|filter)"
        r"|safety (filter|setting)|blocked (by|due to|for) (\w+ )?safety|\bmodel armor\b",
    ),
    ("overloaded", (429, 500, 503), r"overload|at capacity|over capacity|high demand|too busy"),
)
_SECONDS = re.compile(r"([0-9]+(?:\.[0-9]+)?)s")
_RETRY_IN = re.compile(r"retry in ([0-9]+(?:\.[0-9]+)?)s\b")


def _find(parsed: Any, sentence: str | None) -> Refusal:
    error = _error_of(parsed)
    wait = _wait_of(error, sentence)
    return Refusal(
        names=_names(error),
        status_names=(error.get("code"), error.get("status")),
        sentence=sentence,
        passed_on=EMPTY if wait is None else {"retry-after": wait},
    )


def _error_of(parsed: Any) -> Mapping[str, Any]:
    """Return the mapping that has `status` and `details`: under `error`, at the top, or first in a list."""
    if isinstance(parsed, list) and parsed:
        parsed = parsed[0]
    if not isinstance(parsed, Mapping):
        return {}
    error = parsed.get("error")
    return _error_of(error) if isinstance(error, (Mapping, list)) else parsed


def _names(error: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the names that are given to an error, the most telling first."""
    if any(_is_per_day(violation) for violation in _violations(error)):
        yield _PER_DAY
    for detail in _details(error, "ErrorInfo"):
        yield detail.get("reason")
    yield error.get("status")
    yield error.get("code")
    yield error.get("type")


def _details(error: Mapping[str, Any], kind: str) -> Iterator[Mapping[str, Any]]:
    """Yield those of the details whose type ends in *kind*."""
    details = error.get("details")
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, Mapping) and str(detail.get("@type")).endswith(f".{kind}"):
            yield detail


def _violations(error: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for detail in _details(error, "QuotaFailure"):
        violations = detail.get("violations")
        if isinstance(violations, list):
            yield from (violation for violation in violations if isinstance(violation, Mapping))


def _is_per_day(violation: Mapping[str, Any]) -> bool:
    """Tell whether a quota comes back tomorrow at the earliest: it counts days, or is none at all."""
    quota = f"{violation.get('quotaId')} {violation.get('quotaMetric')} {violation.get('subject')}"
    return bool(re.search(r"per[_ ]?day", quota, re.IGNORECASE)) or str(violation.get("quotaValue")) == "0"


def _wait_of(error: Mapping[str, Any], sentence: str | None) -> str | None:
    """Return the seconds to wait, as text: by `RetryInfo`, or by the words."""
    for detail in _details(error, "RetryInfo"):
        delay = detail.get("retryDelay")
        found = _SECONDS.fullmatch(delay) if isinstance(delay, str) else None
        if found is not None:
            return found[1]
        if isinstance(delay, Mapping) and isinstance(delay.get("seconds"), int):
            return str(delay["seconds"])
    said = _RETRY_IN.search(sentence or "")
    return None if said is None else said[1]


_LEXICON = Lexicon(_find, _BY_NAME, _STATUS_OF_NAME, _BY_WORDS, unnamed_status=500)
read_fault = _LEXICON.read_fault
fault_of_error = _LEXICON.fault_of_error
