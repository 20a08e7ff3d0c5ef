"""Decode: the answer of a messages call → a canonical response.

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
from ...canonical.part import Citation, NativePart, ReasoningPart, RefusalPart, TextPart
from ...canonical.tool import ToolCall
from ...canonical.usage import Usage
from ..answer import Answer
from ..arguments import read_arguments
from ..body import Malformed, lacking, malformed, read_body
from ..call_id import free_id
from ..fault import Fault
from ..rate_limit_headers import read_rate_limits
from .faults import RATE_LIMITS, fault_of_error
from .traits import TRAITS
from .wire import WireAnswer, WireBlock, WireUsage

Block = WireBlock | dict[str, Any]
"""A block of an answer; one that only the API knows is plain data."""

_KNOWN_BLOCKS = frozenset({"text", "thinking", "redacted_thinking", "tool_use"})
_FINISH: dict[str | None, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    # The API goes on with these when it is asked to: the answer is not whole.
    "pause_turn": "length",
    "compaction": "length",
    "refusal": "refusal",
}
_ENDED_EARLY = ("length", "refusal")
_BESIDE = (
    *("stop_sequence", "stop_details", "container", "diagnostics"),
    *("context_management", "input_transformations"),
)
_BESIDE_USAGE = ("cache_creation", "inference_geo", "server_tool_use", "speed", "iterations", "fallback_credit")
_DECODER = msgspec.json.Decoder(WireAnswer)


def decode(answer: Answer) -> ChatResponse | Fault:
    """Return what *answer*, a success, says, or why it is none."""
    wire = read_body(_DECODER, answer)
    if isinstance(wire, Fault):
        return wire
    if wire.error or wire.type == "error":
        return fault_of_error(wire.error, answer)
    if wire.content is None:
        return lacking("content", answer, None if wire.usage is None else usage_of(wire.usage))
    blocks: list[Block] = []
    for plain in wire.content:
        block = read_block(plain, answer)
        if isinstance(block, Fault):
            return block
        blocks.append(block)
    return response_of(wire, blocks, answer)


def read_block(plain: dict[str, Any], answer: Answer) -> Block | Fault:
    """Return a block of *answer*, typed if it is known."""
    kind = plain.get("type")
    if not isinstance(kind, str):
        return malformed("the answer has a block without a type", answer)
    if kind not in _KNOWN_BLOCKS:
        return plain
    try:
        return msgspec.convert(plain, WireBlock)
    except msgspec.ValidationError as error:
        return malformed(f"the answer does not fit this API: {error}, in a block of type {kind!r}", answer)


def response_of(wire: WireAnswer, blocks: Sequence[Block], answer: Answer) -> ChatResponse | Fault:
    """Return the response in *wire* and its *blocks*, the body of *answer* or what its events add up to."""
    usage = None if wire.usage is None else usage_of(wire.usage)
    try:
        return _response(wire, blocks, usage, answer)
    except Malformed as error:
        return malformed(str(error), answer, usage)
    except RecursionError:
        return malformed("the answer is nested too deeply", answer, usage)


def _response(wire: WireAnswer, blocks: Sequence[Block], usage: Usage | None, answer: Answer) -> ChatResponse:
    if wire.role not in (None, "assistant"):
        raise Malformed(f"the answer's role is {wire.role!r}, not 'assistant'")
    parts = tuple(_parts(wire, blocks))
    extra = _extra(wire, blocks)
    return ChatResponse(
        message=Message("assistant", parts),
        finish_reason=_finish_reason(wire.stop_reason, parts),
        raw_finish_reason=wire.stop_reason,
        usage=usage,
        request_id=answer.headers.get("request-id"),
        id=wire.id,
        model=wire.model,
        service_tier=None if wire.usage is None else wire.usage.service_tier,
        rate_limits=read_rate_limits(answer.headers, RATE_LIMITS, answer.now),
        extra=extra or EMPTY,
    )


def _parts(wire: WireAnswer, blocks: Sequence[Block]) -> Iterator[Part]:
    taken = {block.id for block in blocks if isinstance(block, WireBlock) and block.type == "tool_use"}
    for index, block in enumerate(blocks):
        if not isinstance(block, WireBlock):
            yield NativePart(TRAITS.name, block)
        elif block.type == "tool_use":
            arguments, raw = read_arguments(block.input)
            yield ToolCall(block.id or free_id(index, taken), block.name or None, arguments, raw)
        elif block.type == "thinking":
            yield ReasoningPart(block.thinking or "", block.signature or None, api=TRAITS.name)
        elif block.type == "redacted_thinking":
            yield ReasoningPart("", block.data, redacted=True, api=TRAITS.name)
        elif block.text or block.citations:
            yield TextPart(block.text or "", tuple(_citation(data) for data in block.citations or ()))
    refusal = refusal_of(wire.stop_details)
    if refusal:
        yield RefusalPart(refusal)


def refusal_of(details: dict[str, Any] | None) -> str | None:
    """Return the words with which the model declined, if *details* of the end have any."""
    return None if details is None else _said(details, "explanation")


def _citation(data: dict[str, Any]) -> Citation:
    return Citation(
        TRAITS.name,
        data,
        url=_said(data, "url", "source"),
        title=_said(data, "document_title", "title"),
        text=_said(data, "cited_text"),
    )


def _said(data: dict[str, Any], *keys: str) -> str | None:
    return next((data[key] for key in keys if isinstance(data.get(key), str)), None)


def _extra(wire: WireAnswer, blocks: Sequence[Block]) -> dict[str, Any]:
    extra = _set_fields(wire, _BESIDE)
    if wire.usage is not None:
        usage = _set_fields(wire.usage, _BESIDE_USAGE)
        if usage:
            extra["usage"] = usage
    calls = {
        block.id or "": about for block in blocks if isinstance(block, WireBlock) and (about := _about_call(block))
    }
    if calls:
        extra["tool_use"] = calls
    return extra


def _set_fields(struct: msgspec.Struct, names: Sequence[str]) -> dict[str, Any]:
    found = ((name, getattr(struct, name)) for name in names)
    return {name: value for name, value in found if value is not None}


def _about_call(block: WireBlock) -> dict[str, Any]:
    """Return who made a call, where it was not the model itself, and which of the API's sets of tools it is for."""
    about: dict[str, Any] = {}
    if block.caller is not None and block.caller != {"type": "direct"}:
        about["caller"] = block.caller
    if block.toolset_name is not None:
        about["toolset_name"] = block.toolset_name
    return about


def _finish_reason(raw: str | None, parts: tuple[Part, ...]) -> FinishReason:
    only_thought = all(isinstance(part, ReasoningPart) for part in parts)
    if raw not in _FINISH and only_thought:
        raise Malformed("the answer has no content, no tool calls, and no stop_reason of this API")
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
    cached, written = usage.cache_read_input_tokens or 0, usage.cache_creation_input_tokens or 0
    if min(given, made, cached, written) < 0:
        return None
    details = usage.output_tokens_details
    return Usage(
        input=given + cached + written,
        output=made,
        cached_input=cached,
        cache_write=written,
        reasoning=0 if details is None else details.thinking_tokens or 0,
    )
