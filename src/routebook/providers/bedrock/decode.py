"""Decode: the answer of a converse call → a canonical response.

Pure. Read once, strictly, into typed structures: what is no answer of this API is a Fault, never an empty success. An
answer without content that ends with a reason of this API is one: the model had nothing to say. Blocks that only this
API knows are kept whole, and what an answer says beside its message is in `extra`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from ...canonical.chat import ChatResponse, FinishReason
from ...canonical.frozen import EMPTY
from ...canonical.message import Message, Part
from ...canonical.part import Citation, ImagePart, NativePart, ReasoningPart, TextPart
from ...canonical.tool import ToolCall
from ...canonical.usage import Usage
from ..answer import Answer
from ..arguments import read_arguments
from ..body import Malformed, lacking, malformed, read_body
from ..call_id import free_id
from ..fault import Fault
from .faults import fault_of_error
from .media import image_type
from .traits import TRAITS
from .wire import WireAnswer, WireBlock, WireReasoning, WireUsage

Block = WireBlock | dict[str, Any]
"""A block of an answer; one that only the API knows is plain data."""

_KNOWN_BLOCKS = frozenset({"text", "toolUse", "reasoningContent", "citationsContent", "image"})
_FINISH: dict[str | None, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
    "refusal": "refusal",
}
_ENDED_EARLY = ("length", "content_filter", "refusal")
_BROKEN = ("malformed_model_output", "malformed_tool_use")
_BESIDE = {
    "metrics": "metrics",
    "additional_model_response_fields": "additionalModelResponseFields",
    "trace": "trace",
    "performance_config": "performanceConfig",
}
_DECODER = msgspec.json.Decoder(WireAnswer)


def decode(answer: Answer) -> ChatResponse | Fault:
    """Return what *answer*, a success, says, or why it is none."""
    wire = read_body(_DECODER, answer)
    if isinstance(wire, Fault):
        return wire
    if wire.error:
        return fault_of_error({"__type": wire.error, "message": wire.message}, answer)
    message = None if wire.output is None else wire.output.message
    if message is None or message.content is None:
        return lacking("content", answer)
    blocks: list[Block] = []
    for plain in message.content:
        block = read_block(plain, answer)
        if isinstance(block, Fault):
            return block
        blocks.append(block)
    return response_of(wire, message.role, blocks, answer)


def read_block(plain: dict[str, Any], answer: Answer) -> Block | Fault:
    """Return a block of *answer*, typed if it is known. A call that the API answers itself is none of ours."""
    if len(plain) != 1:
        return malformed(f"the answer has a block with {len(plain)} kinds of content, not one", answer)
    ((kind, content),) = plain.items()
    if kind not in _KNOWN_BLOCKS or _is_own(kind, content):
        return plain
    try:
        return msgspec.convert(plain, WireBlock)
    except msgspec.ValidationError as error:
        return malformed(f"the answer does not fit this API: {error}, in a block of type {kind!r}", answer)


def response_of(wire: WireAnswer, role: str | None, blocks: Sequence[Block], answer: Answer) -> ChatResponse | Fault:
    """Return the response in *wire* and its *blocks*, the body of *answer* or what its events add up to."""
    usage = None if wire.usage is None else usage_of(wire.usage)
    if wire.stop_reason in _BROKEN:
        return Fault("malformed_response", f"what the model said makes no sense ({wire.stop_reason})", None, usage)
    try:
        return _response(wire, role, blocks, usage, answer)
    except Malformed as error:
        return malformed(str(error), answer, usage)
    except RecursionError:
        return malformed("the answer is nested too deeply", answer, usage)


def _response(
    wire: WireAnswer, role: str | None, blocks: Sequence[Block], usage: Usage | None, answer: Answer
) -> ChatResponse:
    if role not in (None, "assistant"):
        raise Malformed(f"the answer's role is {role!r}, not 'assistant'")
    parts = tuple(_parts(blocks))
    return ChatResponse(
        message=Message("assistant", parts),
        finish_reason=_finish_reason(wire.stop_reason, parts),
        raw_finish_reason=wire.stop_reason,
        usage=usage,
        request_id=answer.headers.get("x-amzn-requestid"),
        service_tier=None if wire.service_tier is None else wire.service_tier.type,
        extra=_extra(wire) or EMPTY,
    )


def _is_own(kind: str, content: Any) -> bool:
    """Tell a call of a tool of the API's own, cited content that is not all words, and a picture that is no data."""
    if not isinstance(content, dict):
        return False
    if kind == "toolUse":
        return content.get("type") is not None
    if kind == "citationsContent":
        pieces = content.get("content")
        return isinstance(pieces, list) and not all(isinstance(piece, dict) and "text" in piece for piece in pieces)
    source = content.get("source")
    is_whole = content.keys() == {"format", "source"} and isinstance(source, dict) and source.keys() == {"bytes"}
    return kind == "image" and not is_whole


def _parts(blocks: Sequence[Block]) -> Iterator[Part]:
    calls = (block.tool_use for block in blocks if isinstance(block, WireBlock))
    taken = {call.tool_use_id for call in calls if call is not None}
    for index, block in enumerate(blocks):
        if not isinstance(block, WireBlock):
            yield NativePart(TRAITS.name, block)
        elif block.tool_use is not None:
            call = block.tool_use
            arguments, raw = read_arguments(call.input)
            yield ToolCall(call.tool_use_id or free_id(index, taken), call.name or None, arguments, raw)
        elif block.reasoning_content is not None:
            yield from _thoughts(block.reasoning_content)
        elif block.citations_content is not None:
            cited = block.citations_content
            text = "".join(piece.text for piece in cited.content or ())
            yield TextPart(text, tuple(_citation(data) for data in cited.citations or ()))
        elif block.image is not None:
            yield ImagePart(data=block.image.source.bytes, media_type=image_type(block.image.format))
        elif block.text:
            yield TextPart(block.text)


def _thoughts(wire: WireReasoning) -> Iterator[ReasoningPart]:
    said = wire.reasoning_text
    if said is not None and (said.text or said.signature):
        yield ReasoningPart(said.text or "", said.signature or None, api=TRAITS.name)
    if wire.redacted_content is not None:
        yield ReasoningPart("", wire.redacted_content, redacted=True, api=TRAITS.name)


def _citation(data: dict[str, Any]) -> Citation:
    location, pieces = data.get("location"), data.get("sourceContent")
    web = location.get("web") if isinstance(location, dict) else None
    url = web.get("url") if isinstance(web, dict) else data.get("source")
    texts = [piece.get("text") for piece in pieces if isinstance(piece, dict)] if isinstance(pieces, list) else []
    text = "".join(text for text in texts if isinstance(text, str))
    title = data.get("title")
    return Citation(
        TRAITS.name,
        data,
        url=url if isinstance(url, str) else None,
        title=title if isinstance(title, str) else None,
        text=text or None,
    )


def _extra(wire: WireAnswer) -> dict[str, Any]:
    extra = {name: value for field, name in _BESIDE.items() if (value := getattr(wire, field)) is not None}
    usage = {} if wire.usage is None else _beside_usage(wire.usage)
    return {**extra, "usage": usage} if usage else extra


def _beside_usage(usage: WireUsage) -> dict[str, Any]:
    """Return the cache's parts, and the total where it is more or less than all the counts together."""
    counts = (
        *(usage.input_tokens, usage.output_tokens),
        *(usage.cache_read_input_tokens, usage.cache_write_input_tokens),
    )
    beside: dict[str, Any] = {}
    if usage.total_tokens is not None and usage.total_tokens != sum(count or 0 for count in counts):
        beside["totalTokens"] = usage.total_tokens
    if usage.cache_details:
        beside["cacheDetails"] = usage.cache_details
    return beside


def _finish_reason(raw: str | None, parts: tuple[Part, ...]) -> FinishReason:
    only_thought = all(isinstance(part, ReasoningPart) for part in parts)
    if raw not in _FINISH and only_thought:
        raise Malformed("the answer has no content, no tool calls, and no stopReason of this API")
    reason = _FINISH.get(raw, "stop")
    if reason in _ENDED_EARLY:
        return reason
    if any(isinstance(part, ToolCall) for part in parts):
        return "tool_calls"
    if reason == "tool_calls" and only_thought:
        raise Malformed("the answer ends for its tool calls, and has none")
    return "stop"


def usage_of(usage: WireUsage) -> Usage | None:
    """Return the tokens, or None where a count is negative: a number that cannot be is no number."""
    given, made = usage.input_tokens or 0, usage.output_tokens or 0
    cached, written = usage.cache_read_input_tokens or 0, usage.cache_write_input_tokens or 0
    if min(given, made, cached, written) < 0:
        return None
    return Usage(input=given + cached + written, output=made, cached_input=cached, cache_write=written)
