"""Decode: the answer of a generateContent call → a canonical response.

Pure. Read once, strictly: what is no answer of this API is a Fault, never an empty success. An answer without content
that ends with a reason of this API is one: the model had nothing to say. A request that was blocked has no answer, and
a model that broke off its own call has none that is of use: both are faults. Parts that only this API knows are kept
whole, and what an answer says beside its message is in `extra`.

The signature of a part that is no thought is a ReasoningPart of its own right before it; see `messages`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from ...canonical.chat import ChatResponse, Choice, FinishReason
from ...canonical.frozen import EMPTY
from ...canonical.message import Message, Part
from ...canonical.part import AudioPart, ImagePart, NativePart, ReasoningPart, TextPart
from ...canonical.tool import ToolCall
from ...canonical.usage import Usage
from ..answer import Answer
from ..arguments import read_arguments
from ..body import Malformed, lacking, malformed, read_body
from ..call_id import free_id
from ..fault import Fault, say
from .citations import read_citations
from .faults import fault_of_error
from .logprobs import read_logprobs
from .traits import TRAITS
from .usage import read_usage, rest_of_usage
from .wire import WireAnswer, WireBlob, WireCall, WireCandidate, WireFeedback, WirePart

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
_TYPED = {
    "text": frozenset({"text", "thought", "thoughtSignature"}),
    "functionCall": frozenset({"functionCall", "thoughtSignature"}),
    "inlineData": frozenset({"inlineData", "thoughtSignature"}),
    "fileData": frozenset({"fileData", "thoughtSignature"}),
}
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
        return lacking("candidates", answer)
    try:
        return _response(plain, wire, usage, answer)
    except _Broken as broken:
        return replace(malformed(str(broken), answer), usage=usage)
    except Malformed as error:
        return malformed(str(error), answer)
    except RecursionError:
        return malformed("the answer is nested too deeply", answer)


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
    parts = read_citations(tuple(_parts((content and content.parts) or (), about)), candidate)
    rest = {key: value for key, value in plain.items() if key not in _NOT_BESIDE_CANDIDATE and value not in (None, [])}
    beside.append({**rest, "parts": about} if about else rest)
    message = Message("assistant", parts)
    return Choice(
        message=message,
        finish_reason=_finish_reason(candidate, message.content),
        raw_finish_reason=candidate.finish_reason,
        logprobs=read_logprobs(candidate.logprobs_result),
    )


def _parts(plain: Sequence[Mapping[str, Any]], about: dict[str, Any]) -> Iterator[Part]:
    """Yield the parts of an answer, texts that belong together as one; *about* gets what has no place in them."""
    typed_parts = [_part(part) for part in plain]
    taken = {part.function_call.id for part in typed_parts if part.function_call is not None}
    words: list[str] = []
    is_thought = False
    for index, (part, whole) in enumerate(zip(typed_parts, plain, strict=True)):
        if _is_plain_text(whole):
            if words and is_thought is not bool(part.thought):
                yield _words(words, is_thought)
                words = []
            is_thought = bool(part.thought)
            words += [part.text] if part.text else []
            continue
        if words:
            yield _words(words, is_thought)
            words = []
        yield from _signed(index, part, whole, taken, about)
    if words:
        yield _words(words, is_thought)


def _part(plain: Mapping[str, Any]) -> WirePart:
    try:
        return msgspec.convert(plain, WirePart)
    except msgspec.ValidationError as error:
        raise Malformed(f"the answer does not fit this API: {error}, in a part") from error


def _is_plain_text(part: Mapping[str, Any]) -> bool:
    """Tell whether *part* is text, or a thought, without a signature: its neighbours of that kind go on with it."""
    return not part.get("thoughtSignature") and part.get("text") is not None and part.keys() <= _TYPED["text"]


def _words(words: Sequence[str], is_thought: bool) -> Part:
    text = "".join(words)
    return ReasoningPart(text, api=TRAITS.name) if is_thought else TextPart(text)


def _signed(
    index: int, part: WirePart, plain: Mapping[str, Any], taken: set[str | None], about: dict[str, Any]
) -> Iterator[Part]:
    signature = part.thought_signature or None
    if part.text is not None and part.thought:
        if not part.text:
            yield NativePart(TRAITS.name, plain)
            return
        yield ReasoningPart(part.text, signature, api=TRAITS.name)
        _keep_rest(index, plain, "text", about)
        return
    if part.text == "" and signature:
        yield ReasoningPart("", signature, redacted=True, api=TRAITS.name)
        _keep_rest(index, plain, "text", about)
        return
    found = _known(index, part, plain, taken, about)
    if found is None:
        yield NativePart(TRAITS.name, plain)
        return
    if signature:
        yield ReasoningPart("", signature, api=TRAITS.name)
    yield found


def _known(
    index: int, part: WirePart, plain: Mapping[str, Any], taken: set[str | None], about: dict[str, Any]
) -> Part | None:
    """Return the one thing in *part* that every API knows, if that is what it is."""
    if part.text is not None:
        _keep_rest(index, plain, "text", about)
        return TextPart(part.text)
    if part.function_call is not None:
        _keep_rest(index, plain, "functionCall", about)
        return _call(index, part.function_call, taken)
    if part.thought or not plain.keys() <= _TYPED["inlineData"] | _TYPED["fileData"]:
        return None  # a picture that was only thought of, or one of which more is said
    if part.inline_data is not None and plain["inlineData"].keys() <= {"mimeType", "data"}:
        return _medium(part.inline_data)
    if part.file_data is not None and part.file_data.file_uri and (part.file_data.mime_type or "").startswith("image/"):
        return ImagePart(url=part.file_data.file_uri, media_type=part.file_data.mime_type)
    return None


def _keep_rest(index: int, plain: Mapping[str, Any], kind: str, about: dict[str, Any]) -> None:
    rest = {key: value for key, value in plain.items() if key not in _TYPED[kind] and value is not None}
    if rest:
        about[str(index)] = rest


def _call(index: int, call: WireCall, taken: set[str | None]) -> ToolCall:
    arguments, raw = read_arguments(call.args)
    return ToolCall(call.id or free_id(index, taken), call.name or None, arguments, raw)


def _medium(blob: WireBlob) -> Part | None:
    media_type = blob.mime_type or ""
    if blob.data and media_type.startswith("image/"):
        return ImagePart(data=blob.data, media_type=media_type)
    return AudioPart(blob.data, media_type) if blob.data and media_type.startswith("audio/") else None


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
