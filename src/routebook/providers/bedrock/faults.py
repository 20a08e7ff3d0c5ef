"""Faults: a refused call of Amazon Bedrock → kind, sentence, and how long to wait.

Pure. The words of this API, and where they stand; how they are read is `lexicon`'s. The name of a refusal stands in a
header, in a stream before its body. Where a model's server failed, the status is that of its own answer, if known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from ...canonical.frozen import EMPTY
from ...errors import FaultKind
from ..answer import Answer
from ..fault import Fault
from ..lexicon import Lexicon, Refusal, Words
from ..sentence import parse_json

_NAME_HEADER = "x-amzn-errortype"
_OF_THE_MODEL = 424
_BY_NAME: dict[str, FaultKind] = {
    "unrecognizedclientexception": "authentication",
    "unrecognizedclient": "authentication",
    "invalidclienttokenid": "authentication",
    "expiredtokenexception": "authentication",
    "expiredtoken": "authentication",
    "requestexpired": "authentication",
    "invalidsignatureexception": "authentication",
    "signaturedoesnotmatch": "authentication",
    "incompletesignatureexception": "authentication",
    "incompletesignature": "authentication",
    "missingauthenticationtokenexception": "authentication",
    "missingauthenticationtoken": "authentication",
    "optinrequired": "permission_denied",
    "servicequotaexceededexception": "quota_exceeded",
    "modelnotreadyexception": "overloaded",
    "modeltimeoutexception": "timeout",
}
_STATUS_OF_NAME: dict[str, int] = {
    "accessdeniedexception": 403,
    "validationexception": 400,
    "conflictexception": 400,
    "resourcenotfoundexception": 404,
    "unknownoperationexception": 404,
    "throttlingexception": 429,
    "toomanyrequestsexception": 429,
    "internalserverexception": 500,
    "modelerrorexception": 500,
    "modelstreamerrorexception": 500,
    "serviceunavailableexception": 503,
}

# What words make of a status that says little, in this order: a field that a model does not know is named after the
# capability, and a missing capability comes with the words of a missing model.
_BY_WORDS: Words = (
    (
        "authentication",
        (400, 401, 403),
        r"\bapi key\b|authentication failed|bearer token|security token|\bsignature\b|credentials? (is|are|have|has)",
    ),
    (
        "permission_denied",
        (400, 404),
        r"operation not allowed|use case details have not been submitted|don.?t have access to the model"
        r"|\bnot authorized\b|\bmodel access\b",
    ),
    ("quota_exceeded", (429,), r"\b(tokens|requests) per day|daily (token|request)|\bper day\b"),
    ("overloaded", (429, 503), r"overload|at capacity|over capacity|high demand|(insufficient|enough) capacity"),
    (
        "context_window_exceeded",
        (400,),
        r"\bcontext (limit|length|window)|\b(prompt|input|messages?) (is|are|was) too (long|large)"
        r"|too many input tokens|\binput tokens?\b.{0,60}\bexceeds?\b|exceeds? the (maximum )?(context|input)"
        r"|(tokens|length) (of|in) (the )?(input|prompt).{0,60}\bexceeds?\b",
    ),
    ("content_filter", (400, 403), r"content.{0,20} (policy|filter)|blocked by .{0,40}(filter|guardrail)"),
    (
        "unsupported_option",
        (400,),
        r"extraneous key|extra inputs are not permitted|cannot both be specified|\bis deprecated for this model"
        r"|(doesn.?t|does not|not) support the [\w.]+ field|only supported (for|by) .{0,40} models"
        r"|\b(unsupported|unknown|unrecognized) (request )?(parameter|field|value|option)|\bnot supported\b.{0,20}field"
        r"|\bthinking\b.{0,60} (is|are) not supported|thinking may not be enabled"
        r"|\bservice ?tier\b.{0,60} not (supported|available)",
    ),
    (
        "unsupported_capability",
        (400, 404),
        r"(doesn.?t|does not|not) support (\w+ ){0,4}"
        r"(tool|tools|images?|documents?|video|audio|content block|system messages?|prefill|streaming|streams?"
        r"|structured outputs?|prompt caching|reasoning)\b"
        r"|(image|document|tool|tool_use|streaming)\w* (is|are) not (supported|allowed)",
    ),
    (
        "not_found",
        (400, 410),
        r"model identifier is invalid|on-demand throughput|\bmodel\b.{0,100}\b(not found|not exist|not available"
        r"|not supported|end of (its )?life|legacy)|(could not|couldn.?t) (resolve|find) (the )?(foundation )?model",
    ),
)


def read_fault(answer: Answer) -> Fault:
    """Return what a refusal says: an answer whose status is no success; see `Lexicon.read_fault`."""
    status = answer.status
    if status == _OF_THE_MODEL:
        status = _original_status(parse_json(answer.body)[0]) or 500
    named = partial(_find, named=answer.headers.get(_NAME_HEADER, ""))
    return replace(_LEXICON, find=named).read_fault(replace(answer, status=status))


def fault_of_error(error: Any, answer: Answer) -> Fault:
    """Return what an `error` says that stands in an answer of any status; see `Lexicon.fault_of_error`."""
    return _LEXICON.fault_of_error(error, answer)


def _find(parsed: Any, sentence: str | None, named: str = "") -> Refusal:
    error = _error_of(parsed)
    names = tuple(_plain(name) for name in (named, error.get("__type"), error.get("code")) if isinstance(name, str))
    original = _original_status(error)
    return Refusal(
        names=names,
        status_names=(*(() if original is None else (original,)), *names),
        sentence=sentence or _said(error),
        passed_on=EMPTY,
    )


def _error_of(parsed: Any) -> Mapping[str, Any]:
    """Return the mapping that has the name and the words: at the top, or under `error`."""
    if not isinstance(parsed, Mapping):
        return {}
    error = parsed.get("error")
    return error if isinstance(error, Mapping) else parsed


def _plain(name: str) -> str:
    """Return a name without what stands around it: `aws.bedrock#X`, or `X:http://internal.amazon.com/...`."""
    return name.partition(":")[0].rpartition("#")[2].strip()


def _original_status(error: Any) -> int | None:
    status = error.get("originalStatusCode") if isinstance(error, Mapping) else None
    return status if isinstance(status, int) and 400 <= status < 600 else None


def _said(error: Mapping[str, Any]) -> str | None:
    """Return the words that stand under a key of this API alone: its outer gate writes it large."""
    words = (error.get(key) for key in ("Message", "originalMessage"))
    return next((text for text in words if isinstance(text, str) and text.strip()), None)


_LEXICON = Lexicon(_find, _BY_NAME, _STATUS_OF_NAME, _BY_WORDS, unnamed_status=500)
