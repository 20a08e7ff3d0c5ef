"""Faults: what the library raised → kind, sentence, and how long to wait.

Pure. An exception comes as data, see `raised`: the names of its classes, the status and the body of the provider's own
refusal where there was one, and the library's words. The provider's body is the most telling, and read with the words
of all that OpenAI and its copies refuse; the library's classes tell the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ...errors import FaultKind
from ...routing.provider_spec import Timeouts
from ..answer import Answer
from ..fault import Fault, say
from ..openai.refusals import LEXICON
from ..sentence import parse_json, sentence_of
from .raised import Raised

# What a class of the library says more exactly than a status does.
_TELLING: dict[str, FaultKind] = {
    "ContextWindowExceededError": "context_window_exceeded",
    "ContentPolicyViolationError": "content_filter",
    "UnsupportedParamsError": "unsupported_option",
    "BudgetExceededError": "quota_exceeded",
    "JSONSchemaValidationError": "malformed_response",
    "APIResponseValidationError": "malformed_response",
}
# What it says where there was no answer that had a status.
_BY_CLASS: dict[str, FaultKind] = {
    **_TELLING,
    "AuthenticationError": "authentication",
    "PermissionDeniedError": "permission_denied",
    "NotFoundError": "not_found",
    # It knows the provider, or no call was made; what it does not know is such a call of it.
    "LiteLLMUnknownProvider": "unsupported_capability",
    "RateLimitError": "rate_limit",
    "Timeout": "timeout",
    "ServiceUnavailableError": "server_error",
    "BadGatewayError": "server_error",
    "InternalServerError": "server_error",
    "UnprocessableEntityError": "bad_request",
    "BadRequestError": "bad_request",
}
# The library puts its own names before the words, one within the other.
_PREFIX = re.compile(
    r"(?:litellm\.)?[A-Za-z_]*(?:Error|Exception|Timeout|UnknownProvider)\s*(?:[A-Za-z_]+Error\s*)?(?::|-)\s*"
    r"|Error code: [0-9]{3} - |GetLLMProvider Exception - "
)
# And its advice behind them, which is for people who call it themselves.
_ADVICE = re.compile(
    r"\s*(?:Traceback \(most recent call last\):|To drop |If you want to use these params"
    r"|LiteLLM Retried:|LiteLLM Default Request Timeout|Received Model Group=|Available Model Group Fallbacks="
    r"|Learn more:|Received: |original model:|Enable 'litellm\.|Set 'litellm\.|Handle with `litellm\.).*",
    re.DOTALL,
)

# What the library stumbles over before a call is made: no answer was wrong.
_UNREADY: tuple[tuple[re.Pattern[str], FaultKind], ...] = (
    (re.compile(r"missing credentials|api_key client option must be set", re.IGNORECASE), "authentication"),
    (re.compile(r"^(?:ModuleNotFound|Import)Error: "), "bad_request"),
)

# What the library refuses by itself, where no provider gave an answer.
_NOT_CALLED = frozenset({"UnsupportedParamsError", "LiteLLMUnknownProvider", "BudgetExceededError"})

_NO_ANSWER = re.compile(
    r"empty or invalid response|unable to (get|parse)|invalid response object|error parsing"
    r"|(litellm: )?provider returned",
    re.IGNORECASE,
)


def read_fault(answer: Answer) -> Fault:
    """Return what a refusal says: an answer whose status is no success, its body what the library raised."""
    parsed, _ = parse_json(answer.body)
    error = parsed.get("error") if isinstance(parsed, Mapping) else None
    if not isinstance(error, Mapping):
        return LEXICON.read_fault(answer)
    return fault_of_error(error, answer)


def fault_of_error(error: Mapping[str, Any], answer: Answer) -> Fault:
    """Return what *error* says, an exception as data, in an answer of any status."""
    telling = _telling(error.get("classes", ()))
    if error.get("foreign") and telling is None:
        return _failed(str(error["foreign"]), answer.secrets)
    status = error.get("status")
    known = replace(answer, status=status) if isinstance(status, int) and answer.status < 300 <= status else answer
    found = LEXICON.fault_of_error(_spoken(error, sentence_of_error(error)), known)
    if known.status < 300:
        found = replace(found, kind=_without_status(error.get("classes", ()), found.message) or found.kind)
    return found if telling is None else replace(found, kind=telling)


def kind_of_classes(names: Iterable[str]) -> FaultKind | None:
    """Return what the first known of *names*, the classes of an exception, says; None where none is known."""
    return next((_BY_CLASS[name] for name in names if name in _BY_CLASS), None)


def unanswered(error: Raised, bounds: Timeouts, secrets: Iterable[str]) -> Fault:
    """Return what *error* says, an exception without an answer of the provider's; *bounds* are those of the call."""
    if error.cause == "connect":
        return Fault("timeout", f"no connection within {bounds.connect:g} s")
    if error.cause == "timeout":
        return Fault("timeout", f"no complete answer within {bounds.total:g} s")
    if error.cause == "connection":
        return Fault("connection", say(f"the connection failed ({error.why})", secrets))
    if error.cause == "foreign" and _telling(error.classes) is None:
        return _failed(error.why, secrets)
    if error.body is not None:
        return fault_of_error(error.to_dict(), Answer(200, {}, b"", secrets=tuple(secrets)))
    sentence = sentence_of_error(error.to_dict()) or "the library refused the call, and gave no reason"
    return Fault(_without_status(error.classes, sentence) or "malformed_response", say(sentence, secrets))


def was_sent(error: Raised) -> bool:
    """Tell whether anything of the call may have reached the provider, of which *error* has no answer."""
    if error.cause == "foreign":
        return _unready(error.why) is None
    return error.connected and _NOT_CALLED.isdisjoint(error.classes)


def _telling(classes: Iterable[str]) -> FaultKind | None:
    return next((_TELLING[name] for name in classes if name in _TELLING), None)


def _without_status(classes: Iterable[str], sentence: str) -> FaultKind | None:
    return "malformed_response" if _NO_ANSWER.match(sentence) else kind_of_classes(classes)


def _unready(why: str) -> FaultKind | None:
    return next((kind for pattern, kind in _UNREADY if pattern.search(why)), None)


def _failed(why: str, secrets: Iterable[str]) -> Fault:
    unready = _unready(why)
    if unready is not None:
        return Fault(unready, say(f"the library cannot make the call: {why}", secrets))
    return Fault("malformed_response", say(f"the library failed at the call or its answer: {why}", secrets))


def sentence_of_error(error: Mapping[str, Any]) -> str | None:
    """Return the provider's words, else the library's without its own names and advice; None where there are none."""
    body = error.get("body")
    if isinstance(body, str):
        parsed, is_json = parse_json(body)
        body = parsed if is_json else None
    return sentence_of(body) or sentence_of(cleaned(str(error.get("message") or "")))


def cleaned(words: str) -> str:
    """Return the library's *words* without its names before them and its advice behind."""
    words = words.strip()
    while (prefix := _PREFIX.match(words)) is not None:
        words = words[prefix.end() :].lstrip()
    return _ADVICE.sub("", words).strip()


def _spoken(error: Mapping[str, Any], sentence: str | None) -> Mapping[str, Any]:
    """Return the refusal in the form in which OpenAI's copies say it: their own words, and their names for it."""
    body = error.get("body")
    parsed = parse_json(body)[0] if isinstance(body, str) else body
    inner = parsed.get("error", parsed) if isinstance(parsed, Mapping) else {}
    names = {name: inner.get(name) for name in ("code", "type", "status")} if isinstance(inner, Mapping) else {}
    return {**{name: value for name, value in names.items() if value is not None}, "message": sentence}
