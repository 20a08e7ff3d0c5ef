"""Decode: the answer of a chat completions call → a canonical response.

Pure. Read once, strictly, into typed structures: what is no answer of this API is a Fault, never an empty success.
Shapes that its dialects add are known (reasoning beside or within the content, an error inside a choice). An empty
text that ends with a finish reason of this API, `stop` above all, is an answer: the model had nothing to say. Empty
without one is malformed, and `error` as the finish reason is a fault, whatever was said until then.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from ...canonical.chat import ChatResponse, FinishReason
from ...canonical.message import Message, Part
from ...canonical.part import ReasoningPart, RefusalPart, TextPart
from ...canonical.tool import ToolCall
from ...canonical.usage import Usage
from ..answer import Answer
from ..arguments import read_arguments
from ..body import malformed, read_body
from ..fault import Fault
from ..sentence import read_sentence
from .faults import fault_of_error
from .traits import TRAITS
from .wire import (
    WireAnswer,
    WireCall,
    WireChoice,
    WireFunction,
    WireInputDetails,
    WireMessage,
    WireOutputDetails,
    WirePart,
    WireUsage,
)

_FINISH: dict[str | None, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "max_tokens": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}
_CUT_SHORT = ("length", "content_filter")
_NO_REASON = "the provider ended its answer with an error, and gave no reason"


class _Malformed(Exception):
    """The answer has the right types and still makes no sense; its text is the message."""


_DECODER = msgspec.json.Decoder(WireAnswer)


def decode(answer: Answer) -> ChatResponse | Fault:
    """Return what *answer*, a success, says, or why it is none."""
    wire = read_body(_DECODER, answer)
    return wire if isinstance(wire, Fault) else response_of(wire, answer)


def response_of(wire: WireAnswer, answer: Answer) -> ChatResponse | Fault:
    """Return the response in *wire*, the body of *answer* or what its events add up to."""
    if wire.error:
        return fault_of_error(wire.error, answer)
    if not wire.choices:
        words = read_sentence(answer.body)
        return malformed("the answer has no choices" + (f": {words}" if words else ""), answer)
    choice = wire.choices[0]
    if choice.error or choice.finish_reason == "error":
        return fault_of_error(choice.error or _NO_REASON, answer)
    try:
        return _response(choice, wire.usage, answer)
    except _Malformed as error:
        return malformed(str(error), answer)


def _response(choice: WireChoice, usage: WireUsage | None, answer: Answer) -> ChatResponse:
    if choice.message is None:
        raise _Malformed("the answer's choice has no message")
    parts = tuple(_parts(choice.message))
    return ChatResponse(
        message=Message("assistant", parts),
        finish_reason=_finish_reason(choice.finish_reason, parts),
        raw_finish_reason=choice.finish_reason,
        usage=None if usage is None else _usage(usage),
        request_id=answer.headers.get("x-request-id"),
    )


def _parts(message: WireMessage) -> Iterator[Part]:
    reasoning, text, refusal = _content(message.content)
    reasoning = message.reasoning_content or message.reasoning or reasoning
    refusal = message.refusal or refusal
    if reasoning:
        yield ReasoningPart(reasoning, api=TRAITS.name)
    if text:
        yield TextPart(text)
    if refusal:
        yield RefusalPart(refusal)
    yield from _calls(message)


def _content(content: str | list[WirePart] | None) -> tuple[str, str, str]:
    """Return the reasoning, the text and the refusal in *content*."""
    if content is None or isinstance(content, str):
        return "", content or "", ""
    found: dict[str, list[str]] = {"thinking": [], "text": [], "refusal": []}
    for part in content:
        if part.type not in found:
            raise _Malformed(f"the answer's content has a part of type {part.type!r}, which this API does not define")
        found[part.type].append(_words(getattr(part, part.type)))
    return "".join(found["thinking"]), "".join(found["text"]), "".join(found["refusal"])


def _words(value: str | list[dict[str, Any]] | None) -> str:
    if isinstance(value, list):
        return "".join(str(item.get("text", "")) for item in value)
    return value or ""


def _calls(message: WireMessage) -> Iterator[ToolCall]:
    calls = message.tool_calls or []
    if not calls and message.function_call is not None:
        calls = [WireCall(function=message.function_call)]
    taken = {call.id for call in calls}
    for index, call in enumerate(calls):
        function = call.function or WireFunction()
        arguments, raw = read_arguments(function.arguments)
        yield ToolCall(call.id or _free_id(index, taken), function.name or None, arguments, raw)


def _free_id(index: int, taken: set[str | None]) -> str:
    name = f"call_{index}"
    while name in taken:
        name += "_"
    return name


def _finish_reason(raw: str | None, parts: tuple[Part, ...]) -> FinishReason:
    if raw not in _FINISH and all(isinstance(part, ReasoningPart) for part in parts):
        raise _Malformed("the answer has no content, no tool calls, no refusal, and no finish_reason of this API")
    reason = _FINISH.get(raw, "stop")
    if reason in _CUT_SHORT:
        return reason
    if any(isinstance(part, ToolCall) for part in parts):
        return "tool_calls"
    if reason == "tool_calls" and not parts:
        raise _Malformed("the answer ends for its tool calls, and has none")
    return "refusal" if any(isinstance(part, RefusalPart) for part in parts) else "stop"


def _usage(usage: WireUsage) -> Usage | None:
    """Return the tokens, or None where a count is negative: a number that cannot be is no number."""
    if min(usage.prompt_tokens or 0, usage.completion_tokens or 0) < 0:
        return None
    given, made = usage.prompt_tokens or 0, usage.completion_tokens or 0
    inputs = usage.prompt_tokens_details or WireInputDetails()
    outputs = usage.completion_tokens_details or WireOutputDetails()
    reasoning = outputs.reasoning_tokens or 0
    # Some dialects count reasoning beside the completion, not within it; their total says so.
    beside = usage.total_tokens is not None and usage.total_tokens == given + made + reasoning
    return Usage(
        input=given,
        output=made + reasoning if beside else made,
        cached_input=inputs.cached_tokens or 0,
        cache_write=inputs.cache_write_tokens or 0,
        reasoning=reasoning,
    )
