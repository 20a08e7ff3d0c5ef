"""Decode: the answer of a generateContent call → a canonical response.

Pure. Read once, strictly: what is no answer of this API is a Fault, never an empty success. An answer without content
that ends with a reason of this API is one: the model had nothing to say. A request that was blocked has no answer, and
a model that broke off its own call has none that is of use: both are faults. What an answer says beside its
message is in `extra`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ...canonical.chat import ChatResponse, Choice, FinishReason
from ...canonical.frozen import EMPTY
from ...canonical.message import Message, Part
from ...canonical.part import ReasoningPart
from ...canonical.tool import ToolCall
from ...canonical.usage import Usage
from ..answer import Answer
from ..body import Malformed, lacking, malformed, read_body
from ..fault import Fault, say
from .citations import read_citations
from .faults import fault_of_error
from .logprobs import read_logprobs
from .parts import read_parts
from .usage import read_usage, rest_of_usage
from .wire import WireAnswer, WireCandidate, WireFeedback

REQUEST_ID = "x-goog-request-id"
_TIER = "x-gemini-service-tier"
_FINISH: dict[str | None, FinishReason] = {
    "STOP": "stop",
    "NO_IMAGE": "stop",
    "UNEXPECTED_TOOL_CALL": "stop",
    "MAX_TOKENS": "length",
    # What was said until then is not the whole of it.
    "CONTINUATION": "length",
    "TOO_MANY_TOOL_CALLS": "length",
    "LANGUAGE": "length",
    "OTHER": "length",
    "IMAGE_OTHER": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "ESCALATION": "content_filter",
    "PUP_LIMITED_DISABLED": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
}
_CUT_SHORT = ("length", "content_filter")
_BROKEN = {
    "MALFORMED_FUNCTION_CALL": "the model made a tool call that cannot be read",
    "MALFORMED_RESPONSE": "the model made an answer that cannot be read",
    "MISSING_THOUGHT_SIGNATURE": "the model made a tool call without the signature that it demands itself",
}
"""Reasons that make an answer none, whatever was said until then."""
_EMPTY_IS_BROKEN = {
    "UNEXPECTED_TOOL_CALL": "the model called a tool that it was not offered",
    "NO_IMAGE": "the model made no image, and said nothing",
    "IMAGE_OTHER": "the model made no image, and gave no reason",
    "LANGUAGE": "the provider broke off the answer for its language",
    "OTHER": "the provider broke off the answer, and gave no reason",
    "TOO_MANY_TOOL_CALLS": "the provider broke off its own tool calls before there was an answer",
}
"""Reasons that make an answer none where nothing was said until then."""
_NOT_BESIDE = frozenset({"candidates", "usageMetadata", "modelVersion", "responseId", "error"})
_NOT_BESIDE_CANDIDATE = frozenset({"index", "content", "finishReason", "logprobsResult"})
UNSAID = (None, "FINISH_REASON_UNSPECIFIED")
_DECODER = msgspec.json.Decoder(dict[str, Any])


class _Broken(Exception):
    """A candidate is no answer, by its own word; the text says why."""


def decode(answer: Answer) -> ChatResponse | Fault:
    """Return what *answer*, a success, says, or why it is none."""
    plain = read_body(_DECODER, answer)
    return plain if isinstance(plain, Fault) else response_of(plain, answer)


def typed(plain: Mapping[str, Any], answer: Answer) -> WireAnswer | Fault:
    """Return *plain*, an answer or a chunk of one, as far as it is read."""
    try:
        return msgspec.convert(plain, WireAnswer)
    except (msgspec.ValidationError, RecursionError) as error:
        return malformed(f"the answer does not fit this API: {error}", answer)


def response_of(plain: Mapping[str, Any], answer: Answer) -> ChatResponse | Fault:
    """Return the response in *plain*, the body of *answer* or what its events add up to."""
    wire = typed(plain, answer)
    if isinstance(wire, Fault):
        return wire
    if wire.error:
        return fault_of_error(wire.error, answer)
    usage = read_usage(wire.usage_metadata)
    if wire.prompt_feedback is not None and wire.prompt_feedback.block_reason and not _is_answered(wire):
        return _blocked(wire.prompt_feedback, usage, answer)
    if not wire.candidates:
        return lacking("candidates", answer, usage)
    try:
        return _response(plain, wire, usage, answer)
    except _Broken as broken:
        return malformed(str(broken), answer, usage)
    except Malformed as error:
        return malformed(str(error), answer, usage)
    except RecursionError:
        return malformed("the answer is nested too deeply", answer, usage)


def _is_answered(wire: WireAnswer) -> bool:
    """Tell whether an answer came to its end: a request may be blocked while it is answered."""
    return any(candidate.get("finishReason") not in UNSAID for candidate in wire.candidates or ())


def _blocked(feedback: WireFeedback, usage: Usage | None, answer: Answer) -> Fault:
    words = f": {feedback.block_reason_message}" if feedback.block_reason_message else ""
    message = f"the provider's content filter refuses the request ({feedback.block_reason}){words}"
    return Fault("content_filter", say(message, answer.secrets), None, usage)


def _response(plain: Mapping[str, Any], wire: WireAnswer, usage: Usage | None, answer: Answer) -> ChatResponse:
    found = [(_candidate(candidate), candidate) for candidate in wire.candidates or ()]
    found.sort(key=lambda pair: pair[0].index or 0)
    beside: list[dict[str, Any]] = []
    first, *others = [_choice(typed_candidate, candidate, beside) for typed_candidate, candidate in found]
    tier = answer.headers.get(_TIER) or (None if wire.usage_metadata is None else wire.usage_metadata.service_tier)
    return ChatResponse(
        message=first.message,
        finish_reason=first.finish_reason,
        raw_finish_reason=first.raw_finish_reason,
        usage=usage,
        request_id=answer.headers.get(REQUEST_ID),
        logprobs=first.logprobs,
        alternatives=tuple(others),
        id=wire.response_id or None,
        model=wire.model_version or None,
        service_tier=tier,
        extra=_extra(plain, beside),
    )


def _candidate(plain: Mapping[str, Any]) -> WireCandidate:
    try:
        return msgspec.convert(plain, WireCandidate)
    except msgspec.ValidationError as error:
        raise Malformed(f"the answer does not fit this API: {error}, in a candidate") from error


def _choice(candidate: WireCandidate, plain: Mapping[str, Any], beside: list[dict[str, Any]]) -> Choice:
    content = candidate.content
    role = None if content is None else content.role
    if role not in (None, "", "model"):
        raise Malformed(f"the answer's role is {role!r}, not 'model'")
    about: dict[str, Any] = {}
    parts = read_citations(tuple(read_parts((content and content.parts) or (), about)), candidate)
    rest = {key: value for key, value in plain.items() if key not in _NOT_BESIDE_CANDIDATE and value not in (None, [])}
    beside.append({**rest, "parts": about} if about else rest)
    message = Message("assistant", parts)
    return Choice(
        message=message,
        finish_reason=_finish_reason(candidate, message.content),
        raw_finish_reason=candidate.finish_reason,
        logprobs=read_logprobs(candidate.logprobs_result),
    )


def _finish_reason(candidate: WireCandidate, parts: tuple[Part, ...]) -> FinishReason:
    raw = candidate.finish_reason
    said = f": {candidate.finish_message}" if candidate.finish_message else ""
    only_thought = all(isinstance(part, ReasoningPart) for part in parts)
    broken = _BROKEN.get(raw or "") or (_EMPTY_IS_BROKEN.get(raw or "") if only_thought else None)
    if broken:
        raise _Broken(broken + said)
    if raw not in _FINISH and only_thought:
        raise Malformed("the answer has no content, no tool calls, and no finishReason of this API" + said)
    reason = _FINISH.get(raw, "stop")
    if reason in _CUT_SHORT:
        return reason
    return "tool_calls" if any(isinstance(part, ToolCall) for part in parts) else "stop"


def _extra(plain: Mapping[str, Any], beside: list[dict[str, Any]]) -> Mapping[str, Any]:
    """Return what has no place elsewhere; null is nothing."""
    extra = {key: value for key, value in plain.items() if key not in _NOT_BESIDE and value is not None}
    usage = rest_of_usage(plain.get("usageMetadata") or {})
    if usage:
        extra["usageMetadata"] = usage
    if any(beside):
        extra["candidates"] = beside
    return extra or EMPTY
