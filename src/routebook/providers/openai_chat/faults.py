"""Faults: a refused chat completions call → kind, sentence, and how long to wait.

Pure. The provider's own code and type are asked first, the status second, and where the status says little, the
words. Words are matched only against the sentence that a person would read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from ...errors import FaultKind
from ..fault import Fault, kind_of_status, read_retry_after, say
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


def read_fault(status: int, headers: Mapping[str, str], body: bytes, now: float, secrets: Iterable[str] = ()) -> Fault:
    """Return what a refusal says.

    *status* is no success; *headers* have lower-case names; *now* is seconds since the epoch; *secrets* never stand
    in the message, which has at most 500 characters and is never JSON.
    """
    if 300 <= status < 400:
        return Fault("malformed_response", say(_redirect(headers), secrets))
    error, _ = parse_json(body)
    return _fault(error, read_sentence(body), status, headers, now, secrets)


def fault_of_error(
    error: Any, status: int, headers: Mapping[str, str], now: float, secrets: Iterable[str] = ()
) -> Fault:
    """Return what an `error` says that stands in an answer of any *status*, a success included."""
    return _fault({"error": error}, sentence_of(error), status, headers, now, secrets)


def _fault(
    parsed: Any, sentence: str | None, status: int, headers: Mapping[str, str], now: float, secrets: Iterable[str]
) -> Fault:
    error = _error_of(parsed)
    sentence = _with_upstream(error, sentence) or _phrase(status)
    kind = _kind(error, sentence, _meant_status(error, status))
    return Fault(kind, say(sentence, secrets), read_retry_after(headers, now))


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


def _phrase(status: int) -> str:
    """Return the status in words, for an answer that has none of its own."""
    try:
        return f"the provider gave no reason ({HTTPStatus(status).phrase})"
    except ValueError:
        return f"the provider gave no reason (HTTP {status})"


def _redirect(headers: Mapping[str, str]) -> str:
    try:
        host = urlsplit(headers.get("location", "")).hostname
    except ValueError:
        host = None
    to = f"host {host!r}" if host else "another path"
    return f"the provider redirects to {to}, which is not followed; set base_url to the address that answers"
