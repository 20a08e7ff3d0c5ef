"""Decode: the answer of a chat completions call → a canonical response.

Pure. Read once, strictly, into typed structures: what is no answer of this API is a Fault, never an empty success.
Shapes that its dialects add are known (reasoning beside or within the content, an error inside a choice). An empty
text that ends with a finish reason of this API, `stop` above all, is an answer: the model had nothing to say. Empty
without one is malformed, and `error` as the finish reason is a fault, whatever was said until then. Fields of the
answer that have no place in a response are in its `extra`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from ...canonical.chat import ChatResponse, Choice, FinishReason
from ...canonical.frozen import EMPTY
from ...canonical.message import Message, Part
from ...canonical.part import ReasoningPart, RefusalPart
from ...canonical.tool import ToolCall
from ..answer import Answer
from ..arguments import read_arguments
from ..body import Malformed, lacking, malformed, read_body
from ..call_id import free_id
from ..fault import Fault
from ..openai.refusals import RATE_LIMITS
from ..rate_limit_headers import read_rate_limits
from ..sentence import parse_json
from .faults import fault_of_error
from .logprobs import read_logprobs
from .media import read_audio, read_images
from .texts import read_citations, read_content, read_reasoning
from .usage import read_usage, rest_of_usage
from .wire import (
    WireAnswer,
    WireBody,
    WireCall,
    WireChoice,
    WireFunction,
    WireMessage,
)

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
HAS_A_PLACE = frozenset((*WireBody.__struct_fields__, "choices", "obfuscation")) - {"usage"}
_FINISH: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "refusal": "refusal",
}
_NO_JSON = "the answer is no JSON"
_CUT_SHORT = ("length", "content_filter")
_ENDED_BY_ERROR = {
    "error": "the provider ended its answer with an error, and gave no reason",
    "abort": "the provider broke off its answer, and gave no reason",
    "insufficient_system_resource": {
        "message": "the provider broke off its answer, because it had no resources left",
        "code": "overloaded_error",
    },
}


_DECODER = msgspec.json.Decoder(WireAnswer)


def decode(answer: Answer) -> ChatResponse | Fault:
    """Return what *answer*, a success, says, or why it is none."""
    wire = read_body(_DECODER, answer)
    if isinstance(wire, Fault):
        return wire
    try:
        return response_of(wire, read_fields(answer.body), answer)
    except Malformed as error:
        return malformed(str(error), answer)


def read_fields(text: bytes) -> Mapping[str, msgspec.Raw]:
    """Return every field of *text*, an answer or a chunk, as it stands.

    Raises:
        Malformed: A name is none.
    """
    try:
        return _FIELDS.decode(text)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise Malformed(_NO_JSON) from error


def response_of(wire: WireAnswer, rest: Mapping[str, msgspec.Raw], answer: Answer) -> ChatResponse | Fault:
    """Return the response in *wire*, the body of *answer* or what its events add up to; *rest* has all its fields."""
    if wire.error:
        return fault_of_error(wire.error, answer)
    if not wire.choices:
        if wire.object == "error":
            return fault_of_error(parse_json(answer.body)[0], answer)
        return lacking("choices", answer, read_usage(wire.usage))
    for choice in wire.choices:
        if choice.error or choice.finish_reason in _ENDED_BY_ERROR:
            return fault_of_error(choice.error or _ENDED_BY_ERROR[choice.finish_reason or ""], answer)
    try:
        return _response(wire, rest, answer)
    except Malformed as error:
        return malformed(str(error), answer, read_usage(wire.usage))
    except RecursionError:
        return malformed("the answer is nested too deeply", answer, read_usage(wire.usage))


def _response(wire: WireAnswer, rest: Mapping[str, msgspec.Raw], answer: Answer) -> ChatResponse:
    ordered = sorted(wire.choices or (), key=lambda choice: choice.index)
    taken = {call.id for choice in ordered if choice.message for call in choice.message.tool_calls or ()}
    first, *others = [_choice(choice, wire, taken) for choice in ordered]
    return ChatResponse(
        message=first.message,
        finish_reason=first.finish_reason,
        raw_finish_reason=first.raw_finish_reason,
        usage=read_usage(wire.usage),
        request_id=answer.headers.get("x-request-id"),
        logprobs=first.logprobs,
        alternatives=tuple(others),
        id=wire.id or None,
        model=wire.model or None,
        service_tier=wire.service_tier,
        rate_limits=read_rate_limits(answer.headers, RATE_LIMITS, answer.now),
        extra=_extra(rest, wire, ordered),
    )


def _choice(choice: WireChoice, wire: WireAnswer, taken: set[str | None]) -> Choice:
    if choice.message is None:
        raise Malformed("the answer's choice has no message")
    parts = tuple(_parts(choice.message, wire, taken))
    return Choice(
        message=Message("assistant", parts),
        finish_reason=_finish_reason(choice.finish_reason, parts),
        raw_finish_reason=choice.finish_reason,
        logprobs=read_logprobs(choice.logprobs),
    )


def _parts(message: WireMessage, wire: WireAnswer, taken: set[str | None]) -> Iterator[Part]:
    thoughts, texts, refusal = read_content(message.content)
    yield from read_reasoning(message, thoughts)
    yield from read_citations(texts, message.annotations, wire)
    yield from read_images(message.images)
    yield from read_audio(message.audio)
    refusal = message.refusal or refusal
    if refusal:
        yield RefusalPart(refusal)
    yield from _calls(message, taken)


def _calls(message: WireMessage, taken: set[str | None]) -> Iterator[ToolCall]:
    calls = message.tool_calls or []
    if not calls and message.function_call is not None:
        calls = [WireCall(function=message.function_call)]
    for index, call in enumerate(calls):
        call_id = call.id or free_id(index, taken)
        if call.custom is not None:
            yield ToolCall(call_id, call.custom.name or None, None, call.custom.input or "")
            continue
        function = call.function or WireFunction()
        arguments, raw = read_arguments(function.arguments)
        yield ToolCall(call_id, function.name or None, arguments, raw)


def _finish_reason(raw: str | None, parts: tuple[Part, ...]) -> FinishReason:
    kinds = {type(part) for part in parts}
    only_thought = kinds <= {ReasoningPart}
    # Some say more after the word: `content_filter: SAFETY`.
    known = _FINISH.get((raw or "").partition(":")[0])
    if known is None and only_thought:
        raise Malformed("the answer has no content, no tool calls, no refusal, and no finish_reason of this API")
    reason = known or "stop"
    if reason in _CUT_SHORT:
        return reason
    if ToolCall in kinds:
        return "tool_calls"
    if reason == "tool_calls" and only_thought:
        raise Malformed("the answer ends for its tool calls, and has none")
    return "refusal" if reason == "refusal" or RefusalPart in kinds else "stop"


def _extra(rest: Mapping[str, msgspec.Raw], wire: WireAnswer, choices: list[WireChoice]) -> Mapping[str, Any]:
    """Return what has no place elsewhere; null is nothing."""
    try:
        extra = {name: msgspec.json.decode(raw) for name, raw in rest.items() if name not in HAS_A_PLACE}
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Malformed(_NO_JSON) from error
    extra["usage"] = rest_of_usage(extra["usage"]) if wire.usage is not None and "usage" in extra else None
    expiry = [choice.message.audio.expires_at for choice in choices if choice.message and choice.message.audio]
    if any(expiry):
        extra["audio"] = {"expires_at": expiry[0]}
    return {name: value for name, value in extra.items() if value is not None and value != {}} or EMPTY
